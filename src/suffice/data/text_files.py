"""Reading text files of any encoding, detected from a byte order mark or the bytes; guesses are reported."""

import codecs
import re
from pathlib import Path

from suffice.errors import DataError, assume
from suffice.memory import check_memory
from suffice.storage.untrusted import UNREADABLE, unpack_gzip

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # the mark of UTF-32 starts with that of UTF-16
WITHOUT_MARK = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
CONTAINERS = (
    (
        b"PK\x03\x04",
        "a zip archive or a spreadsheet; save the sheet as CSV, or unpack the archive",
    ),
    (b"\x1f\x8b", "compressed with gzip; unpack it, or add .gz to its name"),
    (b"BZh", "compressed with bzip2; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it"),
    (b"\xfd7zXZ", "compressed with xz; unpack it"),
    (b"PAR1", "a Parquet file; rename it to .parquet"),
    (b"ARROW1", "an Arrow file; save it as Parquet"),
    (b"%PDF-", "a PDF file; extract its text"),
    (b"SQLite format 3\0", "a database of SQLite; export its table as CSV"),
    (
        b"\x93NUMPY",
        "an array of NumPy, not text; give a file of text, or name it .npy if it has vectors",
    ),
    (b"version https://git-lfs.github.com/", "a pointer of Git LFS, not the file itself; run `git lfs pull`"),
)
"""First bytes of files that are not text, and what to do with them."""
BYTES_OF_BYTE = 3  # of a file: itself, its text, and its cells or lines
PROBED_BYTES = 1 << 16
MOSTLY = 0.4  # in UTF-16 of Western text, more of the bytes at odd or even positions are zero
UNLIKELY = re.compile(
    "[a-z][ŠŽŒŸÀ-ÖØ-Þ]|[A-Za-zÀ-ÿ][‚ƒ„†‡ˆ‰‹›¡¢¤¥¦§¨©«¬®¯±²³´µ¶·¸¹»¼½¾¿×÷][A-Za-zÀ-ÿ]|[À-ÖØ-öø-ÿ]{4}"
)
"""Patterns that are rare in Windows-1252 text and suggest another encoding: capitals with accents or symbols
within a word, and words of accents only."""
TOLERATED = 50  # one in this many characters beyond ASCII may be unlikely


def read_text(path: Path) -> str:
    """The text of a file, unpacked if its name ends in .gz; without a byte order mark.

    The encoding is UTF-8, or the one of a byte order mark, or UTF-16 or Windows-1252 if the bytes match it,
    with a warning.

    Raises:
        DataError: the encoding is unknown (with the position of the first wrong byte), or it is not a
            complete gzip file.
    """
    try:
        check_memory(
            BYTES_OF_BYTE * path.stat().st_size, f"reading {path}", "split the file, or give it more"
        )
        content = unpack_gzip(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read ({error}); it may be truncated, copy it again") from error
    return decode(content, str(path))


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without their line ends; empty lines at the end are left out.

    Raises:
        DataError: as for `read_text`.
    """
    return with_line_feeds(read_text(path)).rstrip("\n").split("\n")


def with_line_feeds(text: str) -> str:
    """The text with a line feed at the end of each line; a lone carriage return ends a line if all do."""
    text = text.replace("\r\n", "\n")
    return text if "\n" in text else text.replace("\r", "\n")


def decode(content: bytes, place: str) -> str:
    """The decoded text of bytes; `place` names the file in messages.

    Raises:
        DataError: the encoding is unknown.
    """
    for start, what in CONTAINERS:
        if content.startswith(start):
            raise DataError(f"{place} is {what}")
    encoding = encoding_of(content)
    try:
        return content.decode(encoding).replace("\n\ufeff", "\n")  # a mark within comes from joined files
    except UnicodeDecodeError as error:
        if encoding not in ("utf-8", "utf-8-sig"):
            raise DataError(f"{place} is not valid {encoding.upper()} ({error}); copy it again") from error
        return _decode_western(content, place, error)


def encoding_of(content: bytes) -> str:
    """The encoding that the first bytes show; UTF-8 if they show nothing."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return encoding
    probe = content[:PROBED_BYTES]
    zeros = [probe[start::2].count(0) / max(1, len(probe) // 2) for start in (0, 1)]
    if max(zeros) > MOSTLY and min(zeros) < MOSTLY / 4:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    if b"\0" in probe:
        return next((encoding for encoding in WITHOUT_MARK if _is_text(probe, encoding)), "utf-8")
    return "utf-8"


def _is_text(content: bytes, encoding: str) -> bool:
    """Whether bytes are lines of printable characters in an encoding."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    return "\n" in text and all(letter.isprintable() or letter in "\t\r\n" for letter in text)


def _decode_western(content: bytes, place: str, error: UnicodeDecodeError) -> str:
    """The text of bytes that are not UTF-8, if they are plausible as Windows-1252."""
    where = f"{place} is not UTF-8: byte {content[error.start]:#04x} at position {error.start}"
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    beyond = sum(byte > 127 for byte in content)
    if not text or "\0" in text or len(UNLIKELY.findall(text)) * TOLERATED > beyond:
        raise DataError(
            f"{where}, and the bytes are not Windows-1252 either; convert it from its own encoding, for "
            "example with: iconv -f ENCODING -t UTF-8 (such as SHIFT_JIS, GB18030, CP1251, CP1250, CP850 or "
            "MACINTOSH)"
        ) from error
    assume(f"{where}; it was read as Windows-1252, which fits its bytes. Save it as UTF-8 to be sure")
    return text
