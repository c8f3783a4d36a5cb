"""Averages of the word vectors in a file: GloVe or word2vec text, .npz, or an array with a vocabulary."""

import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.data.text_files import read_lines
from suffice.embed.base import Encoder, Loader
from suffice.embed.checkpoint_places import is_local, resolve_checkpoint
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import sha256_of_file
from suffice.storage.untrusted import UNREADABLE, BoundedGzip, map_npy, read_from_npz

TEXT_SUFFIXES = (".txt", ".vec", ".txt.gz", ".vec.gz")
ARRAY_SUFFIXES = (".npy", ".safetensors")
UNKNOWN_SHARE = 0.1  # share of tokens without a vector above which there is a warning

TOKENIZERS: dict[str, Callable[[str], list[str]]] = {
    "word": re.compile(r"\w+(?:['’]\w+)*").findall,
    "whitespace": str.split,
    "character": list,
}


class WordVectorsSettings(Settings):
    """Settings of kind `word_vectors`."""

    path: str = Field(
        description="File of vectors: .txt or .vec (also .gz) with one word per line, .npz with arrays "
        "`words` and `vectors`, or .npy or .safetensors with a vocabulary; or `package:NAME/file`"
    )
    vocabulary: str | None = Field(
        None, description="Text file with one word per line, in the row order of a .npy or .safetensors"
    )
    array: str | None = Field(None, description="Name of the array in a .safetensors file with several")
    lowercase: bool = Field(True, description="Convert the items, but not the vocabulary, to lower case")
    tokenization: Literal["word", "whitespace", "character"] = Field(
        "word", description="How to split items: runs of letters and digits, at white space, or characters"
    )
    normalize: bool = Field(False, description="Divide each average by its Euclidean norm")


class WordVectors(Loader[WordVectorsSettings]):
    """The mean of the vectors of an item's words; words without a vector are left out."""

    kind = "word_vectors"
    Settings = WordVectorsSettings

    def __init__(self, settings: WordVectorsSettings, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(settings, seed, device)
        self._encoder: WordVectorsEncoder | None = None

    def check(self) -> None:
        """Check that the files exist and have a known format."""
        path, vocabulary = self._path, self._vocabulary
        if not path.name.endswith((*TEXT_SUFFIXES, *ARRAY_SUFFIXES, ".npz")):
            known = ", ".join((*TEXT_SUFFIXES, ".npz", *ARRAY_SUFFIXES))
            raise ModelError(f"{path} is not a file of word vectors; its name must end in one of {known}")
        if (vocabulary is None) == (path.suffix in ARRAY_SUFFIXES):
            needed = "needs a" if vocabulary is None else "has its own words and needs no"
            raise ModelError(f"{path.name} {needed} vocabulary file; correct the setting vocabulary")
        if self.settings.array is not None and path.suffix != ".safetensors":
            raise ModelError(f"the setting array works only with .safetensors, not {path.name}; remove it")

    @property
    def _path(self) -> Path:
        return local_file(self.settings.path)

    @property
    def _vocabulary(self) -> Path | None:
        return None if self.settings.vocabulary is None else local_file(self.settings.vocabulary)

    def identity(self) -> dict[str, Any]:
        """Hashes of the files."""
        files = {"path": self._path, "vocabulary": self._vocabulary}
        return {"files_sha256": {name: sha256_of_file(path) for name, path in files.items() if path}}

    def warnings(self) -> list[str]:
        """Share of words without a vector, after the items were encoded."""
        share = self._encoder.unknown_share if self._encoder else 0.0
        return [f"{share:.1%} of the items' words have no vector"] if share > UNKNOWN_SHARE else []

    def open(self, corpus: Corpus) -> Encoder:
        """Read the vectors."""
        self.check()
        words, vectors = read_word_vectors(self._path, self._vocabulary, self.settings.array)
        self._encoder = WordVectorsEncoder(words, vectors, self.settings)
        return self._encoder


def local_file(path: str) -> Path:
    """Path of a file given as a path or as `package:NAME/file`.

    Raises:
        ModelError: it does not exist, or is not a file.
    """
    location = resolve_checkpoint(path, Path())
    if not is_local(location) or not Path(location).is_file():
        raise ModelError(f"{path} is not a file; give the path of an existing file")
    return Path(location)


def read_word_vectors(
    path: Path, vocabulary: Path | None = None, array: str | None = None
) -> tuple[list[str], np.ndarray]:
    """Words and their vectors, float32 of shape (n_words, embed_dim).

    Raises:
        ModelError: a file cannot be read, or words and vectors do not match.
    """
    from safetensors import SafetensorError

    try:
        words, vectors = _read(path, vocabulary, array)
    except ModelError:
        raise
    except (*UNREADABLE, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read as word vectors ({error})") from error
    if vectors.ndim != 2 or vectors.dtype.kind != "f" or len(words) != len(vectors) or not vectors.size:
        raise ModelError(
            f"{path}: {len(words)} words do not match vectors of shape {vectors.shape}, type {vectors.dtype}"
        )
    with np.errstate(over="ignore"):
        vectors = vectors.astype(np.float32)
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise ModelError(
            f"{path}: {bad.sum()} vectors have NaN or infinite values, the first for the word "
            f"{words[int(bad.argmax())]!r}; write the file again"
        )
    return words, vectors


def _read(path: Path, vocabulary: Path | None, array: str | None) -> tuple[list[str], np.ndarray]:
    if path.suffix == ".npz":
        return [str(word) for word in read_from_npz(path, "words")], read_from_npz(path, "vectors")
    if path.suffix not in ARRAY_SUFFIXES:
        return _read_text(path)
    if vocabulary is None:
        raise ModelError(f"{path.name} needs a vocabulary file with one word per line; set vocabulary")
    words = read_lines(vocabulary)
    if path.suffix == ".npy":
        return words, map_npy(path)
    return words, _safetensors_array(path, array)


def _safetensors_array(path: Path, array: str | None) -> np.ndarray:
    from safetensors.numpy import load_file

    arrays: dict[str, np.ndarray] = load_file(path)
    if array is None and len(arrays) != 1:
        raise ModelError(f"{path} has {', '.join(sorted(arrays))}; name one of them in the setting array")
    name = array if array is not None else next(iter(arrays))
    if name not in arrays:
        raise ModelError(f"{path} has no array {name!r}, only {', '.join(sorted(arrays))}")
    return arrays[name]


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(io.BufferedReader(BoundedGzip(path)), encoding="utf-8-sig", newline="\n")
    return path.open(encoding="utf-8-sig", newline="\n")


def _read_text(path: Path) -> tuple[list[str], np.ndarray]:
    """GloVe text (word and numbers, one word per line) or word2vec text (the same after a line "n d")."""
    with _open_text(path) as stream:
        lines = enumerate(stream, start=1)
        number, first = next(lines, (0, ""))
        fields = first.split()
        if len(fields) < 2:
            raise ModelError(f"{path} does not start with a word and its numbers, or with two counts")
        header = len(fields) == 2 and all(field.isdigit() for field in fields)
        width = int(fields[1]) if header else len(fields) - 1
        rest = lines if header else chain([(number, first)], lines)
        words, rows = _parse_lines(rest, width, path)
    if header and len(words) != int(fields[0]):
        raise ModelError(f"{path} announces {fields[0]} words but has {len(words)}; it may be truncated")
    return words, np.array(rows, dtype=np.float32)


def _parse_lines(
    lines: Iterator[tuple[int, str]], width: int, path: Path
) -> tuple[list[str], list[np.ndarray]]:
    words: list[str] = []
    rows: list[np.ndarray] = []
    for number, line in lines:
        word, *values = line.rstrip().rsplit(" ", width)  # a word may contain spaces
        if len(values) != width:
            raise ModelError(f"{path}, line {number}: {len(values)} numbers after the word, expected {width}")
        try:
            with np.errstate(over="ignore"):  # too large values become infinite, and are found at the end
                rows.append(np.array(values, dtype=np.float32))
        except ValueError as error:
            raise ModelError(f"{path}, line {number}: {error}") from None
        words.append(word)
    return words, rows


class WordVectorsEncoder(Encoder):
    """Word vectors in memory; if a word occurs twice in the file, its first vector counts.

    Attributes:
        unknown_share: share of the tokens so far that have no vector.

    Args:
        words: the vocabulary.
        vectors: shape (n_words, embed_dim).
        settings: how items are split into words.
    """

    def __init__(self, words: list[str], vectors: np.ndarray, settings: WordVectorsSettings) -> None:
        self.rows = {word: i for i, word in reversed(list(enumerate(words)))}
        self.vectors, self.settings = vectors, settings
        self.embed_dim, self.n_parameters = vectors.shape[1], vectors.size
        self.n_words = self.n_unknown = 0

    @property
    def unknown_share(self) -> float:
        """Share of the tokens so far that have no vector."""
        return self.n_unknown / self.n_words if self.n_words else 0.0

    def encode(self, window: Window) -> np.ndarray:
        """Means of word vectors, float32; zero rows for items without a known word."""
        result = np.zeros((len(window), self.embed_dim), dtype=np.float32)
        for row, text in zip(result, window.contents, strict=True):
            known = self._known_rows(text)
            if known:
                row[:] = self._average(known)
        return result

    def _known_rows(self, text: str) -> list[int]:
        tokens = TOKENIZERS[self.settings.tokenization](text.lower() if self.settings.lowercase else text)
        known = [self.rows[token] for token in tokens if token in self.rows]
        self.n_words += len(tokens)
        self.n_unknown += len(tokens) - len(known)
        return known

    def _average(self, known: list[int]) -> np.ndarray:
        mean: np.ndarray = self.vectors[known].mean(axis=0, dtype=np.float64)
        norm = np.linalg.norm(mean)
        return mean / norm if self.settings.normalize and norm > 0 else mean
