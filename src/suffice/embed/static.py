"""Static embeddings: the mean of one vector per token, of model2vec and sentence-transformers."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder
from suffice.embed.plain_checkpoint import PlainCheckpointLoader, PlainTextSettings, read_tokenizer
from suffice.errors import ModelError, first_line
from suffice.storage.untrusted import UNREADABLE
from suffice.vectors import unit_rows

WEIGHTS, TOKENIZER, CONFIG, MODULES = "model.safetensors", "tokenizer.json", "config.json", "modules.json"
NESTED = "0_StaticEmbedding/"
MODEL2VEC, LIBRARY = "embeddings", "embedding.weight"  # names of the table of vectors
MODEL2VEC_LENGTH = 512  # tokens that model2vec reads if config.json does not say
KNOWN_MODULES = ("StaticEmbedding", "Normalize")


class StaticSettings(PlainTextSettings):
    """Settings of kind `static`."""

    normalize: bool | None = Field(
        None, description="Divide each vector by its Euclidean norm; by default as in the checkpoint's files"
    )
    max_length: int | None = Field(
        None,
        ge=1,
        description="Tokens read per item. Default: as in config.json, otherwise 512 for model2vec and all "
        "for sentence-transformers",
    )


class Static(PlainCheckpointLoader[StaticSettings]):
    """Static embeddings of model2vec, or of sentence-transformers' StaticEmbedding, on the CPU.

    Vectors equal those of the folder's library. If both libraries can read the folder, they equal
    model2vec's, which leaves out unknown tokens and truncates long texts; the loader `sentence_transformer`
    gives the other vectors.
    """

    kind = "static"
    Settings = StaticSettings
    libraries = ("tokenizers",)
    counts_tokens = True
    markers = (TOKENIZER, NESTED + TOKENIZER)
    extra = "text"
    packages = ("tokenizers",)

    def needed(self, names: Iterable[str]) -> list[str]:
        """Weights and tokenizer, at the top or in 0_StaticEmbedding, and existing configuration files."""
        there = set(names)
        for place in ("", NESTED):
            if {place + WEIGHTS, place + TOKENIZER} <= there:
                return [place + WEIGHTS, place + TOKENIZER, *sorted({CONFIG, MODULES} & there)]
        raise ModelError(
            f"{self.settings.checkpoint!r} has no {WEIGHTS} beside a {TOKENIZER}, so it is not a static "
            "embedding; correct the setting checkpoint"
        )

    def check(self) -> None:
        """Check the files, and that the checkpoint has no other modules."""
        super().check()
        others = sorted(set(self.module_types()) - set(KNOWN_MODULES))
        if others:
            raise ModelError(
                f"{self.settings.checkpoint!r} has the module {others[0]}, which static embeddings do not "
                "have; use the loader sentence_transformer"
            )

    def open(self, corpus: Corpus) -> Encoder:
        """Read the table of vectors and the tokenizer."""
        self.check()
        files = self.files()
        weights, tokenizer = (
            next(iter(files[n] for n in files if n.endswith(e))) for e in (WEIGHTS, TOKENIZER)
        )
        table = read_table_of_tokens(weights, read_tokenizer(tokenizer))
        config, settings = self.read_config(CONFIG), self.settings
        normalize, length = settings.normalize, settings.max_length
        if normalize is None:
            normalize = bool(config.get("normalize")) or "Normalize" in self.module_types()
        if length is None and table.is_model2vec:
            length = config.get("max_length", MODEL2VEC_LENGTH)
            if length is not None and (not isinstance(length, int) or length < 1):
                raise ModelError(
                    f"{CONFIG} of {settings.checkpoint!r} has max_length {length!r}; set max_length"
                )
        return StaticEncoder(table, prompt=settings.prompt, normalize=normalize, max_length=length)


@dataclass(frozen=True)
class TokenTable:
    """A vector for each token.

    Attributes:
        vectors: float32, shape (n_rows, embed_dim).
        rows: row of each token id, shape (n_tokens,).
        weights: factor of each token id, float32, shape (n_tokens,).
        tokenizer: of the tokenizers library.
        is_model2vec: whether unknown tokens are left out and texts are first truncated by characters.
    """

    vectors: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    tokenizer: Any
    is_model2vec: bool

    def mean(self, ids: list[int]) -> np.ndarray:
        """The mean of the tokens' vectors, float64, shape (embed_dim,)."""
        weighted: np.ndarray = self.vectors[self.rows[ids]] * self.weights[ids, None]
        return weighted.mean(axis=0, dtype=np.float64)


def read_table_of_tokens(path: Path, tokenizer: Any) -> TokenTable:
    """Read the weights of a static embedding.

    Raises:
        ModelError: the file is damaged, has no such table, or does not fit the tokenizer.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays: dict[str, np.ndarray] = load_file(path)
    except (*UNREADABLE, SafetensorError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({first_line(error)}); fetch it again") from error
    name = next((name for name in (MODEL2VEC, LIBRARY) if name in arrays), None)
    if name is None:
        held = ", ".join(sorted(arrays))
        raise ModelError(
            f"{path} has neither {MODEL2VEC} nor {LIBRARY}, only {held}; it is not a static embedding"
        )
    n_tokens = max(tokenizer.get_vocab().values(), default=-1) + 1
    if arrays[name].ndim != 2:
        raise ModelError(
            f"{path}: {name} has shape {arrays[name].shape}, not one row per token; fetch it again"
        )
    vectors = arrays[name].astype(np.float32)
    rows = arrays.get("mapping", np.arange(len(vectors))).astype(np.int64)
    weights = arrays.get("weights", np.ones(len(rows))).astype(np.float32)
    _check_table(path, vectors, rows, weights, n_tokens)
    return TokenTable(vectors, rows, weights, tokenizer, name == MODEL2VEC)


def _check_table(
    path: Path, vectors: np.ndarray, rows: np.ndarray, weights: np.ndarray, n_tokens: int
) -> None:
    if min(len(rows), len(weights)) < n_tokens:
        raise ModelError(
            f"{path} has vectors of shape {vectors.shape}, {len(rows)} of them named and {len(weights)} "
            f"weights, for the {n_tokens} tokens of {TOKENIZER}; the two files belong to different models"
        )
    if len(rows) and not 0 <= rows.min() <= rows.max() < len(vectors):
        raise ModelError(
            f"{path}: mapping names the row {rows.max()} of {len(vectors)} vectors; fetch it again"
        )
    bad = ~np.isfinite(vectors).all(axis=1)
    if bad.any():
        raise ModelError(f"{path}: {bad.sum()} of {len(vectors)} vectors are not finite; fetch it again")


class StaticEncoder(Encoder):
    """Means of token vectors; each text is encoded alone.

    Args:
        table: the vectors.
        prompt: text put before each item.
        normalize: whether vectors get length 1.
        max_length: tokens read per item; None for all.
    """

    def __init__(self, table: TokenTable, *, prompt: str, normalize: bool, max_length: int | None) -> None:
        self.table, self.prompt, self.normalize = table, prompt, normalize
        self.max_length, self.max_chars = max_length, None
        self.embed_dim, self.n_parameters = table.vectors.shape[1], table.vectors.size
        self.unknown = unknown_token(table.tokenizer) if table.is_model2vec else None
        if max_length is not None:
            self.n_truncated = 0
            if table.is_model2vec:
                lengths = [len(token) for token in table.tokenizer.get_vocab()]
                self.max_chars = max_length * int(np.median(lengths))

    def encode(self, window: Window) -> np.ndarray:
        """Means of token vectors, float32; zero rows for items without a known token."""
        texts = [self.prompt + text for text in window.contents]
        found = self.table.tokenizer.encode_batch_fast(
            [t[: self.max_chars] for t in texts], add_special_tokens=False
        )
        vectors = np.zeros((len(texts), self.embed_dim))
        for row, text, tokens in zip(vectors, texts, found, strict=True):
            ids = [each for each in tokens.ids[: self.max_length] if each != self.unknown]
            self._count_cut(text, len(tokens.ids))
            self.count_tokens(len(tokens.ids[: self.max_length]))
            if ids:
                row[:] = self.table.mean(ids)
        return (unit_rows(vectors) if self.normalize else vectors).astype(np.float32)

    def _count_cut(self, text: str, n_tokens: int) -> None:
        """Count a text that is longer than the model reads."""
        if self.max_length is not None and self.n_truncated is not None:
            has_more_chars = self.max_chars is not None and len(text) > self.max_chars
            self.n_truncated += has_more_chars or n_tokens > self.max_length


def unknown_token(tokenizer: Any) -> int | None:
    """The id that a tokenizer gives to unknown tokens; None if it has no such id."""
    model = json.loads(tokenizer.to_str())["model"]
    token = model.get("unk_token")
    found = model.get("unk_id") if token is None else tokenizer.token_to_id(token)
    return None if found is None else int(found)
