"""Word vectors computed from the corpus itself, and averaged over the words of an item."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.embed.bag_of_words import N_POWER_ITERATIONS, SMALLEST_RELATIVE_SINGULAR_VALUE, with_fixed_signs
from suffice.embed.base import Encoder, Loader
from suffice.errors import ModelError
from suffice.settings import Settings

WORD = re.compile(r"\w+")
SIF_A = 1e-3  # the value of the paper's experiments
Matrix = Any  # a scipy sparse matrix


class CorpusWordVectorsSettings(Settings):
    """Settings of the kind `corpus_word_vectors`."""

    n_components: int = Field(100, ge=1, description="width of the vectors")
    window: int = Field(5, ge=1, description="number of context words on each side")
    min_count: int = Field(3, ge=1, description="rarer words are left out")
    max_words: int = Field(
        20_000, ge=2, description="largest number of frequent words to keep; limits the memory"
    )
    shift: float = Field(1.0, ge=1.0, description="k of the shifted positive PMI; 1 means no shift")
    weighting: Literal["mean", "sif"] = Field(
        "mean", description="mean of the word vectors, or mean with smooth inverse frequency weights"
    )


class CorpusWordVectors(Loader[CorpusWordVectorsSettings]):
    r"""Averaged word vectors from the factorised shifted positive PMI matrix of the corpus.

    .. math:: M_{wc} = \max\left(\log \frac{\#(w, c)\,|D|}{\#(w)\,\#(c)} - \log k,\; 0\right), \qquad
              M \approx U_d \Sigma_d V_d^\top, \qquad W = U_d \Sigma_d^{1/2}

    #(w, c) counts how often c is within `window` words of w in an item, |D| is the number of all such pairs,
    and k is `shift`. Source: Levy and Goldberg (2014), Neural word embedding as implicit matrix factorization
    (NeurIPS 27), sections 4.1 and 4.2. Rare words are left out after the contexts are formed, and frequent
    words are not subsampled.

    With `sif` the word w has the weight a / (a + p(w)), a = 0.001 (Arora et al., 2017, A simple but
    tough-to-beat baseline for sentence embeddings, algorithm 1). Unlike there, the common component is not
    removed: the vectors would be in a hyperplane, and their density would be degenerate.

    An item without a known word gets a row of zeros.
    """

    kind = "corpus_word_vectors"
    Settings = CorpusWordVectorsSettings
    libraries = ("scikit-learn", "scipy")

    @property
    def is_random(self) -> bool:
        """The seed decides the start of the factorisation."""
        return True

    def open(self, corpus: Corpus) -> Encoder:
        """Count, factorise and weight the words of `corpus`, window by window.

        Raises:
            ModelError: too few words, or `n_components` exceeds the rank of the PMI matrix.
        """
        settings = self.settings
        counts = frequent_words(corpus, settings.min_count, settings.max_words)
        if len(counts) < settings.n_components:
            raise ModelError(
                f"n_components = {settings.n_components} exceeds the {len(counts)} words that the corpus has "
                f"at least {settings.min_count} times; lower n_components or min_count"
            )
        index = {word: i for i, word in enumerate(counts)}
        pairs = cooccurrences(corpus, index, settings.window)
        vectors = factorised(shifted_positive_pmi(pairs, settings.shift), settings.n_components, self.seed)
        weights = word_weights(np.array(list(counts.values()), dtype=float), settings.weighting)
        return AveragedWords(index, vectors * weights[:, None].astype(np.float32))


class AveragedWords(Encoder):
    """Means of word vectors, shape (n_words, embed_dim), over the known words of an item."""

    def __init__(self, index: dict[str, int], vectors: np.ndarray) -> None:
        self.index = index
        self.vectors = vectors
        self.embed_dim = vectors.shape[1]
        self.n_parameters = vectors.size

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        means = np.zeros((len(window), self.embed_dim), dtype=np.float32)
        for row, content in enumerate(window.contents):
            known = [self.index[word] for word in words_of(content) if word in self.index]
            if known:
                means[row] = self.vectors[known].mean(axis=0)
        return means


def words_of(content: str) -> list[str]:
    """The words of an item in lower case: runs of letters, digits and underscores."""
    return WORD.findall(content.lower())


def frequent_words(corpus: Corpus, min_count: int, max_words: int) -> dict[str, int]:
    """The most frequent words with their counts, most frequent first, equal counts in alphabetical order."""
    counts: Counter[str] = Counter()
    for window in corpus.windows():
        for content in window.contents:
            counts.update(words_of(content))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return {word: count for word, count in ordered[:max_words] if count >= min_count}


def cooccurrences(corpus: Corpus, index: dict[str, int], window: int) -> Matrix:
    """The number of times that two words are within `window` words of each other in an item.

    Args:
        corpus: the items.
        index: row of each known word.
        window: largest distance in words, including unknown words.

    Returns:
        A symmetric sparse matrix of shape (n_words, n_words).
    """
    from scipy.sparse import csr_array

    total = csr_array((len(index), len(index)), dtype=np.float64)
    for part in corpus.windows():
        total = total + cooccurrences_of_texts(part.contents, index, window)
    return total


def cooccurrences_of_texts(contents: Iterable[str], index: dict[str, int], window: int) -> Matrix:
    """The counts of `cooccurrences` for some items; -1 marks unknown words and the gaps between items."""
    from scipy.sparse import coo_array

    words: list[int] = []
    for content in contents:
        words += [index.get(word, -1) for word in words_of(content)] + [-1] * window
    sequence = np.array(words, dtype=np.int64)
    left = np.concatenate([sequence[:-distance] for distance in range(1, window + 1)])
    right = np.concatenate([sequence[distance:] for distance in range(1, window + 1)])
    known = (left >= 0) & (right >= 0)
    ones = np.ones(int(known.sum()))
    counts = coo_array((ones, (left[known], right[known])), shape=(len(index), len(index))).tocsr()
    return counts + counts.T


def shifted_positive_pmi(pairs: Matrix, shift: float) -> Matrix:
    """Shifted positive pointwise mutual information of word pairs, in nats, sparse, shape (n_words, n_words).

    Args:
        pairs: symmetric counts, shape (n_words, n_words).
        shift: k, at least 1.
    """
    from scipy.sparse import coo_array

    counts = pairs.tocoo()
    row, column = counts.coords
    totals = np.asarray(pairs.sum(axis=1)).ravel()
    pmi = np.log(counts.data * totals.sum() / (totals[row] * totals[column])) - np.log(shift)
    positive = pmi > 0
    return coo_array((pmi[positive], (row[positive], column[positive])), shape=pairs.shape).tocsr()


def factorised(pmi: Matrix, n_components: int, seed: int) -> np.ndarray:
    """Word vectors U_d Sigma_d^(1/2) of a sparse matrix, float32, shape (n_words, n_components).

    Raises:
        ModelError: the rank of the matrix is smaller than `n_components`.
    """
    from sklearn.utils.extmath import randomized_svd

    left, sizes, _ = randomized_svd(
        pmi, n_components, n_iter=N_POWER_ITERATIONS, random_state=seed, flip_sign=False
    )
    rank = int(np.sum(sizes > SMALLEST_RELATIVE_SINGULAR_VALUE * sizes[0])) if sizes[0] > 0 else 0
    if rank < n_components:
        raise ModelError(
            f"n_components = {n_components} exceeds the rank {rank} of the PMI matrix of {pmi.shape[0]} "
            f"words; lower n_components, shift or min_count, or raise window"
        )
    return with_fixed_signs(left * np.sqrt(sizes))


def word_weights(counts: np.ndarray, weighting: str) -> np.ndarray:
    """The weight of each word from its count: all 1, or a / (a + p(w)) for "sif"; shape (n_words,)."""
    if weighting == "mean":
        return np.ones(len(counts))
    weights: np.ndarray = SIF_A / (SIF_A + counts / counts.sum())
    return weights
