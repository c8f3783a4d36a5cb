"""Names as people write them: one form for equal letters, and a form that is safe to show."""

import re
import unicodedata

DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def same_name(text: str) -> str:
    """The normal form of a name: `é` can be one character, or a letter and an accent that look the same."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_text(name: str) -> bool:
    """Whether a name is text. A file name may not be: its bytes may have no valid encoding."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shown_name(text: str) -> str:
    """A name for figures and messages: on one line, without marks that change the direction of writing."""
    return UNSHOWN.sub(" ", DIRECTION_MARKS.sub("", same_name(text))).strip() or "?"
