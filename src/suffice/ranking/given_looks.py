"""The two looks at each item, if models are given as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import numpy.typing as npt

from suffice.errors import EstimationError
from suffice.estimators.copies import join_copies
from suffice.estimators.items import ItemPlan, divide_items
from suffice.looks import GroupPairs, paired_within_groups
from suffice.ranking.settings import LooksChoice

Embeddings = Mapping[str, npt.NDArray[np.floating]]
Booleans = npt.NDArray[np.bool_]

MIN_PAIRED_GROUPS = 50
MAX_EQUAL_SHARE = 0.5  # of a model's rows in two files


@dataclass(frozen=True)
class GivenLooks:
    """The arrays of one look or two, and the division of the items.

    Attributes:
        looks: source of the looks: "same" (one look), "files" or "group".
        plan: division of the items, or of the pairs of items of one group.
        first: the first look by model.
        second: the second look by model; None: there is only one look.
        notes: notes on the looks for readers of the ranking.
    """

    looks: str
    plan: ItemPlan
    first: Embeddings
    second: Embeddings | None = None
    notes: tuple[str, ...] = ()


class NoLooks(Exception):  # noqa: N818 - it is caught if one look is enough
    """Two looks are not available; the message says why."""


def arrange_looks(
    first: Embeddings,
    second: Embeddings | None = None,
    groups: npt.ArrayLike | None = None,
    looks: LooksChoice = "auto",
    seed: int = 0,
) -> GivenLooks:
    """The requested looks, or with "auto" the looks that are available.

    "auto" uses the second look if there is one. Otherwise it uses other items of the same group, if at least
    50 groups have two items with different vectors. Otherwise it uses one look, and a note says why. Copies
    of items are never separated, see `suffice.estimators.copies`.

    Args:
        first: vectors of the items, or of the first look at them, by model.
        second: vectors of the second look at the same items, of the same models.
        groups: group of each item, shape (n_items,).
        looks: "auto", "same", "files" or "group".
        seed: seed for dividing the items, and for choosing partners within groups.

    Raises:
        EstimationError: the requested looks are not available, or `second` has other models or items.
    """
    if looks not in get_args(LooksChoice):
        raise EstimationError(f"looks {looks!r}: write one of {', '.join(get_args(LooksChoice))}")
    if second is not None:
        _check_same_models(first, second)
    together, notes = join_copies([*first.values(), *(second or {}).values()], groups)
    found = _arranged(first, second, groups, together, looks, seed)
    return replace(found, notes=(*notes, *found.notes))


def _arranged(  # noqa: PLR0913 - what `arrange_looks` is given, and the groups that no split separates
    first: Embeddings,
    second: Embeddings | None,
    groups: npt.ArrayLike | None,
    together: npt.ArrayLike | None,
    looks: LooksChoice,
    seed: int,
) -> GivenLooks:
    """The looks, from items that are divided by `together` and paired by `groups`."""
    n_items = len(next(iter(first.values())))
    try:
        if looks == "files" or (looks == "auto" and second is not None):
            return _of_files(first, second, together, seed)
        if looks == "group" or (looks == "auto" and groups is not None):
            return _of_groups(first, second, groups, together, seed)
    except NoLooks as reason:
        if looks != "auto":
            raise EstimationError(f"looks {looks!r}: {reason}") from None
        note = f"only one look is used, which gives a less reliable ranking: {reason}"
        return GivenLooks("same", divide_items(n_items, together, seed), first, notes=(note,))
    if second is not None:
        raise EstimationError("looks 'same' means one look, but a second is given; leave one of the two out")
    return GivenLooks("same", divide_items(n_items, together, seed), first)


def _check_same_models(first: Embeddings, second: Embeddings) -> None:
    """Check that both looks have the same models, items and widths.

    Raises:
        EstimationError: they differ; the message names the models.
    """
    for here, there, which in ((first, second, "second"), (second, first, "first")):
        missing = [name for name in here if name not in there]
        if missing:
            raise EstimationError(
                f"the {which} look lacks {', '.join(missing)}; give both looks of every model under one name"
            )
    for name, array in first.items():
        if second[name].shape != array.shape:
            raise EstimationError(
                f"{name}: the first look has shape {array.shape} but the second has {second[name].shape}; "
                "embed both looks at the same items, in the same order, by the same model"
            )


def _of_files(
    first: Embeddings, second: Embeddings | None, groups: npt.ArrayLike | None, seed: int
) -> GivenLooks:
    if second is None:
        raise NoLooks("there is no second look; give the vectors of a second look at the same items")
    for name in first:
        share = _equal_rows(first[name], second[name]).mean()
        if share > MAX_EQUAL_SHARE:
            raise NoLooks(
                f"{name} has the same vector in both looks for {share:.0%} of the items; check that its two "
                "files hold two different looks"
            )
    plan = divide_items(len(next(iter(first.values()))), groups, seed)
    return GivenLooks("files", plan, first, second)


def _of_groups(
    first: Embeddings,
    second: Embeddings | None,
    groups: npt.ArrayLike | None,
    together: npt.ArrayLike | None,
    seed: int,
) -> GivenLooks:
    if second is not None:
        raise NoLooks("a second look is given as well; leave one of the two out")
    if groups is None:
        raise NoLooks("there are no groups; give the group of each item")
    n_items = len(next(iter(first.values())))
    divide_items(n_items, groups, seed)  # checks the groups
    found = paired_within_groups(groups, seed)
    pairs = GroupPairs(*(part[_differ(first, found)] for part in found))
    if pairs.n_groups < MIN_PAIRED_GROUPS:
        raise NoLooks(
            f"only {pairs.n_groups} groups have two items with different vectors, but {MIN_PAIRED_GROUPS} "
            "are needed; use larger groups"
        )
    whole = pairs.group_of_pair if together is groups else np.asarray(together)[pairs.first_rows]
    plan = divide_items(len(pairs.first_rows), whole, seed)
    one, other = (
        {name: array[rows] for name, array in first.items()} for rows in (pairs.first_rows, pairs.second_rows)
    )
    return GivenLooks("group", plan, one, other, _notes_of_pairs(n_items, found, pairs))


def _notes_of_pairs(n_items: int, found: GroupPairs, kept: GroupPairs) -> tuple[str, ...]:
    alone, equal = n_items - len(found.first_rows), len(found.first_rows) - len(kept.first_rows)
    notes = [f"{alone} of {n_items} items are alone in their group and are left out"] if alone else []
    if equal:
        notes.append(f"{equal} pairs of items with equal vectors are left out")
    return tuple(notes)


def _differ(embeddings: Embeddings, pairs: GroupPairs) -> Booleans:
    """Which pairs have different vectors in some model, shape (n_pairs,)."""
    differ = np.zeros(len(pairs.first_rows), dtype=bool)
    for array in embeddings.values():
        unsure = np.flatnonzero(~differ)
        if not len(unsure):
            break
        first, second = (array[rows[unsure]] for rows in (pairs.first_rows, pairs.second_rows))
        differ[unsure] = ~_equal_rows(first, second)
    return differ


def _equal_rows(first: npt.NDArray[np.floating], second: npt.NDArray[np.floating]) -> Booleans:
    """Which rows are equal in both, shape (n,)."""
    equal: Booleans = (first == second).all(axis=1)
    return equal
