"""Shards: blocks of rows by jobs of their own are, joined, the vectors of one job, byte for byte."""

import pytest

from suffice.embed import encode, shards
from suffice.embed.bag_of_words import BagOfWords, BagOfWordsSettings
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.shards import rows_of_shard
from suffice.embed.standin import write_standin
from suffice.embed.write import write_embedding, write_shard
from suffice.errors import ModelError
from suffice.storage.files import read_json, write_json

N_ITEMS, WINDOW = 50, 8


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(shards, "WINDOW_ITEMS", WINDOW)
    monkeypatch.setattr(encode, "WINDOW_ITEMS", WINDOW)


@pytest.fixture
def corpus(make_corpus, sentences):
    return make_corpus([f"{sentences[i % len(sentences)]} {i}" for i in range(N_ITEMS)])


@pytest.fixture(params=["transformer", "bag of words"])
def loader(request, tmp_path, sentences):
    if request.param == "bag of words":
        return BagOfWords(BagOfWordsSettings(n_components=4), seed=1)
    write_standin(tmp_path / "checkpoint", "bert", "hidden_states", sentences, seed=0)
    settings = HiddenStatesSettings(checkpoint=str(tmp_path / "checkpoint"), batch_size=3, max_length=12)
    return HiddenStates(settings)


def in_shards(loader, corpus, folder, n_shards):
    paths = [folder / f"{shard}.npy" for shard in range(n_shards)]
    for shard, path in enumerate(paths):
        write_shard(loader, corpus, path, model="m", shard=shard, n_shards=n_shards)
    return paths


@pytest.mark.parametrize("n_shards", [1, 2, 3, 9])
def test_joined_shards_are_the_bytes_of_one_job(loader, corpus, tmp_path, n_shards):
    whole = write_embedding(loader, corpus, tmp_path / "whole.npy", model="m", dataset="toy")
    paths = in_shards(loader, corpus, tmp_path, n_shards)
    joined = write_embedding(loader, corpus, tmp_path / "joined.npy", model="m", dataset="toy", shards=paths)
    assert (tmp_path / "joined.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()
    measured = {"cost"}
    assert {key: joined[key] for key in joined if key not in measured} == {
        key: whole[key] for key in whole if key not in measured
    }
    assert joined["cost"]["n_parameters"] == whole["cost"]["n_parameters"]
    assert joined["cost"]["tokens_per_item"] == whole["cost"]["tokens_per_item"]
    parts = [read_json(path.with_suffix(".json"))["effort"]["cpu_seconds"] for path in paths]
    assert joined["cost"]["cpu_seconds"] == pytest.approx(sum(parts))


def test_shards_are_whole_windows_that_cover_all_rows():
    for n_shards in (1, 2, 3, 7, 20):
        rows = [rows_of_shard(N_ITEMS, shard, n_shards) for shard in range(n_shards)]
        assert [row for block in rows for row in block] == list(range(N_ITEMS))
        assert all(block.start % WINDOW == 0 for block in rows if len(block))


def test_shards_that_do_not_fit_are_refused(corpus, tmp_path):
    loader = BagOfWords(BagOfWordsSettings(n_components=4), seed=1)
    paths = in_shards(loader, corpus, tmp_path, 3)
    out = tmp_path / "out.npy"
    with pytest.raises(ModelError, match="do not cover the 50 items"):
        write_embedding(loader, corpus, out, model="m", dataset="toy", shards=paths[:2])
    with pytest.raises(ModelError, match="do not cover the 50 items"):
        write_embedding(loader, corpus, out, model="m", dataset="toy", shards=paths[::-1])
    facts = read_json(tmp_path / "1.json")
    write_json(facts | {"identity_sha256": "0" * 64}, tmp_path / "1.json")
    with pytest.raises(ModelError, match=r"1\.npy belongs to another embedding"):
        write_embedding(loader, corpus, out, model="m", dataset="toy", shards=paths)
    assert not out.exists()
