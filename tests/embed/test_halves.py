"""Halves of texts as a corpus, and their vectors by models that were fitted on the whole texts."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from suffice.data import halves as module
from suffice.data.corpus import Corpus
from suffice.data.halves import build_halves
from suffice.embed.bag_of_words import BagOfWords, BagOfWordsSettings
from suffice.embed.halves import embed_halves
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.principal_components import PrincipalComponents, PrincipalComponentsSettings
from suffice.embed.write import write_embedding
from suffice.errors import DataError, ModelError


@pytest.fixture
def halves(corpus, tmp_path):
    path = tmp_path / "halves.parquet"
    build_halves(corpus, 0, path)
    return Corpus(path)


def test_both_halves_make_the_text_and_short_texts_are_left_out(corpus, halves, sentences):
    contents = halves.column("content")
    first, second = np.split(contents, 2)
    long = [text for text in sentences if len(text.split()) >= 8]
    assert 10 <= len(long) < len(sentences)
    assert [f"{one} {other}" for one, other in zip(first, second, strict=True)] == long
    sizes = [(len(one.split()), len(other.split())) for one, other in zip(first, second, strict=True)]
    assert all(0 <= other - one <= 1 for one, other in sizes)
    assert len(set(halves.column("id"))) == halves.n_items == halves.manifest["n_items"] == 2 * len(long)


def test_the_sample_is_seeded_and_in_the_order_of_the_texts(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_TEXTS", 6)
    drawn = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        build_halves(corpus, seed, tmp_path / f"{name}.parquet")
        drawn[name] = list(Corpus(tmp_path / f"{name}.parquet").column("id"))
    assert drawn["a"] == drawn["b"] != drawn["c"]
    rows = [int(name.removeprefix("item-").removesuffix(":first")) for name in drawn["a"][:6]]
    assert rows == sorted(rows)


def test_too_few_long_texts_are_named(make_corpus, tmp_path):
    corpus = make_corpus(["one two three four five six seven eight", *["too short"] * 20])
    with pytest.raises(DataError, match="1 texts of short have at least 8 words.*self_retrieval to false"):
        build_halves(corpus, 0, tmp_path / "short.parquet")


def test_the_model_is_fitted_on_the_whole_texts(corpus, halves, sentences, tmp_path):
    """With as many components as the fit has, cosines are those of the weighted counts themselves."""
    loader = BagOfWords(BagOfWordsSettings(n_components=len(sentences)))
    embed_halves(loader, corpus, halves, tmp_path / "halves.npy", model="m")
    found = np.load(tmp_path / "halves.npy")
    assert found.shape == (halves.n_items, len(sentences)) and found.dtype == np.float32
    weighted = TfidfVectorizer(norm="l2").fit(sentences)
    whole = weighted.transform(sentences).toarray()
    basis = np.linalg.svd(whole, full_matrices=False)[2]
    expected = weighted.transform(halves.column("content")).toarray() @ basis.T
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-4)  # float32


def test_components_of_another_model_are_those_of_its_halves(corpus, halves, tmp_path):
    base = BagOfWords(BagOfWordsSettings(n_components=6))
    write_embedding(base, corpus, tmp_path / "base.npy", model="base", dataset="toy", progress=False)
    embed_halves(base, corpus, halves, tmp_path / "base-halves.npy", model="base")
    settings = PrincipalComponentsSettings(path=str(tmp_path / "base.npy"), n_components=2)
    other = tmp_path / "base-halves.npy"
    reduced = PrincipalComponents(settings)
    embed_halves(reduced, corpus, halves, tmp_path / "pca-halves.npy", model="pca", base_halves=[other])
    whole = np.load(tmp_path / "base.npy").astype(np.float64)
    axes = np.linalg.svd(whole - whole.mean(axis=0), full_matrices=False)[2][:2]
    expected = (np.load(other) - whole.mean(axis=0)) @ axes.T
    np.testing.assert_allclose(np.abs(np.load(tmp_path / "pca-halves.npy")), np.abs(expected), atol=1e-4)
    with pytest.raises(ModelError, match="cannot be reduced as those of shape"):
        reduced.open(corpus).on(np.zeros((4, 5)))


def test_vectors_from_a_file_have_no_halves(corpus, halves, tmp_path):
    np.save(tmp_path / "own.npy", np.eye(corpus.n_items, dtype=np.float32))
    own = Precomputed(PrecomputedSettings(path=str(tmp_path / "own.npy")))
    settings = PrincipalComponentsSettings(path=str(tmp_path / "own.npy"), n_components=2)
    for loader in (own, PrincipalComponents(settings)):
        with pytest.raises(ModelError, match="model m has vectors of the data set's items alone"):
            embed_halves(loader, corpus, halves, tmp_path / "none.npy", model="m")
    assert not (tmp_path / "none.npy").exists()
