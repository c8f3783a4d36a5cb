"""Which rows of several inputs are one item: joined by their ids, if they carry any."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.dimensions import stored_index
from suffice.errors import EstimationError
from suffice.names import same_name

Integers = npt.NDArray[np.int64]
Ids = Mapping[str, npt.ArrayLike] | npt.ArrayLike | None

ID = "id"
NAMED = 3  # how many inputs or ids a message names


@dataclass(frozen=True)
class Alignment:
    """The items that several inputs have in common, in the order of the first input.

    Attributes:
        n_first: number of rows of the first input.
        rows: row of each item, by input, shape (n_items,); an input without an entry has the items' order.
        ids: id of each item; None: some input carries none, and row i of each is item i.
        notes: what a reader should know of it.
        first: name of the first input.
    """

    n_first: int
    rows: Mapping[str, Integers]
    ids: list[str] | None
    notes: tuple[str, ...]
    first: str

    def take(self, arrays: Mapping[str, np.ndarray], kind: str = "") -> dict[str, np.ndarray]:
        """The items' vectors by model; arrays whose rows are the items already are not copied.

        Args:
            arrays: by model, shape (n_rows, embed_dim) each.
            kind: what the inputs' names end in, see `second_name`.
        """
        rows = {name: self.rows.get(f"{name}{kind}") for name in arrays}
        return {name: _taken(array, rows[name]) for name, array in arrays.items()}

    def groups(self, groups: npt.ArrayLike | None) -> npt.ArrayLike | None:
        """The group of each item, by id if groups carry those of the items, else by the first input's rows.

        Raises:
            EstimationError: some items have no group.
        """
        if groups is None:
            return None
        values, own = np.asarray(groups, dtype=object), ids_of(groups)
        if self.ids is not None and own is not None:
            own = as_ids(own, "groups")
            rows = pd.Index(own).get_indexer(pd.Index(self.ids)) if not _repeated(own) else None
            lost = [] if rows is None else [self.ids[place] for place in np.flatnonzero(rows < 0)]
            if rows is not None and not lost:
                return np.asarray(values[rows])
            if not self._are_row_numbers(groups, lost):
                refuse_repeated(own, "groups")
                raise EstimationError(
                    f"groups has no entry for {len(lost)} of {len(self.ids)} items: {_some(lost)}; add them"
                )
        kept = self.rows.get(self.first)
        if kept is None:
            return groups
        if len(values) != self.n_first:
            raise EstimationError(
                f"groups has {len(values)} entries but {self.first} has {self.n_first} rows; give one each"
            )
        return np.asarray(values[kept])

    def of_first(self, values: Sequence[str]) -> list[str]:
        """What belongs to the rows of the first input, such as texts, for the items alone.

        Raises:
            EstimationError: there are not as many as rows.
        """
        kept = self.rows.get(self.first)
        if kept is None:
            return list(values)
        if len(values) != self.n_first:
            raise EstimationError(
                f"there are {len(values)} texts but {self.first} has {self.n_first} rows; give one each"
            )
        return [values[row] for row in kept]

    def _are_row_numbers(self, groups: Any, lost: Sequence[str]) -> bool:
        """Whether the index of a series has nothing to do with ids: numbers, none of which is one."""
        is_numbers = isinstance(groups, pd.Series) and pd.api.types.is_integer_dtype(groups.index)
        return is_numbers and len(lost) == len(self.ids or ()) and len(groups) == self.n_first

    def positions(self, rows: npt.ArrayLike) -> Integers:
        """The items that rows of the first input are; -1 for one that some other input lacks."""
        kept = self.rows.get(self.first)
        if kept is None:
            return np.asarray(rows, dtype=np.int64)
        position = np.full(self.n_first, -1)
        position[kept] = np.arange(len(kept))
        return np.asarray(position[np.asarray(rows)])


def _taken(array: np.ndarray, rows: Integers | None) -> np.ndarray:
    return array if rows is None else np.asarray(array[rows])


def second_name(name: str) -> str:
    """What messages call the second look of a model."""
    return f"{name}{SECOND}"


SECOND = " (second look)"


def ids_of(values: Any) -> Any:
    """The ids that a table or series carries: a column `id`, or an index other than 0, 1, ...; or None."""
    library = type(values).__module__.partition(".")[0]
    if library == "pandas":
        return _ids_of_pandas(values)
    if library == "polars":
        values = values.collect() if hasattr(values, "collect") else values
        return values[ID].to_list() if ID in getattr(values, "columns", ()) else None
    if library == "pyarrow" and hasattr(values, "schema"):
        names = [ID, *stored_index(values.schema)]
        found = next((name for name in names if name in values.schema.names), None)
        return None if found is None else values.column(found).to_pylist()
    return None


def _ids_of_pandas(values: Any) -> Any:
    if ID in getattr(values, "columns", ()):
        return values[ID].tolist()
    index = values.index if isinstance(values, pd.DataFrame | pd.Series) else None
    if index is None or (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        return None
    return index.tolist()


def as_ids(values: Iterable[Any], name: str) -> list[str]:
    """Ids as text: 7 and 7.0 are "7", and equal letters have one form.

    Raises:
        EstimationError: one is missing.
    """
    ids = [_text(value) for value in values]
    if None in ids:
        raise EstimationError(
            f"{name}: the id of row {ids.index(None)} is missing; give each row an id, or none"
        )
    return [key for key in ids if key is not None]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return same_name(value)
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, bytes):
        return same_name(value.decode("utf-8", errors="replace"))
    is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value) if is_whole else value)


def refuse_repeated(ids: Sequence[str], name: str) -> None:
    """Raise EstimationError, with the id and its rows, if one stands more than once."""
    repeated = _repeated(ids)
    if repeated is not None:
        rows = [row for row, key in enumerate(ids) if key == repeated]
        raise EstimationError(
            f"{name}: the id {repeated!r} stands {len(rows)} times, in rows {rows[0]} and {rows[1]}; give "
            "each row an id of its own, or none (frame.reset_index(drop=True) takes off an index)"
        )


def _repeated(ids: Sequence[str]) -> str | None:
    if len(set(ids)) == len(ids):
        return None
    index = pd.Index(ids)
    return str(index[index.duplicated()][0])


def align(n_rows: Mapping[str, int], ids: Mapping[str, Any]) -> Alignment:
    """Join inputs by the ids that they carry.

    Args:
        n_rows: number of rows of each input, the one first that gives the order.
        ids: ids of the rows of each input, of any type; None or no entry: it carries none.

    Returns:
        The items that all inputs have, if all carry ids. If some carry none, row i of each input is item i,
        and a note says that this was taken on trust.

    Raises:
        EstimationError: an id is missing or stands twice in an input, there are not as many as rows, no id is
            in all inputs, or one input carries none and the others have different ids or another order.
    """
    first = next(iter(n_rows))
    carried = {name: as_ids(ids[name], name) for name in n_rows if ids.get(name) is not None}
    for name, own in carried.items():
        if len(own) != n_rows[name]:
            raise EstimationError(f"{name} has {n_rows[name]} rows but {len(own)} ids; give one each")
        refuse_repeated(own, name)
    if len(carried) < len(n_rows):
        return Alignment(n_rows[first], {}, None, _on_trust(n_rows, carried), first)
    if all(own == carried[first] for own in carried.values()):
        return Alignment(n_rows[first], {}, carried[first], (), first)
    return _joined(carried)


def _on_trust(n_rows: Mapping[str, int], carried: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What is to be said where some inputs carry no ids."""
    if not carried:
        return ()
    without = [name for name in n_rows if name not in carried]
    one, *others = carried
    for other in others:
        if carried[other] != carried[one]:
            raise EstimationError(
                f"{one} and {other} have different ids, or the same in another order, and {_some(without)} "
                "without ids cannot be matched with both; give its ids too"
            )
    return (
        f"there are ids for {_some(list(carried))} but not for {_some(without)}, whose order of rows was "
        "taken on trust",
    )


def _joined(carried: Mapping[str, list[str]]) -> Alignment:
    """The items that all inputs have, in the order of the first."""
    first = next(iter(carried))
    indexes = {name: pd.Index(own) for name, own in carried.items()}
    common = indexes[first]
    for name, index in indexes.items():
        kept = common[common.isin(index)]
        if not len(kept):
            raise EstimationError(
                f"no id of {first} ({_some(carried[first])}) is in all inputs; {name} has "
                f"{_some(carried[name])}. Give all inputs ids of one kind, or none"
            )
        common = kept
    rows = {name: index.get_indexer(common).astype(np.int64) for name, index in indexes.items()}
    return Alignment(
        len(carried[first]), rows, common.tolist(), (_said_of_join(indexes, rows, len(common)),), first
    )


def _said_of_join(indexes: Mapping[str, "pd.Index[str]"], rows: Mapping[str, Integers], n_common: int) -> str:
    """How many items are left out, and which inputs had another order."""
    n_all = len(set().union(*indexes.values()))
    moved = [name for name, places in rows.items() if (np.diff(places) < 0).any()]
    left_out = f"; {n_all - n_common} of {n_all} items are not in all inputs and are left out"
    order = f"; the order of {_some(moved)} differs" if moved else ""
    return f"rows are joined by their ids{order}{left_out if n_all > n_common else ''}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
