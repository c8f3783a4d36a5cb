"""Bags of words or character n-grams, reduced to dense vectors: fitted on the corpus, or hashed."""

from collections.abc import Callable, Iterator
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder, Loader
from suffice.errors import ModelError
from suffice.settings import Settings

Counts = Any  # a scipy sparse matrix of shape (n_items, n_features)
SMALLEST_RELATIVE_SINGULAR_VALUE = 1e-5  # smaller components are rounding errors of float32 counts
N_POWER_ITERATIONS = 7


class BagOfWordsSettings(Settings):
    """Settings of the kind `bag_of_words`."""

    n_components: int = Field(256, ge=1, description="width of the vectors")
    analyzer: Literal["word", "char_wb"] = Field(
        "word", description="features are words, or characters inside words (char_wb)"
    )
    ngram_max: int = Field(1, ge=1, le=8, description="largest number of words or characters in a feature")
    weighting: Literal["tfidf", "counts", "binary"] = Field(
        "tfidf", description="tf-idf, counts, or presence; rows have length 1 before the reduction"
    )
    reduction: Literal["svd", "random_projection"] = Field(
        "svd",
        description="svd: latent semantic analysis, fitted on the corpus; random_projection: hashed features "
        "times a Gaussian matrix, without a fit (not with tfidf)",
    )
    max_features: int = Field(
        20_000,
        ge=1,
        description="svd: the most frequent features kept; random_projection: number of hash buckets",
    )
    fit_items: int = Field(
        20_000, ge=2, description="svd only: largest number of random items to fit on; limits the memory"
    )

    @model_validator(mode="after")
    def _fit_only_where_there_is_one(self) -> Self:
        if self.reduction == "random_projection" and self.weighting == "tfidf":
            raise ValueError(
                "weighting tfidf needs a fit, but random_projection has none; use counts or binary"
            )
        if self.reduction == "random_projection" and "fit_items" in self.model_fields_set:
            raise ValueError("fit_items has no effect with random_projection; leave it out")
        return self


class BagOfWords(Loader[BagOfWordsSettings]):
    r"""Bags of words reduced to `n_components` dimensions.

    With `svd` an item is :math:`x V`, where x is its weighted row of counts and V holds the leading
    right singular vectors of the rows of the fitted items (latent semantic analysis: Deerwester
    et al., 1990, doi:10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9). With
    `random_projection` it is :math:`x G`, G with independent entries from N(0, 1 / n_components)
    (Johnson-Lindenstrauss), and the features are hashed.

    An item without a known feature gets a row of zeros.
    """

    kind = "bag_of_words"
    Settings = BagOfWordsSettings
    libraries = ("scikit-learn", "scipy")

    @property
    def is_random(self) -> bool:
        """The seed decides the sample, the start of the factorisation, or the random matrix."""
        return True

    def open(self, corpus: Corpus) -> Encoder:
        """Fit on the items of `corpus`, or draw the random matrix.

        Raises:
            ModelError: no features are left, or `n_components` exceeds the rank of the fitted matrix.
        """
        if self.settings.reduction == "random_projection":
            return self._hashed()
        return self._fitted(fit_contents(corpus, self.settings.fit_items, self.seed))

    def _hashed(self) -> Encoder:
        from sklearn.feature_extraction.text import HashingVectorizer

        settings = self.settings
        vectorizer = HashingVectorizer(
            analyzer=settings.analyzer,
            ngram_range=(1, settings.ngram_max),
            n_features=settings.max_features,
            binary=settings.weighting == "binary",
            norm="l2",
            dtype=np.float32,
        )
        rng = np.random.default_rng(self.seed)
        matrix = rng.standard_normal((settings.max_features, settings.n_components), dtype=np.float32)
        return ProjectedCounts(vectorizer.transform, matrix / np.float32(np.sqrt(settings.n_components)))

    def _fitted(self, contents: list[str]) -> Encoder:
        from sklearn.feature_extraction.text import TfidfVectorizer

        settings = self.settings
        vectorizer = TfidfVectorizer(
            analyzer=settings.analyzer,
            ngram_range=(1, settings.ngram_max),
            max_features=settings.max_features,
            binary=settings.weighting == "binary",
            use_idf=settings.weighting == "tfidf",
            norm="l2",
            dtype=np.float32,
        )
        try:
            counts = vectorizer.fit_transform(contents)
        except ValueError as error:
            raise ModelError(
                f"bag_of_words cannot be fitted ({error}); use analyzer char_wb or a different data set"
            ) from error
        return ProjectedCounts(
            vectorizer.transform, leading_components(counts, settings.n_components, self.seed)
        )


class ProjectedCounts(Encoder):
    """Sparse rows of weighted counts times a dense matrix of shape (n_features, embed_dim)."""

    def __init__(self, count: Callable[[list[str]], Counts], matrix: np.ndarray) -> None:
        self.count = count
        self.matrix = matrix
        self.embed_dim = matrix.shape[1]
        self.n_parameters = matrix.size

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        return np.asarray(self.count(window.contents) @ self.matrix, dtype=np.float32)


def fit_contents(corpus: Corpus, n_items: int, seed: int) -> list[str]:
    """The contents of `n_items` random items, in their order; of all items if there are fewer."""
    if corpus.n_items <= n_items:
        return [content for window in corpus.windows() for content in window.contents]
    chosen = np.zeros(corpus.n_items, dtype=bool)
    chosen[np.random.default_rng(seed).choice(corpus.n_items, n_items, replace=False)] = True
    return list(contents_where(corpus, chosen))


def contents_where(corpus: Corpus, chosen: np.ndarray) -> Iterator[str]:
    """The contents of the items whose entry of `chosen`, shape (n_items,), is true."""
    for window in corpus.windows():
        flags = chosen[window.start : window.start + len(window)]
        yield from (content for content, flag in zip(window.contents, flags, strict=True) if flag)


def leading_components(counts: Counts, n_components: int, seed: int) -> np.ndarray:
    """The leading right singular vectors as columns, float32, shape (n_features, n_components).

    Randomised SVD (Halko et al., 2011, arXiv:0909.4061). The largest entry of each column is positive, so
    signs do not depend on the run.

    Raises:
        ModelError: `n_components` exceeds the number of items, of features, or the numerical rank.
    """
    from sklearn.utils.extmath import randomized_svd

    n_items, n_features = counts.shape
    if n_components > min(n_items, n_features):
        raise ModelError(
            f"n_components = {n_components} is too large for the corpus: {n_items} items were fitted and "
            f"have {n_features} features; lower n_components or raise max_features, ngram_max or fit_items"
        )
    _, sizes, rows = randomized_svd(
        counts, n_components, n_iter=N_POWER_ITERATIONS, random_state=seed, flip_sign=False
    )
    rank = int(np.sum(sizes > SMALLEST_RELATIVE_SINGULAR_VALUE * sizes[0]))
    if rank < n_components:
        raise ModelError(
            f"n_components = {n_components} exceeds the rank {rank} of the features of {n_items} items; "
            f"lower it"
        )
    return with_fixed_signs(rows.T)


def with_fixed_signs(columns: np.ndarray) -> np.ndarray:
    """Columns, shape (n_rows, n_columns), with signs that make the largest entry positive; float32."""
    largest = np.abs(columns).argmax(axis=0)
    signs = np.sign(columns[largest, np.arange(columns.shape[1])])
    return np.ascontiguousarray(columns * signs, dtype=np.float32)
