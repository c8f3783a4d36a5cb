"""A corpus: the cleaned items of one data set, as a Parquet table with a manifest beside it.

Columns: `id`, `content`, `group` (items of one group are never separated by a split or a fold), optionally
`kept_together` (groups, joined if they share copies of items), and any number of label columns. Items with a
missing label are left out of the task. The column `split` ("train" or "test") is stored if the data set has
its own; otherwise it follows from a seed when it is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from suffice.data.columns import CONTENT, GROUP, ID, REQUIRED_COLUMNS, SPLIT, STORED_COLUMNS, TOGETHER
from suffice.data.split import columns_for_split, split_of
from suffice.errors import DataError
from suffice.storage.files import read_json

API_DOCS = "api-docs"


@dataclass(frozen=True)
class Window:
    """A run of consecutive items of a corpus.

    Attributes:
        start: position of the first one.
        ids: id of each item.
        contents: content of each item.
        roles: role of each item, "query", "document" or anything else; None if no roles were requested.
    """

    start: int
    ids: list[str]
    contents: list[str]
    roles: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk. It is read in windows, so memory does not grow with the number of items.

    Attributes:
        path: the table, a Parquet file.
        seed: seed of the split, unless the data set has its own.

    Raises:
        DataError: the file is missing, is not Parquet, or lacks a required column.
    """

    path: Path
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        missing = [name for name in STORED_COLUMNS if name not in self.stored]
        if missing:
            raise DataError(f"{self.path} lacks the column(s) {', '.join(missing)}; build the corpus again")

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""
        rest = [name for name in self.stored if name not in REQUIRED_COLUMNS]
        return [*REQUIRED_COLUMNS, *rest]

    @cached_property
    def stored(self) -> list[str]:
        """The names of the columns in the file."""
        try:
            return list(pq.read_schema(self.path).names)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{self.path} is not a readable corpus ({error}); build it again") from error

    @cached_property
    def n_items(self) -> int:
        """The number of items."""
        return int(pq.read_metadata(self.path).num_rows)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The content of the JSON file beside the table: source, versions, sha256, dropped items."""
        return dict(read_json(self.path.with_suffix(".json")))

    @property
    def sha256(self) -> str:
        """Hash of ids and contents in their order: the part of the corpus that embeddings depend on."""
        return str(self.manifest["content_sha256"])

    def windows(
        self, n_items: int = 4096, rows: range | None = None, roles: str | None = None
    ) -> Iterator[Window]:
        """The items in their order, `n_items` at a time.

        Args:
            n_items: of a window; the last one may have less.
            rows: leave out windows that begin elsewhere; by default no window is left out.
            roles: column of the items' roles, which a corpus need not have.
        """
        start, columns = 0, [ID, CONTENT, *([roles] if roles in self.columns else [])]
        for batch in pq.ParquetFile(self.path).iter_batches(batch_size=n_items, columns=columns):
            if rows is None or start in rows:
                yield Window(start, *(batch.column(name).to_pylist() for name in columns))
            start += batch.num_rows

    @property
    def together(self) -> np.ndarray:
        """The groups that splits and folds do not separate, joined if they share copies, shape (n_items,)."""
        return self.column(TOGETHER if TOGETHER in self.columns else GROUP)

    def column(self, name: str) -> np.ndarray:
        """One column as an array of shape (n_items,); missing labels are None or NaN.

        Raises:
            DataError: the column does not exist.
        """
        if name not in self.columns:
            raise DataError(f"{self.path} has no column {name!r}; it has {', '.join(self.columns)}")
        return self.table([name])[name].to_numpy()

    def table(self, columns: list[str] | None = None) -> pd.DataFrame:
        """The corpus, or some of its columns, as a pandas table."""
        wanted = self.columns if columns is None else columns
        table = self._read([name for name in wanted if name in self.stored])
        return table.assign(**{SPLIT: self._split()})[wanted] if SPLIT in wanted else table

    def _read(self, columns: list[str]) -> pd.DataFrame:
        return pq.read_table(self.path, columns=columns).to_pandas()

    def _split(self) -> np.ndarray:
        """The side of each item."""
        if SPLIT in self.stored:
            return self._read([SPLIT])[SPLIT].to_numpy()
        by_module = self.manifest["source"] == API_DOCS
        items = self._read(columns_for_split(self.stored, by_module))
        return split_of(items, self.manifest["settings"]["test_share"], self.seed, by_module)
