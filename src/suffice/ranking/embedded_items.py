"""Vectors by models that are given as functions: each embeds the same items."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from suffice.arrays import as_matrix
from suffice.errors import EstimationError
from suffice.progress import counted

Model = Callable[[Sequence[Any]], Any]


def embed_with(models: Mapping[str, Model], items: Sequence[Any] | None) -> dict[str, Any]:
    """Embed items with every model.

    Args:
        models: by name, functions from the items to vectors, shape (n_items, embed_dim), in whatever form
            `as_matrix` takes.
        items: the items to embed, such as texts.

    Raises:
        EstimationError: there are no items, a model is not a function, raised an error, or gave another
            number of vectors; the message names it.
    """
    if items is None or isinstance(items, str | bytes) or not len(items):
        raise EstimationError("models are given without items; give items=[...], a sequence of texts")
    for name, model in models.items():
        if not callable(model):
            raise EstimationError(
                f"model {name!r} is {type(model).__name__}, not a function of items to vectors"
            )
    names = counted(models.items(), "embedding", len(models), "models")
    return {name: _embed(name, model, items) for name, model in names}


def _embed(name: str, model: Model, items: Sequence[Any]) -> Any:
    try:
        vectors = model(items)
    except Exception as error:
        raise EstimationError(f"model {name!r} could not embed: {type(error).__name__}: {error}") from error
    n_vectors = len(as_matrix(vectors, name))
    if n_vectors != len(items):
        raise EstimationError(
            f"model {name!r} gave {n_vectors} vectors for {len(items)} items; it must give one for each"
        )
    return vectors
