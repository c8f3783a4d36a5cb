"""Embedding other texts with a model as it is on a data set: fitted on the data set's own items."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suffice.data.corpus import Corpus
from suffice.embed.base import Loader
from suffice.embed.concatenation import Concatenation
from suffice.embed.principal_components import PrincipalComponents
from suffice.embed.write import encode_to
from suffice.errors import ModelError
from suffice.files import open_array, whole_file

FOLLOWERS = (PrincipalComponents, Concatenation)


def embed_halves(
    loader: Loader[Any],
    corpus: Corpus,
    halves: Corpus,
    path: Path | str,
    *,
    model: str,
    base_halves: Sequence[Path | str] = (),
) -> None:
    """Write a model's vectors of `halves` to `path` (`.npy`), float32, row i = half i.

    Args:
        loader: the model.
        corpus: the items that the model is fitted on, if it is fitted.
        halves: what is embedded.
        path: where the vectors go.
        model: id of the model.
        base_halves: for a model that is made from others, their vectors of the halves.

    Raises:
        ModelError: the model cannot be loaded, or cannot embed items that are not in `corpus`.
    """
    loader.check()
    if loader.new_items == "embeds":
        encoder = loader.open(corpus)
    elif isinstance(loader, FOLLOWERS) and base_halves:
        encoder = loader.open(corpus).on(*map(open_array, base_halves))
    else:
        raise ModelError(f"model {model} has vectors of the data set's items alone; it cannot embed others")
    with whole_file(path) as temporary:
        encode_to(temporary, encoder, halves, model=model, progress=True)
