import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from suffice.data.corpus import Corpus
from suffice.embed.corpus_word_vectors import (
    CorpusWordVectors,
    CorpusWordVectorsSettings,
    cooccurrences_of_texts,
    factorised,
    frequent_words,
    shifted_positive_pmi,
    word_weights,
)
from suffice.errors import ModelError
from suffice.storage.files import write_table

TOPICS = ["cat dog horse cow sheep goat", "sum mean norm rank trace matrix", "bus car train tram ship plane"]


def corpus_of(folder, contents):
    n_items = len(contents)
    ids = [str(i) for i in range(n_items)]
    table = pd.DataFrame(
        {"id": ids, "content": contents, "group": ids, "split": ["train", "test"] * (n_items // 2)}
    )
    write_table(table, folder / "toy.parquet")
    return Corpus(folder / "toy.parquet")


@pytest.fixture
def corpus(tmp_path):
    rng = np.random.default_rng(0)
    return corpus_of(tmp_path, [" ".join(rng.choice(TOPICS[i % 3].split(), size=8)) for i in range(300)])


def open_encoder(corpus, **settings):
    return CorpusWordVectors(CorpusWordVectorsSettings(**settings)).open(corpus)


def test_cooccurrences_are_counted_in_a_window_and_never_across_items():
    index = {"a": 0, "b": 1, "c": 2}
    counts = cooccurrences_of_texts(["a b x c", "A b"], index, window=2).toarray()
    # item 1: a-b and b-c stand within two words, a-c do not; item 2: a-b
    np.testing.assert_array_equal(counts, [[0, 2, 0], [2, 0, 1], [0, 1, 0]])


def test_a_window_longer_than_the_item_counts_every_pair_once():
    counts = cooccurrences_of_texts(["a b a"], {"a": 0, "b": 1}, window=10).toarray()
    np.testing.assert_array_equal(counts, [[2, 2], [2, 0]])


@pytest.mark.parametrize("shift", [1.0, 1.5])
def test_shifted_positive_pmi_follows_its_formula(shift):
    counts = np.array([[0.0, 4.0, 1.0], [4.0, 2.0, 0.0], [1.0, 0.0, 6.0]])
    found = shifted_positive_pmi(csr_array(counts), shift).toarray()
    totals = counts.sum(axis=1)
    for w in range(3):
        for c in range(3):
            pmi = np.log(counts[w, c] * counts.sum() / (totals[w] * totals[c])) if counts[w, c] else -np.inf
            assert found[w, c] == pytest.approx(max(pmi - np.log(shift), 0), abs=1e-12)


def test_the_factors_give_a_positive_definite_matrix_back():
    root = np.random.default_rng(0).random((6, 6))
    vectors = factorised(csr_array(root @ root.T), 6, seed=0)
    np.testing.assert_allclose(vectors @ vectors.T, root @ root.T, rtol=1e-4)  # float32


def test_the_sif_weight_falls_with_the_share_of_the_word():
    weights = word_weights(np.array([900.0, 99.0, 1.0]), "sif")
    np.testing.assert_allclose(weights, [1e-3 / (1e-3 + 0.9), 1e-3 / (1e-3 + 0.099), 0.5])
    np.testing.assert_array_equal(word_weights(np.array([5.0, 1.0]), "mean"), [1, 1])


def test_words_of_one_topic_have_near_vectors(corpus):
    encoder = open_encoder(corpus, n_components=3)
    unit = encoder.vectors / np.linalg.norm(encoder.vectors, axis=1, keepdims=True)
    topic = np.array(
        [next(t for t, words in enumerate(TOPICS) if word in words.split()) for word in encoder.index]
    )
    same = topic[:, None] == topic
    cosine = unit @ unit.T
    # the three blocks of the PMI matrix are disconnected, so the leading components are one a topic
    assert cosine[same].min() > 0.9
    assert np.abs(cosine[~same]).max() < 0.1


@pytest.mark.parametrize("weighting", ["mean", "sif"])
def test_an_item_is_the_mean_of_its_words(corpus, weighting):
    encoder = open_encoder(corpus, n_components=3, weighting=weighting)
    window = next(corpus.windows(10))
    words = window.contents[4].split()
    expected = np.mean([encoder.vectors[encoder.index[word]] for word in words], axis=0)
    found = encoder.encode(window)
    assert found.dtype == np.float32
    assert found.shape == (10, 3)
    np.testing.assert_allclose(found[4], expected, rtol=1e-5)  # float32


def test_the_weights_change_the_vectors(corpus):
    mean, sif = (open_encoder(corpus, n_components=3, weighting=w).vectors for w in ("mean", "sif"))
    assert not np.allclose(mean, sif)


def test_rare_and_surplus_words_are_left_out(tmp_path):
    corpus = corpus_of(tmp_path, ["b b b", "a a a", "c c", "d"])
    assert frequent_words(corpus, min_count=2, max_words=10) == {"a": 3, "b": 3, "c": 2}
    assert list(frequent_words(corpus, min_count=1, max_words=2)) == ["a", "b"]


def test_the_same_corpus_gives_the_same_bits(corpus):
    first, second = (open_encoder(corpus, n_components=3).vectors for _ in range(2))
    assert np.array_equal(first, second)


def test_an_item_without_known_words_has_a_row_of_zeros(tmp_path):
    corpus = corpus_of(tmp_path, ["cat dog cow"] * 9 + ["??"])
    encoder = open_encoder(corpus, n_components=2)
    vectors = encoder.encode(next(corpus.windows()))
    assert not vectors[-1].any()
    assert vectors[0].any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 19}, "n_components = 19 exceeds the 18 words that the corpus has at least 3 times"),
        ({"n_components": 3, "shift": 1e6}, "n_components = 3 exceeds the rank 0"),
    ],
)
def test_more_components_than_there_can_be_are_refused(corpus, settings, message):
    with pytest.raises(ModelError, match=message):
        open_encoder(corpus, **settings)


@pytest.mark.parametrize("settings", [{"shift": 0.5}, {"window": 0}, {"weighting": "idf"}])
def test_settings_out_of_bounds_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        CorpusWordVectorsSettings(**settings)
