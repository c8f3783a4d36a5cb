"""Vectors of looks at a corpus's items, by models that were fitted on the whole items."""

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from suffice.data.looks import LookContents, LookTable
from suffice.embed import encode, shards
from suffice.embed.bag_of_words import BagOfWords, BagOfWordsSettings
from suffice.embed.concatenation import Concatenation, ConcatenationSettings
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.looks import LooksToEmbed
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.principal_components import PrincipalComponents, PrincipalComponentsSettings
from suffice.embed.write import write_embedding, write_shard
from suffice.errors import ModelError
from suffice.storage.files import read_json, sha256_of_file


@pytest.fixture
def halves(sentences):
    words = [text.split() for text in sentences if len(text.split()) >= 8]
    first = [" ".join(each[: len(each) // 2]) for each in words]
    second = [" ".join(each[len(each) // 2 :]) for each in words]
    columns = {"first_content": first, "second_content": second, "group": first}
    return LookContents(LookTable("halves", "f" * 64, pd.DataFrame(columns)))


@pytest.fixture
def embed(corpus, tmp_path):
    """A function that embeds the corpus and looks with one model; the vectors of both."""

    def both(loader, looks, name="m", bases=(), shards=(), look_shards=()):
        path = tmp_path / "looks" / f"{name}.npy"
        given = LooksToEmbed(looks, "f" * 64, path, tuple(bases), tuple(look_shards))
        items = tmp_path / f"{name}.npy"
        write_embedding(loader, corpus, items, model=name, dataset="toy", shards=shards, looks=given)
        return np.load(items), np.load(path)

    return both


def test_the_model_is_fitted_on_the_whole_texts(embed, halves, sentences):
    """With as many components as the fit has, cosines are those of the weighted counts themselves."""
    _, found = embed(BagOfWords(BagOfWordsSettings(n_components=len(sentences))), halves)
    assert found.shape == (halves.n_items, len(sentences)) and found.dtype == np.float32
    weighted = TfidfVectorizer(norm="l2").fit(sentences)
    whole = weighted.transform(sentences).toarray()
    basis = np.linalg.svd(whole, full_matrices=False)[2]
    expected = weighted.transform(halves.contents).toarray() @ basis.T
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-4)  # float32


def test_looks_do_not_change_the_items_and_have_a_card_of_their_own(embed, halves, corpus, tmp_path):
    settings = BagOfWordsSettings(n_components=4)
    items, _ = embed(BagOfWords(settings), halves)
    alone = tmp_path / "alone.npy"
    card = write_embedding(BagOfWords(settings), corpus, alone, model="m", dataset="toy")
    assert alone.read_bytes() == (tmp_path / "m.npy").read_bytes()
    measured = {"cost"}
    beside = read_json(tmp_path / "m.json")
    assert {key: card[key] for key in card if key not in measured} == {
        key: beside[key] for key in beside if key not in measured
    }
    of_looks = read_json(tmp_path / "looks" / "m.json")
    assert of_looks["array_sha256"] == sha256_of_file(tmp_path / "looks" / "m.npy")
    assert of_looks["n_items"] == halves.n_items and of_looks["looks_sha256"] == "f" * 64
    assert of_looks["identity_sha256"] != card["identity_sha256"]


def test_truncated_looks_are_counted_apart_from_truncated_items(embed, halves, checkpoint, tmp_path):
    settings = HiddenStatesSettings(checkpoint=str(checkpoint("bert")), max_length=30)
    embed(HiddenStates(settings), halves)
    items, looks = (read_json(tmp_path / place)["health"] for place in ("m.json", "looks/m.json"))
    assert items["n_truncated"] > looks["n_truncated"] == 0


def test_models_that_are_made_from_others_follow_their_looks(embed, halves, tmp_path):
    base, of_base = embed(BagOfWords(BagOfWordsSettings(n_components=6)), halves, "base")
    place = tmp_path / "looks" / "base.npy"
    settings = PrincipalComponentsSettings(path=str(tmp_path / "base.npy"), n_components=2)
    _, reduced = embed(PrincipalComponents(settings), halves, "pca", bases=[place])
    whole = base.astype(np.float64)
    axes = np.linalg.svd(whole - whole.mean(axis=0), full_matrices=False)[2][:2]
    expected = (of_base - whole.mean(axis=0)) @ axes.T
    np.testing.assert_allclose(np.abs(reduced), np.abs(expected), atol=1e-4)
    paths = f"{tmp_path / 'base.npy'},{tmp_path / 'pca.npy'}"
    beside = [place, tmp_path / "looks" / "pca.npy"]
    _, joined = embed(Concatenation(ConcatenationSettings(path=paths)), halves, "both", bases=beside)
    assert (joined == np.hstack([of_base, reduced])).all()


@pytest.mark.parametrize("kind", ["pca", "concatenation", "own"])
def test_vectors_from_a_file_have_no_looks_and_nothing_is_written(kind, embed, halves, corpus, tmp_path):
    np.save(tmp_path / "own.npy", np.eye(corpus.n_items, dtype=np.float32))
    path = str(tmp_path / "own.npy")
    loader = {
        "own": Precomputed(PrecomputedSettings(path=path)),
        "pca": PrincipalComponents(PrincipalComponentsSettings(path=path, n_components=2)),
        "concatenation": Concatenation(ConcatenationSettings(path=f"{path},{path}")),
    }[kind]
    with pytest.raises(ModelError, match=r"only vectors of the items|looks"):
        embed(loader, halves)
    assert not (tmp_path / "m.npy").exists() and not (tmp_path / "looks" / "m.npy").exists()


def test_second_vectors_of_the_items_are_read_from_their_file(embed, corpus, rng, tmp_path):
    first, second = rng.normal(size=(2, corpus.n_items, 3)).astype(np.float32)
    for name, array in (("first", first), ("second", second)):
        np.save(tmp_path / f"{name}.npy", array[::-1])
    (tmp_path / "ids.txt").write_text("\n".join(corpus.column("id")[::-1]) + "\n")
    files = {"path": str(tmp_path / "first.npy"), "second_path": str(tmp_path / "second.npy")}
    settings = PrecomputedSettings(**files, match="id", ids=str(tmp_path / "ids.txt"))
    items, looks = embed(Precomputed(settings), corpus)
    assert (items == first).all() and (looks == second).all()


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda first: first, "path and second_path have the same vectors"),
        (lambda first: first[:-1], "both must have the same items"),
        (lambda first: first * np.nan, "NaN"),
    ],
)
def test_second_vectors_that_are_no_other_look_are_refused(embed, corpus, rng, tmp_path, second, message):
    first = rng.normal(size=(corpus.n_items, 3)).astype(np.float32)
    np.save(tmp_path / "first.npy", first)
    np.save(tmp_path / "second.npy", second(first))
    files = {"path": str(tmp_path / "first.npy"), "second_path": str(tmp_path / "second.npy")}
    with pytest.raises(ModelError, match=message):
        embed(Precomputed(PrecomputedSettings(**files)), corpus)


def test_no_looks_give_no_rows_to_a_model_and_to_one_made_from_it(embed, tmp_path):
    none = LookContents(LookTable("same", "", pd.DataFrame({"first": [], "second": [], "group": []})))
    _, looks = embed(BagOfWords(BagOfWordsSettings(n_components=4)), none, "base")
    assert looks.shape == (0, 4)
    settings = PrincipalComponentsSettings(path=str(tmp_path / "base.npy"), n_components=2)
    place = tmp_path / "looks" / "base.npy"
    assert embed(PrincipalComponents(settings), none, "pca", bases=[place])[1].shape == (0, 2)


def test_joined_shards_of_looks_are_the_bytes_of_one_job(embed, halves, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "WINDOW_ITEMS", 8)
    monkeypatch.setattr(encode, "WINDOW_ITEMS", 8)
    loader = BagOfWords(BagOfWordsSettings(n_components=4), seed=1)
    items, looks = embed(loader, halves, "whole")
    parts = [(tmp_path / f"{shard}.npy", tmp_path / f"{shard}.looks.npy") for shard in range(3)]
    for shard, (of_items, of_looks) in enumerate(parts):
        given = LooksToEmbed(halves, "f" * 64, of_looks)
        write_shard(loader, corpus, of_items, model="m", shard=shard, n_shards=3, looks=given)
    of_items, of_looks = zip(*parts, strict=True)
    joined = embed(loader, halves, "joined", shards=of_items, look_shards=of_looks)
    assert (joined[0] == items).all() and (joined[1] == looks).all()
    with pytest.raises(ModelError, match=f"do not cover the {halves.n_items} items"):
        embed(loader, halves, "torn", shards=of_items, look_shards=of_looks[:2])
