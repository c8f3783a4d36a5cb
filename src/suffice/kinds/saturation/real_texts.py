"""Real text for language models: prose of docstrings as rows of tokens, prompts and whole paragraphs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from safetensors.numpy import load_file, save_file

from suffice.data.docstrings import all_paragraphs, without_duplicates
from suffice.embed.training.wordpiece import PAD, START, train_wordpiece
from suffice.errors import DataError
from suffice.settings import Settings
from suffice.storage.files import whole_file

Integers = npt.NDArray[np.int64]
TRAIN, CHECK, TEST, OTHER = "train", "check", "test", "other package"
PARTS = (TRAIN, CHECK, TEST, OTHER)
HELD_OUT_SHARE = 0.1  # of the objects, for the checks of the loss, and again for the test
SUBJECT = "package"


class TextSettings(Settings):
    """Which texts language models learn and are asked about."""

    packages: tuple[str, ...] = Field(
        default=("numpy", "scipy", "pandas", "sklearn", "matplotlib"),
        min_length=1,
        description="installed packages whose docstrings are learned",
    )
    other_package: str = Field(
        default="networkx", description="the package whose docstrings are out of domain"
    )
    vocab_size: int = Field(default=1000, ge=100, description="WordPiece vocabulary")
    context: int = Field(default=64, ge=16, description="tokens that a network reads at once")
    prompt_tokens: int = Field(default=24, ge=2, description="tokens of a prompt, with the start")
    continuation_tokens: int = Field(default=8, ge=1, description="tokens of a continuation")
    n_prompts: int = Field(
        default=400, ge=20, description="prompts, and whole paragraphs, of each domain, at most"
    )
    n_rows: int = Field(
        default=1000, ge=20, description="rows of tokens that are held out in each part, at most"
    )


@dataclass(frozen=True)
class Texts:
    """Tokens of real text.

    Attributes:
        n_tokens: size of the vocabulary.
        rows: for each of `PARTS`, paragraphs one after another, cut into rows of shape (n, context + 1).
        prompts: for `TEST` and `OTHER`, the beginnings of paragraphs with their true continuations, shape
            (n_prompts, prompt_tokens + continuation_tokens).
        paragraphs: whole test paragraphs up to the context, padded, shape (n_paragraphs, context).
        subjects: number of the package of each of these paragraphs, shape (n_paragraphs,).
    """

    n_tokens: int
    rows: dict[str, Integers]
    prompts: dict[str, Integers]
    paragraphs: Integers
    subjects: Integers


def read_texts(settings: TextSettings, seed: int) -> Texts:
    """The texts of the installed packages.

    All paragraphs of a class, or of a function, are in one part. Nearly equal paragraphs are left out.

    Args:
        settings: packages and sizes.
        seed: of the division into parts and of the choice of prompts.

    Raises:
        DataError: a package is not installed, or has too few paragraphs.
    """
    found = without_duplicates(all_paragraphs((*settings.packages, settings.other_package)))
    return texts_of(found.assign(part=_parts(found, settings, seed)), settings, seed)


def _parts(paragraphs: pd.DataFrame, settings: TextSettings, seed: int) -> "pd.Series[str]":
    groups = paragraphs["group"].drop_duplicates().sort_values()
    places = np.random.default_rng(seed).permutation(len(groups)) / len(groups)
    named = np.select([places < HELD_OUT_SHARE, places < 2 * HELD_OUT_SHARE], [CHECK, TEST], TRAIN)
    parts = paragraphs["group"].map(dict(zip(groups, named, strict=True)))
    return parts.mask(paragraphs[SUBJECT] == settings.other_package, OTHER)


def texts_of(paragraphs: pd.DataFrame, settings: TextSettings, seed: int) -> Texts:
    """Tokens of paragraphs with the columns content, package and part.

    Raises:
        DataError: a part has too few paragraphs.
    """
    rng = np.random.default_rng(seed)
    tokenizer = train_wordpiece(
        list(paragraphs.loc[paragraphs["part"] == TRAIN, "content"]), settings.vocab_size
    )
    tokens = {
        part: [
            [START, *each.ids]
            for each in tokenizer.encode_batch(list(own["content"]), add_special_tokens=False)
        ]
        for part, own in paragraphs.groupby("part", sort=False)
    }
    rows = {part: _rows(tokens.get(part, []), part, settings.context + 1) for part in PARTS}
    rows |= {part: rng.permutation(rows[part])[: settings.n_rows] for part in PARTS if part != TRAIN}
    prompts = {part: _prompts(tokens[part], settings, rng) for part in (TEST, OTHER)}
    chosen = rng.permutation(len(tokens[TEST]))[: settings.n_prompts]
    subjects = pd.factorize(paragraphs.loc[paragraphs["part"] == TEST, SUBJECT])[0]
    padded = _padded([tokens[TEST][place] for place in chosen], settings.context)
    return Texts(tokenizer.get_vocab_size(), rows, prompts, padded, subjects[chosen])


def _rows(tokens: Sequence[Sequence[int]], part: str, length: int) -> Integers:
    together = np.array([token for each in tokens for token in each], dtype=np.int64)
    n_rows = len(together) // length
    if n_rows < 2:
        raise DataError(f"the part {part!r} of the texts has {len(together)} tokens; add packages")
    return together[: n_rows * length].reshape(n_rows, length)


def _prompts(tokens: Sequence[Sequence[int]], settings: TextSettings, rng: np.random.Generator) -> Integers:
    length = settings.prompt_tokens + settings.continuation_tokens
    long = [each[:length] for each in tokens if len(each) >= length]
    if len(long) < 2:
        raise DataError(f"{len(long)} paragraphs have {length} tokens; lower prompt_tokens or add packages")
    return np.array([long[place] for place in rng.permutation(len(long))[: settings.n_prompts]])


def _padded(tokens: Sequence[Sequence[int]], length: int) -> Integers:
    padded = np.full((len(tokens), length), PAD)
    for row, each in zip(padded, tokens, strict=True):
        row[: len(each)] = each[:length]
    return padded


def write_texts(texts: Texts, path: Path | str) -> None:
    """Write texts completely or not at all."""
    arrays = {"paragraphs": texts.paragraphs, "subjects": texts.subjects}
    arrays |= {f"rows/{part}": rows for part, rows in texts.rows.items()}
    arrays |= {f"prompts/{part}": rows for part, rows in texts.prompts.items()}
    write_arrays(arrays | {"n_tokens": np.array([texts.n_tokens])}, path)


def open_texts(path: Path | str) -> Texts:
    """Read texts that `write_texts` wrote."""
    arrays = load_file(path)
    rows = {part: arrays[f"rows/{part}"] for part in PARTS}
    prompts = {part: arrays[f"prompts/{part}"] for part in (TEST, OTHER)}
    return Texts(int(arrays["n_tokens"][0]), rows, prompts, arrays["paragraphs"], arrays["subjects"])


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path | str) -> None:
    """Write named arrays as one safetensors file, completely or not at all."""
    with whole_file(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
