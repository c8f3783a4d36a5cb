"""The items that the inputs of a ranking have in common, joined by ids if all inputs have ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.alignment import SECOND, Ids, align, ids_of, second_name
from suffice.arrays import as_matrices
from suffice.errors import EstimationError
from suffice.estimators.standardise import check_embedding
from suffice.names import same_name

Embeddings = dict[str, npt.NDArray[np.floating]]


@dataclass(frozen=True)
class GivenItems:
    """The vectors of the items that all inputs have.

    Attributes:
        first: the first look by model, row i of each is item i.
        second: the second look by model, if there is one.
        groups: group of each item, if there are any.
        have_ids: whether the items have ids.
        notes: notes for the reader on how rows became items.
    """

    first: Embeddings
    second: Embeddings | None
    groups: npt.ArrayLike | None
    have_ids: bool
    notes: tuple[str, ...]


def join_items(
    first: Mapping[str, Any], second: Mapping[str, Any] | None, groups: npt.ArrayLike | None, ids: Ids
) -> GivenItems:
    """Convert the inputs to arrays, and join their rows by id if they have ids.

    Args:
        first: vectors by model, in any form that `as_matrix` accepts.
        second: vectors of the second look, if there is one.
        groups: group of each item, in the order of the first model's rows, or a series with the items' ids.
        ids: ids of the rows of all inputs without ids, or ids by model that replace the model's own.

    Raises:
        EstimationError: an input cannot be used or joined, or numbers of rows differ; see `align`.
    """
    arrays, later = as_matrices(first), as_matrices(second or {})
    inputs = arrays | {second_name(name): array for name, array in later.items()}
    for name, array in inputs.items():
        check_embedding(array, name)
    carried = {same_name(name): ids_of(values) for name, values in first.items()}
    carried |= {second_name(same_name(name)): ids_of(values) for name, values in (second or {}).items()}
    joined = align({name: len(array) for name, array in inputs.items()}, _with_given(carried, ids))
    arrays = joined.take(arrays)
    _check_equal_rows(arrays)
    return GivenItems(
        arrays,
        None if second is None else joined.take(later, SECOND),
        joined.groups(groups),
        joined.ids is not None,
        joined.notes,
    )


def _with_given(carried: Mapping[str, Any], ids: Ids) -> dict[str, Any]:
    """The ids of each input: given for the model, or its own, or given for all inputs.

    Raises:
        EstimationError: `ids` names an unknown model.
    """
    if ids is None:
        return dict(carried)
    if not isinstance(ids, Mapping):
        values = list(np.asarray(ids, dtype=object))
        return {name: values if isinstance(own, range | None) else own for name, own in carried.items()}
    of_models = {same_name(name): values for name, values in ids.items()}
    unknown = [name for name in of_models if name not in carried]
    if unknown:
        raise EstimationError(
            f"ids are given for {unknown[0]!r}, which is not one of the models; leave it out"
        )
    return {name: of_models.get(name.removesuffix(SECOND), own) for name, own in carried.items()}


def _check_equal_rows(arrays: Embeddings) -> None:
    first, *others = arrays
    for name in others:
        if len(arrays[name]) != len(arrays[first]):
            raise EstimationError(
                f"{name} has {len(arrays[name])} rows but {first} has {len(arrays[first])}; "
                "embed all models on the same items, in the same order"
            )
