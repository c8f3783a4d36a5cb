"""Which rows of several inputs belong to one item: they are joined by ids, if the inputs have ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.dimensions import ID_NAME, column_of_ids, stored_index
from suffice.errors import EstimationError
from suffice.names import same_name

Integers = npt.NDArray[np.int64]
Ids = Mapping[str, npt.ArrayLike] | npt.ArrayLike | None

ID = "id"
NAMED = 3  # number of inputs or ids in a message


@dataclass(frozen=True)
class Alignment:
    """The items that several inputs have in common, in the order of the first input.

    Attributes:
        n_first: number of rows of the first input.
        rows: row of each item, by input, shape (n_items,); an input without an entry has the order of items.
        ids: id of each item; None: some input has no ids, and row i of each input is item i.
        notes: notes for the reader.
        first: name of the first input.
    """

    n_first: int
    rows: Mapping[str, Integers]
    ids: list[str] | None
    notes: tuple[str, ...]
    first: str

    def take(self, arrays: Mapping[str, np.ndarray], kind: str = "") -> dict[str, np.ndarray]:
        """The items' vectors by model. Arrays whose rows are already the items are not copied.

        Args:
            arrays: by model, shape (n_rows, embed_dim) each.
            kind: suffix of the inputs' names, see `second_name`.
        """
        rows = {name: self.rows.get(f"{name}{kind}") for name in arrays}
        return {name: _taken(array, rows[name]) for name, array in arrays.items()}

    def groups(self, groups: npt.ArrayLike | None) -> npt.ArrayLike | None:
        """The group of each item, by id if the groups have ids, otherwise by the first input's rows.

        Raises:
            EstimationError: an item has no group.
        """
        if groups is None:
            return None
        values, own = np.asarray(groups, dtype=object), ids_of(groups)
        own = None if isinstance(own, range) else own
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
                f"groups has {len(values)} entries but {self.first} has {self.n_first} rows; give one per row"
            )
        return np.asarray(values[kept])

    def of_first(self, values: Sequence[str]) -> list[str]:
        """Values for the rows of the first input, such as texts, reduced to the items.

        Raises:
            EstimationError: the numbers of values and rows differ.
        """
        kept = self.rows.get(self.first)
        if kept is None:
            return list(values)
        if len(values) != self.n_first:
            raise EstimationError(
                f"there are {len(values)} texts but {self.first} has {self.n_first} rows; give one per row"
            )
        return [values[row] for row in kept]

    def _are_row_numbers(self, groups: Any, lost: Sequence[str]) -> bool:
        """Whether the index of a series has nothing to do with ids: numbers, none of which is one."""
        is_numbers = isinstance(groups, pd.Series) and pd.api.types.is_integer_dtype(groups.index)
        return is_numbers and len(lost) == len(self.ids or ()) and len(groups) == self.n_first

    def positions(self, rows: npt.ArrayLike) -> Integers:
        """The item of each given row of the first input; -1 if another input lacks it."""
        kept = self.rows.get(self.first)
        if kept is None:
            return np.asarray(rows, dtype=np.int64)
        position = np.full(self.n_first, -1)
        position[kept] = np.arange(len(kept))
        return np.asarray(position[np.asarray(rows)])


def _taken(array: np.ndarray, rows: Integers | None) -> np.ndarray:
    return array if rows is None else np.asarray(array[rows])


def second_name(name: str) -> str:
    """The name of a model's second look in messages."""
    return f"{name}{SECOND}"


SECOND = " (second look)"


def ids_of(values: Any) -> Any:
    """The ids in a table or series: a column of ids, or an index other than 0, 1, ...; or None.

    A range stands for the row numbers of a frame of pandas, see `align`.
    """
    library = type(values).__module__.partition(".")[0]
    if library == "pandas":
        return _ids_of_pandas(values)
    if library == "polars":
        values = values.collect() if hasattr(values, "collect") else values
        return _ids_in({name: values[name].to_list() for name in _named(getattr(values, "columns", ()))})
    if library == "pyarrow" and hasattr(values, "schema"):
        stored = [name for name in stored_index(values.schema) if name in values.schema.names]
        if ID not in values.schema.names and stored:
            return values.column(stored[0]).to_pylist()
        return _ids_in({name: values.column(name).to_pylist() for name in _named(values.schema.names)})
    return None


def _named(columns: Iterable[Any]) -> list[str]:
    """The names that columns of ids have."""
    return [name for name in columns if isinstance(name, str) and ID_NAME.search(name.strip())]


def _ids_in(columns: Mapping[str, list[Any]]) -> list[Any] | None:
    name = column_of_ids(columns)
    return None if name is None else columns[name]


def _ids_of_pandas(values: Any) -> Any:
    if ID in getattr(values, "columns", ()):
        return values[ID].tolist()
    index = values.index if isinstance(values, pd.DataFrame | pd.Series) else None
    if index is not None and not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        return index.tolist()
    columns = {name: values[name].tolist() for name in _named(getattr(values, "columns", ()))}
    found = _ids_in(columns)
    return range(len(index)) if found is None and index is not None else found


def as_ids(values: Iterable[Any], name: str) -> list[str]:
    """Ids as text: 7 and 7.0 become "7", and equal letters have one form.

    Raises:
        EstimationError: an id is missing.
    """
    ids = [_text(value) for value in values]
    if None in ids:
        raise EstimationError(
            f"{name}: the id of row {ids.index(None)} is missing; give every row an id, or leave all ids out"
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
    """Raise EstimationError, with the id and its rows, if an id occurs more than once."""
    repeated = _repeated(ids)
    if repeated is not None:
        rows = [row for row, key in enumerate(ids) if key == repeated]
        raise EstimationError(
            f"{name}: the id {repeated!r} occurs {len(rows)} times, first in rows {rows[0]} and {rows[1]}; "
            "give every row its own id, or leave all ids out (frame.reset_index(drop=True) removes an index)"
        )


def _repeated(ids: Sequence[str]) -> str | None:
    if len(set(ids)) == len(ids):
        return None
    index = pd.Index(ids)
    return str(index[index.duplicated()][0])


def align(n_rows: Mapping[str, int], ids: Mapping[str, Any]) -> Alignment:
    """Join inputs by their ids.

    Args:
        n_rows: number of rows of each input; the first input gives the order.
        ids: ids of the rows of each input, of any type; None or no entry: the input has no ids. A range is
            used only if the ids of the others are its numbers in another order, as in a shuffled frame.

    Returns:
        The items that all inputs have, if all inputs have ids. If some have no ids, row i of each input is
        item i, and a note says that this was not checked.

    Raises:
        EstimationError: an id is missing or occurs twice in an input, the numbers of ids and rows differ, no
            id is in all inputs, or one input has no ids and the others have different ids or another order.
    """
    first = next(iter(n_rows))
    own_ids = {name: own for name in n_rows if not isinstance(own := ids.get(name), range | None)}
    carried = {name: as_ids(own, name) for name, own in own_ids.items()}
    carried = _with_row_numbers(carried, n_rows, ids)
    for name, own in carried.items():
        if len(own) != n_rows[name]:
            raise EstimationError(f"{name} has {n_rows[name]} rows but {len(own)} ids; give one id per row")
        refuse_repeated(own, name)
    if len(carried) < len(n_rows):
        return Alignment(n_rows[first], {}, None, _on_trust(n_rows, carried), first)
    if all(own == carried[first] for own in carried.values()):
        return Alignment(n_rows[first], {}, carried[first], (), first)
    return _joined(carried)


def _with_row_numbers(
    carried: dict[str, list[str]], n_rows: Mapping[str, int], ids: Mapping[str, Any]
) -> dict[str, list[str]]:
    """The ids with the row numbers of frames without ids, if the ids of all others are those numbers."""
    numbers = {name: list(map(str, own)) for name, own in ids.items() if isinstance(own, range)}
    known = set(map(frozenset, (carried | numbers).values())) if carried else set()
    found = carried | numbers if len(known) == 1 else carried
    return {name: found[name] for name in n_rows if name in found}


def _on_trust(n_rows: Mapping[str, int], carried: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The note or error if some inputs have no ids."""
    if not carried:
        return ()
    without = [name for name in n_rows if name not in carried]
    one, *others = carried
    for other in others:
        if carried[other] != carried[one]:
            raise EstimationError(
                f"{one} and {other} have different ids, or the same ids in another order, and "
                f"{_some(without)} without ids cannot be matched with both; give its ids too"
            )
    return (
        f"there are ids for {_some(list(carried))} but not for {_some(without)}; the order of rows without "
        "ids was not checked",
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
                f"{_some(carried[name])}. Give all inputs ids of the same kind, or leave the ids out"
            )
        common = kept
    rows = {name: index.get_indexer(common).astype(np.int64) for name, index in indexes.items()}
    return Alignment(
        len(carried[first]), rows, common.tolist(), (_said_of_join(indexes, rows, len(common)),), first
    )


def _said_of_join(indexes: Mapping[str, "pd.Index[str]"], rows: Mapping[str, Integers], n_common: int) -> str:
    """A note on how many items are left out, and which inputs had another order."""
    n_all = len(set().union(*indexes.values()))
    moved = [name for name, places in rows.items() if (np.diff(places) < 0).any()]
    left_out = f"; {n_all - n_common} of {n_all} items are not in all inputs and are left out"
    order = f"; the order of {_some(moved)} differs" if moved else ""
    return f"rows are joined by their ids{order}{left_out if n_all > n_common else ''}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
