"""Which columns of a table are the dimensions of vectors: numbered ones, a list column, or a text column."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from suffice.errors import ModelError
from suffice.text_vectors import is_text_vector, parse_text_vectors

ID_NAME = re.compile(r"((^|[\W_])(ids?|keys?|uuid|index)|^unnamed: 0|^)$", re.IGNORECASE)
NUMBERED = re.compile(r"(.*?)(\d+)(?:\.0)?", re.DOTALL)  # 3.0 is how pandas writes the number of a column
VECTOR_NAME = re.compile(r"(^|[\W_])(vec|vector|emb|embedding)s?$", re.IGNORECASE)
OF_TOKENS = re.compile(r"(^|[\W_])(ids|mask|tokens?|offsets?|spans?)$", re.IGNORECASE)
NAMED = 6  # number of columns in an error message
MIN_DIMS = 3  # of which one that has whole numbers, unlike the others, may be a label
PROBED_ROWS = 1000  # that are searched for such a dimension
PROBED = 5  # number of texts of a column that are tested


def matrix_of_table(
    table: pa.Table, what: str, choice: str | None = None, ids: str = "id", dtype: type | None = None
) -> np.ndarray:
    """The vectors in a table, shape (n_rows, embed_dim).

    The dimensions are one list column, or one column of vectors written as text, or numeric columns with a
    common name and consecutive numbers (`d0`, `d1`, ..., or `0`, `1`, ...). The index that pandas stored and
    columns of ids are left out. Any other numeric column is refused by name, and so are columns of vectors
    in a form that is not read.

    Args:
        table: the table.
        what: name of the table in messages.
        choice: the list or text column, the common name of the dimensions (`d`), or columns separated by
            commas.
        ids: the column of ids.
        dtype: type of the result; by default the type that can hold all columns.

    Raises:
        ModelError: the dimensions are ambiguous, or the columns do not hold vectors.
    """
    _refuse_repeated(table.column_names, what)
    usable = table.drop_columns([name for name in stored_index(table.schema) if name in table.column_names])
    if choice is not None:
        return _chosen(usable, what, choice, dtype)
    whole = _whole_vectors(usable, ids)
    numbered = [_span(family) for family in families_of(_numeric(usable)).values() if len(family) > 1]
    if len(whole) > 1 or (whole and numbered):
        found = ", ".join(sorted(whole) + numbered)
        raise ModelError(f"{what} has {found}; name one of them in the setting array")
    if whole:
        return _stacked(usable[whole[0]], what)
    _refuse_unread(usable, what, ids)
    family = dimension_columns(usable, what, ids)
    _refuse_label(usable.select(family), what)
    return _side_by_side(usable, family, dtype)


def dimension_columns(table: pa.Table, what: str, ids: str = "id") -> list[str]:
    """The numeric columns that are dimensions, in the table's order.

    Raises:
        ModelError: no numeric columns, several families of names, or numeric columns outside the family.
    """
    numeric = [name for name in _numeric(table) if name != ids]
    if not numeric:
        raise ModelError(
            f"{what} has no list column and no numeric columns besides {ids!r}; "
            f"it has {_first(table.column_names)}"
        )
    candidates = [name for name in numeric if not _is_id(table[name], name)]
    families = families_of(candidates)
    if len(families) != 1:
        raise ModelError(_which_columns(what, numeric, families))
    odd = [name for name in candidates if NUMBERED.fullmatch(name.strip()) is None]
    ((shared, family),) = families.items()
    if odd:
        raise ModelError(
            f"{what}: the numeric columns {_first(odd)} are not part of the vector {_span(family)}; "
            f"remove them, or name the columns of the vector in the setting array{_example(shared)}"
        )
    _refuse_gaps(family, what)
    others = [name for name in table.column_names if name not in family and ID_NAME.search(name) is None]
    if len(family) == 1 and others:
        raise ModelError(
            f"{what}: {family[0]!r} is the only numbered column, beside {_first(others)}, so it may be a "
            f"label or count; if it is the vector, set array to {family[0]}"
        )
    return family


def _refuse_unread(table: pa.Table, what: str, ids: str) -> None:
    """Raise ModelError if a column is named as the vectors but has them in a form that is not read."""
    for field in table.schema:
        if VECTOR_NAME.search(field.name) and field.name != ids and not _is_number(field.type):
            first = next(iter(table[field.name].drop_null().slice(0, 1).to_pylist()), None)
            raise ModelError(
                f"{what}: the column {field.name!r} holds {str(first)[:40]!r} (type {field.type}), which is "
                "not read as a vector; write lists of numbers, or name other columns in the setting array"
            )


def _refuse_label(table: pa.Table, what: str) -> None:
    """Raise ModelError if only one dimension has whole numbers, as when labels were joined.

    Between other dimensions it is a label only if its values repeat.
    """
    numbers = _side_by_side(table.slice(0, PROBED_ROWS), table.column_names, np.float64)
    with np.errstate(invalid="ignore"):
        whole = (numbers == np.floor(numbers)).all(axis=0)
        varies = (numbers != numbers[:1]).any(axis=0)
    odd = np.flatnonzero(whole & varies)
    if len(odd) != 1 or (varies & ~whole).sum() < MIN_DIMS - 1:
        return
    is_inside, n_values = 0 < odd[0] < len(varies) - 1, len(np.unique(numbers[:, odd[0]]))
    if not is_inside or n_values <= len(numbers) / 2:
        name = table.column_names[odd[0]]
        raise ModelError(
            f"{what}: the column {name!r} has whole numbers, unlike the other dimensions, so it may be a "
            "label or count; remove it, or name the columns of the vector in the setting array"
        )


def families_of(names: Sequence[str]) -> dict[str, list[str]]:
    """The names that end in a number, by the part before it."""
    families = defaultdict(list)
    for name in names:
        if found := NUMBERED.fullmatch(name.strip()):
            families[found[1]].append(name)
    return dict(families)


def _refuse_gaps(family: Sequence[str], what: str) -> None:
    """Raise ModelError unless the numbers are consecutive from 0 or 1: others may be years or codes."""
    numbers = sorted(_number(name) for name in family)
    expected = list(range(numbers[0], numbers[0] + len(numbers)))
    if numbers[0] > 1 or numbers != expected:
        missing = next((e for n, e in zip(numbers, expected, strict=True) if n != e), 0)
        raise ModelError(
            f"{what}: the numbers of the columns {_first(family)} have a gap (number {missing} is missing); "
            "add it, or name the columns of the vector in the setting array, separated by commas"
        )


def _number(name: str) -> int:
    found = NUMBERED.fullmatch(name.strip())
    return int(found[2]) if found else -1


def _which_columns(what: str, numeric: Sequence[str], families: dict[str, list[str]]) -> str:
    """The message if the family is ambiguous."""
    if all(map(_is_decimal, numeric)):
        return (
            f"{what}: the names of the columns are numbers ({_first(numeric)}); add a first line with names"
        )
    if families:
        spans = " and ".join(_span(family) for family in families.values())
        return f"{what} has several groups of numbered columns, {spans}; name one in the setting array"
    return (
        f"{what}: the numeric columns {_first(numeric)} do not have a common name with consecutive numbers, "
        "so they may be labels or counts; rename them d0, d1, ..., or name the columns of the vector in the "
        "setting array, separated by commas"
    )


def _is_decimal(name: str) -> bool:
    """Whether a name is a number with decimals, as in a table without a line of names."""
    try:
        return not float(name).is_integer()
    except (ValueError, OverflowError):
        return False


def _span(family: Sequence[str]) -> str:
    return family[0] if len(family) == 1 else f"{family[0]}..{family[-1]}"


def _example(shared: str) -> str:
    return f" (array: {shared})" if shared else ""


def _first(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:NAMED])) + (", ..." if len(names) > NAMED else "")


def _refuse_repeated(names: Sequence[str], what: str) -> None:
    if len(set(names)) < len(names):
        repeated = next(name for name, count in Counter(names).items() if count > 1)
        raise ModelError(f"{what} has more than one column named {repeated!r}; rename one of them")


def stored_index(schema: pa.Schema) -> list[str]:
    """The columns that pandas wrote for a table's index, which are not data."""
    stored = (schema.pandas_metadata or {}).get("index_columns", [])
    return [name for name in stored if isinstance(name, str)]


def column_of_ids(columns: Mapping[str, Sequence[Any]]) -> str | None:
    """The column with the ids of rows: `id` or `ids`, or a similar name with a different value in each row.

    Row numbers in their order are not ids.
    """
    for name in ("id", "ids"):
        if name in columns and all(map(np.isscalar, columns[name][:1])):
            return name
    named = sorted((name for name in columns if ID_NAME.search(name.strip())), key=str.lower)
    return next((name for name in named if _could_be_ids(list(columns[name]))), None)


def _could_be_ids(values: list[Any]) -> bool:
    is_known = all(isinstance(value, str | bytes | int | np.integer) for value in values)
    differ = is_known and len(set(values)) == len(values) > 0
    return differ and any(str(value) != str(row) for row, value in enumerate(values))


def _whole_vectors(table: pa.Table, ids: str) -> list[str]:
    """The columns with a vector in each cell: list columns, or otherwise text columns."""
    fields = [field for field in table.schema if field.name != ids and not OF_TOKENS.search(field.name)]
    lists = [field.name for field in fields if _is_list(field.type)]
    return lists or [field.name for field in fields if _holds_text_vectors(table[field.name])]


def _numeric(table: pa.Table) -> list[str]:
    """The columns of numbers, or of truth values if there are no numbers."""
    numbers = [field.name for field in table.schema if _is_number(field.type)]
    return numbers or [field.name for field in table.schema if pa.types.is_boolean(field.type)]


def _is_id(column: pa.ChunkedArray, name: str) -> bool:
    """Whether a column outside the family has a name like ids, and a different whole number in each row."""
    named = ID_NAME.search(name.strip()) is not None
    return named and pa.types.is_integer(column.type) and len(pc.unique(column)) == len(column)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_list(kind: pa.DataType) -> bool:
    kind = kind.storage_type if isinstance(kind, pa.FixedShapeTensorType) and len(kind.shape) == 1 else kind
    lists = (
        pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view,
        pa.types.is_large_list_view,
    )  # fmt: skip
    inner = kind.value_type if any(test(kind) for test in lists) else pa.null()
    return _is_number(inner) or bool(pa.types.is_boolean(inner))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _holds_text_vectors(column: pa.ChunkedArray) -> bool:
    if not _is_text(column.type):
        return False
    texts = column.drop_null().slice(0, PROBED).to_pylist()
    return bool(texts) and all(map(is_text_vector, texts))


def _chosen(table: pa.Table, what: str, choice: str, dtype: type | None) -> np.ndarray:
    """The vectors that the user named: one column of vectors, a family, or columns separated by commas."""
    if choice in table.column_names and not _is_number(table.schema.field(choice).type):
        return _stacked(table[choice], what)
    numeric = _numeric(table)
    named = [part.strip() for part in choice.split(",")]
    family = named if set(named) <= set(numeric) else families_of(numeric).get(choice)
    if not family:
        lists = [name for name in table.column_names if _is_list(table.schema.field(name).type)]
        raise ModelError(f"{what} has no {choice!r}; it has {', '.join(sorted(lists or table.column_names))}")
    return _side_by_side(table, family, dtype)


def _stacked(column: pa.ChunkedArray, what: str) -> np.ndarray:
    """One matrix from the vectors in the cells of a column."""
    if column.null_count:
        raise ModelError(f"{what} has {column.null_count} rows without a vector")
    if _is_list(column.type):
        return _stack_lists(column.combine_chunks(), what)
    if _is_text(column.type):
        return parse_text_vectors(column.to_pylist(), what)
    raise ModelError(f"{what}: the column holds values of type {column.type}, not lists of numbers")


def _stack_lists(column: pa.Array, what: str) -> np.ndarray:
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) > 1:
        raise ModelError(f"{what} has vectors of different lengths, {min(lengths)} to {max(lengths)}")
    flat = column.flatten()
    flat = flat.cast(pa.float64()) if pa.types.is_decimal(flat.type) else flat
    values: np.ndarray = flat.to_numpy(zero_copy_only=False)
    return values.reshape(len(column), lengths[0] if lengths else 0)


def _side_by_side(table: pa.Table, names: Sequence[str], dtype: type | None) -> np.ndarray:
    """One matrix from columns of numbers."""
    columns = [table[name] for name in names]
    columns = [c.cast(pa.float64()) if pa.types.is_decimal(c.type) else c for c in columns]
    arrays = [column.to_numpy() for column in columns]
    kind = np.result_type(*(array.dtype for array in arrays)) if dtype is None else dtype
    with np.errstate(over="ignore"):  # values too large for float32 become infinite, and are found later
        return np.stack([array.astype(kind) for array in arrays], axis=1)
