"""Delimiters and speech marks in files whose makers do, or do not, quote."""

import csv
import io
from pathlib import Path

import pytest

from suffice.data.delimited import parse_delimited
from suffice.errors import AssumptionWarning, DataError

TSV, CSV = Path("t.tsv"), Path("t.csv")
SPEECH = ['"Yes," she said.', 'He said "no".', "plain", '5" pipe', '"Come here', 'now"', '"all of it"']


def tsv(texts):
    return "id\ttext\n" + "".join(f"k{row}\t{text}\n" for row, text in enumerate(texts))


def quoted(texts, delimiter):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("id", "text"), *((f"k{row}", text) for row, text in enumerate(texts))])
    return stream.getvalue()


@pytest.mark.parametrize("start", range(len(SPEECH) - 1))
def test_speech_marks_of_a_maker_who_does_not_quote_are_text(start):
    texts = [*SPEECH[start:], 'a "mark" inside']
    with pytest.warns(AssumptionWarning, match="read as text"):
        table = parse_delimited(tsv(texts), TSV, "\t")
    assert table["text"].tolist() == texts


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.filterwarnings("ignore::suffice.errors.AssumptionWarning")
def test_what_a_writer_of_quotes_wrote_comes_back(delimiter):
    texts = [*SPEECH, "two\nlines", "a, b; c", "tab\there", 'both "x"\n, y']
    for chosen in (texts, SPEECH, texts[-1:], ["two\nlines"] * 3):
        table = parse_delimited(quoted(chosen, delimiter), CSV, delimiter)
        assert table["text"].tolist() == chosen


def test_line_ends_in_cells_are_counted_and_said():
    text = quoted(["one\ntwo", "x", "three\nfour"], "\t")
    with pytest.warns(AssumptionWarning, match=r"2 rows have cells with line ends.*data row 1 \(line 2\)"):
        assert len(parse_delimited(text, TSV, "\t")) == 3


def test_a_mark_that_swallows_rows_is_named_with_its_row():
    swallowing = 'id\ttext\nk0\t"Come\nk1\tplain\nk2\tall"\nk3\n'
    with pytest.raises(DataError, match="data row 1: a quotation mark on line 2 spans the lines up to 4"):
        parse_delimited(swallowing, TSV, "\t")
    commas = 'id,text\nk0,"Come\nk1,plain\nk2,all"\nk3,x\n'
    with pytest.raises(DataError, match="data row 1: a quotation mark on line 2 spans"):
        parse_delimited(commas, CSV)
    assert len(parse_delimited(commas, CSV, quoting="none")) == 4
    assert len(parse_delimited(commas, CSV, quoting="quotes")) == 2


def test_the_setting_decides():
    marks = tsv(['"whole"', '"other"'])
    assert parse_delimited(marks, TSV, "\t", "quotes")["text"].tolist() == ["whole", "other"]
    assert parse_delimited(marks, TSV, "\t", "none")["text"].tolist() == ['"whole"', '"other"']


@pytest.mark.parametrize(("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_the_delimiter_is_told_from_the_header(delimiter, word):
    with pytest.warns(AssumptionWarning, match=word):
        table = parse_delimited(quoted(["a, b", "c"], delimiter), CSV)
    assert table["text"].tolist() == ["a, b", "c"]


def test_the_line_that_excel_writes_names_the_delimiter():
    assert parse_delimited("sep=;\r\nid;text\r\nk0;a, b\r\n", CSV)["text"].tolist() == ["a, b"]


def test_a_comma_within_quotes_of_the_header_is_no_delimiter():
    with pytest.warns(AssumptionWarning, match="semicolons"):
        assert list(parse_delimited('"a, b";c\n1;2\n', CSV)) == ["a, b", "c"]
