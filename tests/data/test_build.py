import json

import numpy as np
import pandas as pd
import pytest

from suffice.data.build import build_corpus, content_sha256
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.errors import DataError
from suffice.storage.files import sha256_of_file


def table(n_items=60, n_groups=20):
    return pd.DataFrame(
        {
            "content": [f"item number {i}" for i in range(n_items)],
            "family": [f"family-{i % n_groups}" for i in range(n_items)],
            "size": np.arange(n_items, dtype=float),
        }
    )


def build(folder, rows, seed=0, name="toy", **settings):
    source = folder / "source.parquet"
    rows.to_parquet(source, index=False)
    settings = {"min_items": 2} | settings
    path = folder / f"{name}.parquet"
    build_corpus(DatasetSettings(source="file", path=str(source), **settings), seed, path)
    return Corpus(path)


def test_the_corpus_has_the_contract_s_columns_and_a_manifest(tmp_path):
    corpus = build(tmp_path, table(), group="family", license="CC0-1.0")
    assert corpus.columns == ["id", "content", "group", "split", "size"]
    assert corpus.n_items == 60
    manifest = corpus.manifest
    assert manifest["dataset"] == "toy"
    assert manifest["n_items"] == manifest["n_read"] == 60
    assert manifest["license"] == "CC0-1.0"
    assert manifest["source"] == "file: source.parquet"
    assert manifest["dropped"] == {}
    assert "pandas" in manifest["versions"]
    assert manifest["labels"]["size"]["n_labelled"] == 60


def test_the_hash_is_of_ids_and_contents_in_their_order(tmp_path):
    corpus = build(tmp_path, table())
    items = corpus.table()
    assert corpus.sha256 == content_sha256(items["id"], items["content"])
    assert corpus.sha256 != content_sha256(items["id"][::-1], items["content"][::-1])
    assert content_sha256(["a", "bc"], ["x", "y"]) != content_sha256(["a", "b"], ["x", "cy"])


def test_the_same_seed_gives_the_same_bytes_and_another_split_leaves_them(tmp_path):
    first, second = (build(tmp_path, table(), name=name) for name in ("a", "b"))
    assert sha256_of_file(first.path) == sha256_of_file(second.path)
    other = Corpus(first.path, seed=1)
    assert (other.column("split") != first.column("split")).any()
    assert set(other.table().drop(columns="split")) == set(first.stored)


def test_items_are_stripped_dropped_and_counted(tmp_path):
    contents = ["  padded text ", "padded text", "", None, "   ", "ab", "x" * 50, "good one", "good two"]
    corpus = build(tmp_path, pd.DataFrame({"content": contents}), min_chars=3, max_chars=20)
    assert corpus.column("content").tolist() == ["padded text", "good one", "good two"]
    assert corpus.column("id").tolist() == ["0", "7", "8"]
    assert corpus.manifest["dropped"] == {"empty": 3, "too short": 1, "too long": 1, "duplicate": 1}
    assert corpus.manifest["n_read"] == corpus.n_items + 6


def test_duplicates_stay_where_they_are_wanted(tmp_path):
    rows = pd.DataFrame({"content": ["same", "same", "other", "more"]})
    assert build(tmp_path, rows, deduplicate=False).n_items == 4


def test_a_pair_is_kept_or_dropped_as_a_whole_and_never_deduplicated(tmp_path):
    rows = pd.DataFrame({"l": ["a", "a", "b", "c"], "r": ["x", "", "x", "y"]})
    corpus = build(tmp_path, rows, content="l,r")
    assert corpus.column("id").tolist() == ["0/l", "0/r", "2/l", "2/r", "3/l", "3/r"]
    assert corpus.manifest["dropped"] == {"empty": 1, "pair incomplete": 1}
    sides = corpus.table().groupby("pair")["split"].nunique()
    assert (sides == 1).all()


@pytest.mark.parametrize("share", [0.2, 0.4, 0.7])
def test_no_group_is_on_both_sides_and_the_share_is_near(tmp_path, share):
    corpus = build(tmp_path, table(600, 100), group="family", test_share=share)
    items = corpus.table()
    assert (items.groupby("group")["split"].nunique() == 1).all()
    # groups have 6 items, so the share cannot be hit better than to half a group: 3 / 600
    assert abs((items["split"] == "test").mean() - share) <= 3 / 600


def test_a_group_too_large_for_the_test_split_stays_in_train(tmp_path):
    rows = table(100)
    rows["family"] = ["large"] * 80 + [f"small-{i}" for i in range(20)]
    for seed in range(5):
        items = build(tmp_path, rows, seed=seed, group="family", test_share=0.1).table()
        assert set(items.loc[items["split"] == "test", "group"]) <= {f"small-{i}" for i in range(20)}


def test_the_sample_keeps_whole_groups_in_order(tmp_path):
    corpus = build(tmp_path, table(60, 20), group="family", max_items=31)
    items = corpus.table()
    assert len(items) == 30  # ten whole groups of three; an eleventh does not fit
    assert (items.groupby("group").size() == 3).all()
    assert items["size"].is_monotonic_increasing
    assert corpus.manifest["dropped"] == {"not sampled": 30}


def test_validation_counts_as_train(tmp_path):
    rows = table(6)
    rows["part"] = ["train", "validation", "dev", "val", "test", "test"]
    corpus = build(tmp_path, rows, split="part")
    assert corpus.column("split").tolist() == ["train"] * 4 + ["test"] * 2


def test_nested_columns_are_left_out_and_named(tmp_path):
    rows = table(10)
    rows["spans"] = [[1, 2]] * 10
    corpus = build(tmp_path, rows)
    assert "spans" not in corpus.columns
    assert corpus.manifest["dropped_columns"] == ["spans"]


def test_missing_labels_stay_missing(tmp_path):
    rows = table(10)
    rows["topic"] = ["a", None] * 5
    topic = build(tmp_path, rows).column("topic")
    assert pd.isna(topic).tolist() == [False, True] * 5


BAD = {
    "too few": (table(60), {"min_items": 200}, r"toy: 60 items of 60 remain, fewer than min_items = 200"),
    "too few left": (
        table(60),
        {"min_items": 51, "min_chars": 14},
        r"fewer than min_items = 51 \(10 too short\)",
    ),
    "one group": (table(10, 1), {"group": "family"}, r"all 10 items are in the split 'train' \(1 groups\)"),
    "unknown split": (table(10), {"split": "family"}, "the split 'family-0' is unknown; known are train"),
    "one split": (table(10).assign(p="test"), {"split": "p"}, "all 10 items are in the split 'test'"),
}


@pytest.mark.parametrize(("rows", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_data_unfit_for_use_are_refused_and_no_file_is_written(tmp_path, rows, settings, message):
    with pytest.raises(DataError, match=message):
        build(tmp_path, rows, **settings)
    assert not (tmp_path / "toy.parquet").exists()


def test_a_column_of_mixed_types_is_refused(tmp_path):
    source = tmp_path / "mixed.jsonl"
    source.write_text(
        "".join(json.dumps({"content": f"c{i}", "k": i if i % 2 else "a"}) + "\n" for i in range(4))
    )
    settings = DatasetSettings(source="file", path=str(source), min_items=2)
    with pytest.raises(DataError, match="column 'k' mixes the types int, str"):
        build_corpus(settings, 0, tmp_path / "m.parquet")


def test_data_sets_one_after_the_other_keep_groups_and_drop_copies_within_each(tmp_path):
    rows = table()
    doubled = pd.concat([rows, rows.head(7)])
    parts = {
        "a": build(tmp_path, doubled, name="a", group="family", deduplicate=False).path,
        "b": build(
            tmp_path, rows.assign(other=rows["content"] + "!"), name="b", content="content,other"
        ).path,
    }
    path = tmp_path / "both.parquet"
    build_corpus(DatasetSettings(source="datasets", path="a, b", min_items=2), 0, path, parts)
    both = Corpus(path)
    items = both.table()
    assert items["part"].value_counts().to_dict() == {"b": 120, "a": 60}  # pairs are items like others
    assert both.columns == ["id", "content", "group", "split", "part", "kept_together"]
    copies = items.loc[
        items["id"].str.contains("item-3(?:/|$)") | (items["content"].str.strip("!") == "item number 3")
    ]
    assert copies["kept_together"].nunique() == 1
    assert set(items.loc[items["part"] == "a", "group"]) == {f"a/family-{i}" for i in range(20)}
    assert both.manifest["dropped"] == {"duplicate": 7}
    assert both.manifest["source"] == "data sets: a, b"
    assert both.manifest["source_sha256"]["a"] == Corpus(parts["a"]).sha256


def test_the_first_items_are_kept_in_their_order(tmp_path):
    corpus = build(tmp_path, table(), first_items=10)
    assert corpus.table()["content"].tolist() == [f"item number {i}" for i in range(10)]
    assert corpus.manifest["dropped"] == {"not sampled": 50}
    with pytest.raises(ValueError, match="leave one out"):
        DatasetSettings(source="file", path="x.csv", min_items=2, first_items=5, max_items=5)
