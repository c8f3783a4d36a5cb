"""Tables for spreadsheets: no text in them is a formula, and reading gives back what was written."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice.cli import main
from suffice.data.build import build_corpus
from suffice.data.columns import CONTENT
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.readers import read_file
from suffice.plots.style import Drawn, save_figure
from suffice.storage.files import FORMULA_STARTS, csv_of, csv_safe, read_table, write_items, write_table

ATTACKS = [
    '=HYPERLINK("http://127.0.0.1/?"&A1,"open")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1",
    "＝1", "'=1", "''=1", "=", "-",
]  # fmt: skip


def cells_of(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return [cell for row in csv.reader(stream) for cell in row]


@pytest.mark.parametrize("column", ["model", "text", "warnings", "low_items", "anything"])
def test_no_text_is_a_formula_and_all_come_back(tmp_path, column):
    table = pd.DataFrame({column: ATTACKS, "nats": -np.arange(len(ATTACKS), dtype=float)})
    write_table(table, tmp_path / "t.csv")
    texts = [
        cell for cell in cells_of(tmp_path / "t.csv") if cell.lstrip("-").replace(".", "").isdigit() is False
    ]
    assert len(texts) == len(ATTACKS) + 2
    assert not any(cell.startswith(FORMULA_STARTS) for cell in texts)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), table, check_dtype=False, check_exact=True)


def test_numbers_stay_numbers_and_what_is_missing_stays_so(tmp_path):
    table = pd.DataFrame({"a": [-1, 2], "b": [-1.5, np.nan], "c": [True, False], "model": ["-x", None]})
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "a,b,c,model\n-1,-1.5,True,'-x\n2,,False,\n"
    read = read_table(tmp_path / "t.csv")
    assert read[["a", "b", "c"]].equals(table[["a", "b", "c"]])
    assert read["model"].tolist()[0] == "-x" and read["model"].isna().tolist() == [False, True]


def test_a_table_in_memory_and_parquet_keep_the_text(tmp_path):
    table = pd.DataFrame({"model": ["=1"], "=cell": ["x"]})
    write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet")["model"].tolist() == ["=1"]
    assert csv_safe(table).columns.tolist() == ["model", "'=cell"]
    assert table["model"].tolist() == ["=1"]
    write_table(table, tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv").columns.tolist() == ["model", "=cell"]


def test_the_points_of_a_figure_are_no_formulas_either(tmp_path):
    from matplotlib.figure import Figure

    save_figure(Drawn(Figure(), pd.DataFrame({"model": ["=1+1"], "value": [-1.0]})), tmp_path / "f")
    assert (tmp_path / "f.csv").read_text() == "model,value\n'=1+1,-1.0\n"


def test_a_model_that_is_named_like_a_formula_is_no_formula(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("=1+1", "<script>"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(60, 2)))
    assert main(["rank", "=1+1.npy", "<script>.npy", "--out", "r"]) == 0
    assert not [cell for cell in cells_of(tmp_path / "r" / "ranking.csv") if cell.startswith("=")]
    assert sorted(read_table(tmp_path / "r" / "ranking.csv")["model"]) == ["<script>", "=1+1"]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_text_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    write_table(pd.DataFrame({"model": [text]}), path)
    assert not cells_of(path)[1].startswith(FORMULA_STARTS)
    assert read_table(path)["model"].tolist() == [text]


ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
STARTS = st.lists(st.sampled_from([*FORMULA_STARTS, "'"]), min_size=1, max_size=3).map("".join)
RISKY = st.lists(st.builds("{}{}".format, STARTS, ANY_TEXT), min_size=1, max_size=4)


def for_people(table, path):
    write_table(table, path)
    return read_table(path)


def as_data(table, path):
    write_items(table, path)
    return read_file(path)


def by_hand(table, path):
    table.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    return read_file(path)


@pytest.mark.parametrize(
    ("there_and_back", "kind"),
    [(for_people, "csv"), (for_people, "parquet"), (as_data, "csv"), (as_data, "parquet"), (by_hand, "csv")],
)
@given(texts=RISKY, name=st.builds("{}{}".format, STARTS, ANY_TEXT))
def test_every_writer_and_reader_leaves_a_text_as_it_is(tmp_path_factory, there_and_back, kind, texts, name):
    path = tmp_path_factory.getbasetemp() / f"pair.{kind}"
    table = pd.DataFrame({name: texts, "number": np.arange(len(texts), dtype=float)})
    read = there_and_back(table, path)
    assert read.columns.tolist() == [name, "number"]
    assert read[name].tolist() == texts


def test_apostrophes_do_not_grow_however_often_a_table_is_written(tmp_path):
    table = pd.DataFrame({"text": ["-x", "'-x", "''=1", "'x", "x"]})
    write_table(table, tmp_path / "t.csv")
    assert cells_of(tmp_path / "t.csv") == ["text", "'-x", "''-x", "'''=1", "'x", "x"]
    assert csv_of(read_table(tmp_path / "t.csv")) == csv_of(table)


@pytest.mark.parametrize("written", [False, True])
def test_a_data_set_keeps_its_texts_to_the_corpus(tmp_path, written):
    starts = ["-", "=", "+", "@", "'", "'-", "''=", "-'"]
    texts = [f"{start}user {row} wrote this" for row in range(30) for start in starts]
    table = pd.DataFrame({"content": texts})
    path = tmp_path / "texts.csv"
    write_items(table, path) if written else table.to_csv(path, index=False)
    build_corpus(DatasetSettings(source="file", path=str(path)), 0, tmp_path / "texts.parquet")
    assert sorted(Corpus(tmp_path / "texts.parquet").table()[CONTENT]) == sorted(texts)
