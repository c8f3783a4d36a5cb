"""Pairs of looks at the items of a corpus on disk, and the texts created for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from suffice.data.columns import GROUP
from suffice.data.corpus import Window
from suffice.data.look_settings import PARTS
from suffice.storage.files import read_json, read_table

FIRST, SECOND = "first", "second"
CONTENTS = ("first_content", "second_content")
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LookTable:
    """Pairs of looks on disk.

    Attributes:
        kind: how the looks were made; "same" if there are no pairs.
        sha256: hash of the whole table.
        table: one row per pair: first, second, group; for created texts also their contents.
    """

    kind: str
    sha256: str
    table: pd.DataFrame

    @property
    def n_pairs(self) -> int:
        """Number of pairs."""
        return len(self.table)

    @property
    def group(self) -> npt.NDArray[np.object_]:
        """Group of each pair, shape (n_pairs,)."""
        return self.table[GROUP].to_numpy(dtype=object)

    @cached_property
    def rows(self) -> tuple[Integers, Integers]:
        """Row of the first and of the second look of each pair, in the arrays that `vectors` takes."""
        return self.table[FIRST].to_numpy(np.int64), self.table[SECOND].to_numpy(np.int64)

    def vectors(self, items: np.ndarray, looks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """A model's vectors of the first and of the second looks, each of shape (n_pairs, embed_dim).

        Args:
            items: the model's vectors of the items.
            looks: its vectors of looks, for kinds that have them.
        """
        first = looks if self.kind in PARTS and looks is not None else items
        second = items if looks is None else looks
        return _taken(first, self.rows[0]), _taken(second, self.rows[1])


def _taken(array: np.ndarray, rows: Integers) -> np.ndarray:
    """Rows of an array; a view if they are consecutive, so a memory map remains one."""
    if len(rows) and rows[-1] - rows[0] + 1 == len(rows) and (np.diff(rows) == 1).all():
        return array[rows[0] : rows[-1] + 1]
    return np.asarray(array[rows])


class LookContents:
    """Texts created as looks, for embedding: all first looks, then all second looks."""

    def __init__(self, looks: LookTable) -> None:
        made = looks.table.filter(CONTENTS)
        self.contents: list[str] = [text for name in made for text in made[name]]
        self.n_items = len(self.contents)

    def windows(
        self, n_items: int = 4096, rows: range | None = None, roles: str | None = None
    ) -> Iterator[Window]:
        """The texts in their order, `n_items` at a time; as of `Corpus`, and parts of items have no roles."""
        for start in range(0, self.n_items, n_items):
            if rows is None or start in rows:
                contents = self.contents[start : start + n_items]
                yield Window(start, [str(start + place) for place in range(len(contents))], contents)


def read_looks(path: Path | str) -> LookTable:
    """The pairs of looks that `suffice.data.look_pairs.build_looks` wrote.

    Raises:
        DataError: the files are missing or damaged.
    """
    path = Path(path)
    manifest = read_json(path.with_suffix(".json"))
    return LookTable(str(manifest["looks"]), str(manifest["sha256"]), read_table(path))
