"""Models of one checkpoint from one forward pass: bytes of separate passes, and failures stay apart."""

import numpy as np
import pandas as pd
import pytest

from suffice.data.looks import LookContents, LookTable
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.looks import LooksToEmbed
from suffice.embed.one_pass import OnePass, Row, pass_key, rows_beside
from suffice.embed.registry import build_loader
from suffice.embed.sentence_transformer import SentenceTransformer
from suffice.embed.transformer import TransformerEncoder
from suffice.embed.write import write_embedding, write_shard
from suffice.storage.files import read_json

LAYERS = {
    "first": {"layer": 0},
    "second": {"layer": 1, "pooling": "cls"},
    "last": {"normalize": True},
}


@pytest.fixture
def texts(sentences):
    return [f"{sentences[i % len(sentences)]} {i}" for i in range(40)] + [" ".join(sentences) * 4]


@pytest.fixture
def n_read(monkeypatch):
    """How many texts networks read, apart from checks at opening: a list of numbers."""
    numbers = []
    encode = TransformerEncoder._encode_batch

    def counted(self, rows):
        numbers.append(len(rows))
        return encode(self, rows)

    monkeypatch.setattr(TransformerEncoder, "_encode_batch", counted)
    monkeypatch.setattr("suffice.embed.transformer.check_batches", lambda *_: [])
    return numbers


def layer(folder, **settings):
    return HiddenStates(HiddenStatesSettings(checkpoint=str(folder), batch_size=4, **settings))


def columns(encoder, vectors):
    edges = np.cumsum([part.embed_dim for part in encoder.parts()])[:-1]
    return np.split(vectors, edges, axis=1)


@pytest.mark.parametrize("family", ["bert", "t5", "llama"])
def test_layers_and_poolings_of_one_pass_are_those_of_their_own_passes(
    family, checkpoint, texts, window, n_read
):
    loaders = [layer(checkpoint(family), max_length=20, **settings) for settings in LAYERS.values()]
    together = loaders[0].open_together(loaders[1:], None)
    found = columns(together, together.encode(window(texts)))
    assert sum(n_read) == len(texts)
    for loader, part, vectors in zip(loaders, together.parts(), found, strict=True):
        alone = loader.open(None)
        np.testing.assert_array_equal(vectors, alone.encode(window(texts)))
        counts = part.n_parameters, part.n_truncated, part.n_tokens
        assert counts == (alone.n_parameters, alone.n_truncated, alone.n_tokens)
        assert part.n_truncated > 0
    n_layers = together.n_layers
    assert [part.share for part in together.parts()] == [1 / n_layers, 2 / n_layers, 1.0]


def test_a_sentence_model_passes_the_states_of_its_network_on(standin, texts, window, n_read):
    own = SentenceTransformer(SentenceTransformer.Settings(checkpoint=str(standin), batch_size=4))
    layers = [layer(standin, **settings) for settings in LAYERS.values()]
    together = own.open_together(layers, None)
    found = columns(together, together.encode(window(texts)))
    read_again = sum(n_read)
    for loader, vectors in zip([own, *layers], found, strict=True):
        np.testing.assert_allclose(vectors, loader.open(None).encode(window(texts)), rtol=1e-6, atol=1e-6)
    assert read_again < len(texts)


def test_texts_that_a_sentence_model_cuts_earlier_are_read_again(standin, texts, window, n_read):
    own = SentenceTransformer(SentenceTransformer.Settings(checkpoint=str(standin), max_seq_length=6))
    layers = [layer(standin, layer=1)]
    together = own.open_together(layers, None)
    _, vectors = columns(together, together.encode(window(texts)))
    n_longer = sum(len(ids) > 6 for ids in together.states._tokenize(texts)["input_ids"])
    assert 0 < n_longer == sum(n_read)
    np.testing.assert_allclose(vectors, layers[0].open(None).encode(window(texts)), rtol=1e-6, atol=1e-6)
    before = sum(n_read)
    together.states.encode(window(texts[:2]))  # nothing is kept from the last window
    assert sum(n_read) == before + 2


def test_which_models_can_share_a_pass():
    def key(kind=HiddenStates, seed=0, **settings):
        return pass_key(kind, {"checkpoint": "a", **settings}, seed)

    same = [key(layer=1), key(pooling="cls", seed=5), key(SentenceTransformer, normalize=True)]
    assert len({*same, key()}) == 1
    others = [key(max_length=9), key(dtype="float16"), key(prompt="x"), key(checkpoint="b")]
    others += [key(random_init=True), key(random_init=True, seed=1)]
    assert len({key(), *others}) == 1 + len(others)
    assert pass_key(type(build_loader("bag_of_words", {"n_components": 2}, 0, "cpu")), {}, 0) is None


@pytest.fixture
def halves(sentences, tmp_path):
    columns = {"first_content": sentences, "second_content": sentences[::-1], "group": sentences}
    return LookContents(LookTable("halves", "f" * 64, pd.DataFrame(columns)))


@pytest.fixture
def study(standin, make_corpus, texts, tmp_path, halves):
    """A function that does the embedding job of a model in a study of layers; whether it had to embed."""
    corpus = make_corpus(texts)
    models = {name: ("hidden_states", given) for name, given in LAYERS.items()}
    models |= {"whole": ("sentence_transformer", {}), "wrong": ("hidden_states", {"layer": 9})}

    def one_pass(name, among, **more):
        given = [
            {
                "model": each,
                "kind": models[each][0],
                "settings": {"checkpoint": str(standin), "batch_size": 4, **models[each][1]},
                "seed": 0,
                "code": "c",
            }
            for each in among
        ]
        rows = rows_beside(given, build_loader, "cpu", tmp_path)
        own = next(row for row in rows if row.model == name)
        ordered = [Row(name, own.loader, "c"), *(row for row in rows if row.model != name)]
        return OnePass(ordered, "key", corpus, tmp_path / "store", **more)

    def job(name, among, with_looks=False):
        path = tmp_path / "looks" / f"{name}.npy"
        looks = LooksToEmbed(halves, "f" * 64, path) if with_looks else None
        together = one_pass(name, among, looks=looks)
        with together.blocks() as (shards, looks):
            loader = together.rows[0].loader
            about = {"model": name, "dataset": "toy", "looks": looks}
            write_embedding(loader, corpus, tmp_path / f"{name}.npy", shards=shards, **about)
        return not shards

    job.one_pass, job.corpus, job.folder = one_pass, corpus, tmp_path
    return job


def card(path):
    found = read_json(path)
    return {key: found[key] for key in found if key not in ("cost", "cpu_seconds")}


@pytest.mark.parametrize("models", [["first", "second", "last"], ["second", "whole", "first"]])
def test_jobs_that_share_a_pass_write_the_files_of_jobs_that_do_not(study, models):
    folder = study.folder
    for name in models:
        assert study(name, [name], with_looks=True)
    files = [folder / place / f"{name}.npy" for name in models for place in (".", "looks")]
    alone = [np.load(file) for file in files]
    cards = [card(file.with_suffix(".json")) for file in files]
    for file in files:
        file.unlink(), file.with_suffix(".json").unlink()
    assert not any(study(name, models, with_looks=True) for name in models)
    for file, vectors, facts in zip(files, alone, cards, strict=True):
        np.testing.assert_allclose(np.load(file), vectors, rtol=1e-6, atol=1e-6)
        if np.array_equal(np.load(file), vectors):
            assert card(file.with_suffix(".json")) == facts
    assert not list((folder / "store").rglob("*.npy"))
    costs = [read_json(folder / f"{name}.json")["cost"] for name in models]
    assert all(cost["cpu_seconds"] > 0 and cost["tokens_per_item"] > 0 for cost in costs)


def test_one_more_layer_and_a_layer_of_other_settings_have_their_own_pass(study, caplog):
    caplog.set_level("INFO")
    assert study("first", ["first"])
    assert study("second", ["first", "second"])  # the first has its vectors
    assert not study("last", ["first", "second", "last", "whole"])
    assert "one forward pass for whole, last" in caplog.text and "first" not in caplog.text
    assert not study("whole", ["first", "second", "last", "whole"])


def test_a_model_that_fails_takes_no_other_along(study, caplog):
    among = ["first", "wrong", "last"]
    with caplog.at_level("WARNING"):
        assert study("first", among)
    assert "no shared forward pass (layer 9 does not exist" in caplog.text
    with pytest.raises(Exception, match="layer 9 does not exist"):
        study("wrong", among)
    assert study("last", among)
    assert {path.stem for path in study.folder.glob("*.npy")} == {"first", "last"}


def test_a_block_that_was_cut_is_made_again(study):
    among = ["first", "last"]
    assert not study("first", among)
    (facts,) = (study.folder / "store").rglob("block.json")
    facts.unlink()
    assert study("last", among)


def test_blocks_of_rows_are_shared_too(study):
    folder, among = study.folder, ["first", "last"]
    for name in among:
        together = study.one_pass(name, among, shard=0, n_shards=1)
        write_shard(
            together.rows[0].loader, study.corpus, folder / "own.npy", model=name, shard=0, n_shards=1
        )
        assert together.move_block(folder / "moved.npy")
        assert (folder / "moved.npy").read_bytes() == (folder / "own.npy").read_bytes()
        moved, own = read_json(folder / "moved.json"), read_json(folder / "own.json")
        assert moved["identity_sha256"] == own["identity_sha256"] and moved["n_items"] == own["n_items"]
    assert not study.one_pass("first", ["first"]).move_block(folder / "moved.npy")
