"""Encodings told by a mark or by the bytes, and what is said of them."""

import gzip
import warnings

import pytest

from suffice.data.text_files import decode, read_lines, read_text
from suffice.errors import AssumptionWarning, DataError

WESTERN = "Voilà un “café” – très bon, it’s 20 € à Zürich\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_told_without_a_word(encoding):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(WESTERN.encode(encoding), "f") == WESTERN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told_by_its_zeros(encoding):
    assert decode(WESTERN.encode(encoding), "f") == WESTERN


@pytest.mark.parametrize(
    "text", [WESTERN, "naïve\n", "Ærø, Øster and Åse; señor Muñoz\n", "5 °C ± 2, ½ cup\n"]
)
def test_windows_1252_is_read_and_said(text):
    with pytest.warns(AssumptionWarning, match="position .*read as Windows-1252"):
        assert decode(text.encode("cp1252"), "f") == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, это длинный русский текст\n", "cp1251"),
        ("日本語のテキストです、とても長い\n", "shift_jis"),
        ("这是一个很长的中文文本\n", "gb18030"),
        ("le café était fermé, très tôt\n", "cp850"),
        ("un élève à l'école\n", "mac_roman"),
        ("zażółć gęślą jaźń, łódź i ściana\n", "cp1250"),
        ("αυτό είναι ένα ελληνικό κείμενο\n", "cp1253"),
    ],
)
def test_other_encodings_are_refused_not_guessed(text, encoding):
    with pytest.raises(DataError, match="is not UTF-8: byte 0x.*iconv -f ENCODING"):
        decode((text * 3).encode(encoding), "f")


def test_half_a_character_of_utf_16_is_damage():
    with pytest.raises(DataError, match="not valid UTF-16"):
        decode("abc".encode("utf-16")[:-1], "f")


@pytest.mark.parametrize("content", ["\ufeffa\r\nb\r\n\r\n", "a\nb\n\n\n", "a\nb"])
def test_lines_have_no_mark_and_no_empty_end(tmp_path, content):
    (tmp_path / "ids.txt.gz").write_bytes(gzip.compress(content.encode()))
    assert read_lines(tmp_path / "ids.txt.gz") == ["a", "b"]


def test_a_damaged_gzip_file_is_named(tmp_path):
    (tmp_path / "t.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="t.txt.gz cannot be read"):
        read_text(tmp_path / "t.txt.gz")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Привет мир, как дела\n", "日本語のテキストです\r\n", "한국어\tκόσμε\n"])
def test_other_scripts_without_a_mark_are_told_by_their_line_ends(text, encoding):
    assert decode((text * 40).encode(encoding), "f") == text * 40


CONTAINERS = {
    "workbook": (b"PK\x03\x04" + bytes(40), "a zip archive or a spreadsheet; save the sheet as CSV"),
    "gzip": (gzip.compress(b"text\na\n"), "compressed with gzip; unpack it, or add .gz to its name"),
    "parquet": (b"PAR1" + bytes(40), "a Parquet file; rename it"),
    "pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 9\n",
        "run `git lfs pull`",
    ),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_files_that_are_not_text_are_told_by_their_first_bytes(kind):
    content, message = CONTAINERS[kind]
    with pytest.raises(DataError, match=message):
        decode(content, "texts.csv")


def test_lines_may_end_in_carriage_returns_and_files_may_be_joined(tmp_path):
    (tmp_path / "f.txt").write_bytes(b"a\rb\rc\r")
    assert read_lines(tmp_path / "f.txt") == ["a", "b", "c"]
    (tmp_path / "f.txt").write_bytes(b"a\rb\r\nc\n")
    assert read_lines(tmp_path / "f.txt") == ["a\rb", "c"]
    (tmp_path / "f.txt").write_bytes("\ufeffa\n\ufeffb\n".encode())
    assert read_lines(tmp_path / "f.txt") == ["a", "b"]
