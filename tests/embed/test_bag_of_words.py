import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Corpus
from suffice.embed.bag_of_words import BagOfWords, BagOfWordsSettings, fit_contents
from suffice.embed.identity import embedding_identity
from suffice.errors import ModelError
from suffice.storage.files import write_table

TOPICS = ["cat dog horse cow sheep goat", "sum mean norm rank trace matrix", "bus car train tram ship plane"]


def topical_contents(n_items, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(TOPICS[i % 3].split(), size=8)) for i in range(n_items)]


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
    return corpus_of(tmp_path, topical_contents(120))


def embed(corpus, seed=0, **settings):
    encoder = BagOfWords(BagOfWordsSettings(**settings), seed=seed).open(corpus)
    return np.concatenate([encoder.encode(window) for window in corpus.windows(50)]), encoder


KINDS = [
    {"n_components": 4},
    {"n_components": 4, "weighting": "counts"},
    {"n_components": 4, "weighting": "binary", "ngram_max": 2},
    {"n_components": 4, "analyzer": "char_wb", "ngram_max": 3},
    {"n_components": 64, "reduction": "random_projection", "weighting": "counts", "max_features": 512},
    {"n_components": 64, "reduction": "random_projection", "weighting": "binary", "max_features": 512},
]


@pytest.mark.parametrize("settings", KINDS)
def test_items_on_one_topic_are_nearer_than_items_on_others(corpus, settings):
    vectors, encoder = embed(corpus, **settings)
    assert vectors.dtype == np.float32
    assert vectors.shape == (120, settings["n_components"]) == (120, encoder.embed_dim)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    same = np.arange(120)[:, None] % 3 == np.arange(120) % 3
    # topics share no word; two items on one share most: 8 draws of 6 words
    assert cosine[same].mean() > cosine[~same].mean() + 0.3


@pytest.mark.parametrize("settings", KINDS)
def test_the_same_seed_gives_the_same_bits(corpus, settings):
    assert np.array_equal(embed(corpus, **settings)[0], embed(corpus, **settings)[0])


def test_the_projection_depends_on_the_seed_and_the_components_do_not(corpus):
    projected = {"n_components": 8, "reduction": "random_projection", "weighting": "counts"}
    assert not np.allclose(embed(corpus, seed=0, **projected)[0], embed(corpus, seed=1, **projected)[0])
    # the leading three components are separated from the rest, so the iteration finds them from any start
    first, second = (embed(corpus, seed=seed, n_components=3)[0] for seed in (0, 1))
    np.testing.assert_allclose(first, second, atol=1e-4)  # float32 and 7 power iterations


def test_with_all_components_inner_products_are_those_of_the_counts(corpus):
    vectors, encoder = embed(corpus, n_components=18, weighting="counts")
    assert encoder.matrix.shape == (18, 18)
    counts = np.array(
        [[c.split().count(w) for w in " ".join(TOPICS).split()] for c in corpus.column("content")]
    )
    unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors @ vectors.T, unit @ unit.T, atol=1e-5)  # float32


def test_parameters_are_vocabulary_times_components(corpus):
    assert embed(corpus, n_components=4)[1].n_parameters == 18 * 4
    hashed = embed(
        corpus, n_components=5, reduction="random_projection", weighting="counts", max_features=100
    )
    assert hashed[1].n_parameters == 100 * 5


def test_an_item_without_known_words_has_a_row_of_zeros(tmp_path):
    corpus = corpus_of(tmp_path, [*topical_contents(118), "!", "?"])
    vectors, _ = embed(corpus, n_components=4)
    assert not vectors[-2:].any()
    assert vectors[:-2].any(axis=1).all()


def test_the_fit_uses_no_more_items_than_it_may(corpus):
    chosen = fit_contents(corpus, 30, seed=0)
    contents = corpus.column("content").tolist()
    assert len(chosen) == 30
    positions = [contents.index(content) for content in chosen]
    assert max(positions) > 60  # drawn from the whole corpus, not its beginning
    assert fit_contents(corpus, 120, seed=0) == contents
    few, _ = embed(corpus, n_components=4, fit_items=30)
    assert few.shape == (120, 4)
    assert not np.allclose(few, embed(corpus, n_components=4)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 19}, "n_components = 19 is too large for the corpus: 120 items.*18 features"),
        ({"n_components": 11, "fit_items": 10}, "10 items were fitted"),
    ],
)
def test_more_components_than_features_are_refused(corpus, settings, message):
    with pytest.raises(ModelError, match=message):
        embed(corpus, **settings)


def test_more_components_than_the_rank_are_refused(tmp_path):
    corpus = corpus_of(tmp_path, ["one two", "three four", "one two three four"] * 40)
    with pytest.raises(ModelError, match="n_components = 3 exceeds the rank 2"):
        embed(corpus, n_components=3)


def test_a_corpus_without_words_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be fitted.*empty vocabulary"):
        embed(corpus_of(tmp_path, ["!", "?"] * 10), n_components=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reduction": "random_projection"}, "tfidf needs a fit"),
        (
            {"reduction": "random_projection", "weighting": "counts", "fit_items": 10},
            "fit_items has no effect",
        ),
        ({"n_components": 0}, "greater than or equal to 1"),
        ({"analyzer": "char"}, "char_wb"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BagOfWordsSettings(**settings)


def test_the_seed_is_part_of_the_identity():
    loaders = (BagOfWords(BagOfWordsSettings(), seed=seed) for seed in (0, 1))
    first, second = (embedding_identity(loader, "0" * 64) for loader in loaders)
    assert first != second
