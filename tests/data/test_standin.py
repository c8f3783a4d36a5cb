"""Tables that stand for data sets of the hub: the columns that the settings and the tasks name."""

import pandas as pd

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.standin import N_ROWS, write_standin_table, write_standin_tables

TEXTS = [f"paragraph {number} " + "word " * (number % 17) for number in range(300)]


def test_columns_are_those_of_the_data_set_and_its_tasks(tmp_path):
    settings = DatasetSettings(source="hub", path="o/d", content="first,second", id="key", split="part")
    path = tmp_path / "d.parquet"
    write_standin_table(settings, {"label": False, "score": True}, TEXTS, 0, path)
    table = pd.read_parquet(path)
    assert set(table) == {"first", "second", "key", "part", "label", "score"}
    assert len(table) == N_ROWS and table["key"].is_unique
    assert not set(table["first"]) & set(table["second"])
    assert table["label"].value_counts().tolist() == [40, 40, 40]
    assert table["score"].dtype == float
    assert set(table["part"]) == {"train", "test"}


def test_texts_are_those_of_installed_packages(tmp_path):
    settings = DatasetSettings(source="hub", path="o/d")
    write_standin_tables({"d": (settings, {})}, [str(tmp_path / "d.parquet")], seed=3)
    table = pd.read_parquet(tmp_path / "d.parquet")
    assert list(table) == ["content"]
    assert table["content"].str.split().str.len().median() > 8
