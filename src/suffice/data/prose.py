"""Paragraphs of English prose in a docstring that follows the numpydoc conventions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SUMMARY, EXTENDED_SUMMARY = "summary", "extended summary"
FIELD_SECTIONS = frozenset(
    [
        "parameters",
        "other parameters",
        "returns",
        "yields",
        "receives",
        "raises",
        "warns",
        "attributes",
        "methods",
    ]
    + ["see also", "keyword arguments", "optional parameters"]
)
SKIPPED_SECTIONS = frozenset(["references", "reference", "index"])
MIN_CHARS, MAX_CHARS = 60, 600
MIN_WORDS = 9
MIN_SHARE_OF_LETTERS = 0.9
MIN_SHARE_OF_FUNCTION_WORDS = 0.25
N_WORDS_OF_KEY = 9

UNDERLINE = re.compile(r"[-=~^]{3,}")
NOT_PROSE_START = re.compile(r"(>>>|\.\.|[-*+|=]|\d+[.)]|#|:\w|\[|In \[|\()")
TEMPLATE_OR_MATH = re.compile(r"%\(|[{}\\$<>|]|\]_|:math:|:\w+:|__|[=!]=|\.\.\s|https?:|>>>")
SENTENCE = re.compile(r"[A-Z].*[.!?]['\")]?", re.DOTALL)
MARKUP = (
    (re.compile(r"``(.+?)``", re.DOTALL), r"\1"),
    (re.compile(r"`([^`<]+?)\s*<[^>`]+>`__?"), r"\1"),
    (re.compile(r":(?!math)[a-z:]+:`~?\.?([^`<]+?)(?:\s*<[^>`]+>)?`"), r"\1"),
    (re.compile(r"(?<!math:)`~?([^`]+)`_?"), r"\1"),
    (re.compile(r"(?<=[.,;)])\s*\[[\w.-]+\]_"), ""),  # after a word it can be part of the sentence
    (re.compile(r"\s*\[[\w.-]+\]_(?=\.$)"), ""),
    (re.compile(r"\*\*(\w[^*]*)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(\w[^*]*)\*(?!\w)"), r"\1"),
    (re.compile(r"\s+"), " "),
)
FUNCTION_WORDS = frozenset(
    "a about after all also an and any are as at be been before between both but by can cannot do "
    "does each either else for from given has have how however if in instead into is it its may more "
    "most must no not of on one only or other over same should since so some such than that the "
    "their them then there these they this those through to under until upon used using was we were "
    "what when where whether which while will with within without would you your".split()
)


@dataclass
class Blocks:
    """Collects the paragraphs of one section line by line.

    Attributes:
        has_fields: the section is a list of fields: a line without indent is a field's name, and its
            description is indented.
    """

    has_fields: bool
    found: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    indent: int = 0

    def add(self, line: str) -> None:
        """Take one more line; a blank one, or a field's name, ends the paragraph."""
        stripped = line.strip()
        is_name = self.has_fields and stripped == line.rstrip()
        if not stripped or is_name:
            self.end()
        if is_name and stripped:
            self.indent = 0
        elif stripped:
            self.lines.append(line)

    def end(self) -> None:
        """End the paragraph; it is kept if all its lines have the indent of the running text."""
        indents = {len(line) - len(line.lstrip()) for line in self.lines}
        if self.has_fields and self.indent == 0 and self.lines:
            self.indent = min(indents)
        if indents == {self.indent}:
            self.found.append("\n".join(line.strip() for line in self.lines))
        self.lines = []


def split_docstring(text: str) -> Iterator[tuple[str, str]]:
    """Section name in lower case and raw text of each paragraph of a docstring without common indent.

    The first paragraph is the "summary", others before the first heading are "extended summary".
    Indented blocks, lists of references and paragraphs that start as a list or a directive are left out.
    """
    is_first = True
    for section, lines in split_sections(text.splitlines()):
        for paragraph in section_paragraphs(section, lines):
            if section == EXTENDED_SUMMARY and is_first:
                yield SUMMARY, paragraph
            elif not NOT_PROSE_START.match(paragraph):
                yield section, paragraph
            is_first = False


def split_sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Heading in lower case and lines of each section; the part before the first is "extended summary"."""
    heading, start = EXTENDED_SUMMARY, 0
    for i, line in enumerate(lines):
        if i and UNDERLINE.fullmatch(line.strip()) and lines[i - 1].strip():
            yield heading, lines[start : i - 1]
            heading, start = lines[i - 1].strip().lower().rstrip(":"), i + 1
    yield heading, lines[start:]


def section_paragraphs(section: str, lines: list[str]) -> list[str]:
    """The paragraphs of one section; empty for a section of references."""
    if section in SKIPPED_SECTIONS:
        return []
    blocks = Blocks(has_fields=section in FIELD_SECTIONS)
    for line in lines:
        blocks.add(line)
    blocks.end()
    return blocks.found


def clean_markup(text: str) -> str:
    """The text on one line without reStructuredText roles, quotes, emphasis and citation marks."""
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def is_prose(text: str) -> bool:
    """Whether a cleaned paragraph reads as English: length, letters, function words, no templates."""
    if not MIN_CHARS <= len(text) <= MAX_CHARS or not SENTENCE.fullmatch(text):
        return False
    if NOT_PROSE_START.match(text) or TEMPLATE_OR_MATH.search(text) or not text.isascii():
        return False
    words = re.findall(r"[a-z]+", text.lower())
    n_letters = sum(character.isalpha() or character.isspace() for character in text)
    share = sum(word in FUNCTION_WORDS for word in words) / max(len(words), 1)
    return (
        len(words) >= MIN_WORDS
        and n_letters >= MIN_SHARE_OF_LETTERS * len(text)
        and share >= MIN_SHARE_OF_FUNCTION_WORDS
    )


def near_duplicate_keys(text: str) -> tuple[str, str, str]:
    """Keys of a text: two texts that share a key are treated as the same.

    The keys are all its words in lower case, its first nine words, and its last nine. Digits and punctuation
    do not count.
    """
    words = re.findall(r"[a-z]+", text.lower())
    return (
        "all " + " ".join(words),
        "first " + " ".join(words[:N_WORDS_OF_KEY]),
        "last " + " ".join(words[-N_WORDS_OF_KEY:]),
    )
