"""Vectors for the command line: one file per model, joined by id if they have ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from suffice.alignment import SECOND, Alignment, align, second_name
from suffice.embed.ids_in_files import ids_in_file, read_ids
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.vector_files import names_of_files, split_array
from suffice.errors import DataError
from suffice.groups import read_groups

Vectors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Inputs:
    """The vectors of the items that all files have.

    Attributes:
        vectors: by model, shape (n_items, embed_dim).
        second: second looks by model, if there are any.
        groups: group of each item, if there are any.
        joined: the rows of the items in each file.
    """

    vectors: Vectors
    second: Vectors | None
    groups: npt.ArrayLike | None
    joined: Alignment

    @property
    def n_rows(self) -> int:
        """Number of rows of the first file, or of the shortest if rows are not joined."""
        return self.joined.n_first if self.joined.rows else min(map(len, self.vectors.values()))


def read_inputs(
    files: Sequence[Path], second: Sequence[Path] = (), groups: Path | None = None, ids: Path | None = None
) -> Inputs:
    """Read files of vectors, and join their rows if all have ids.

    Args:
        files: one file per model; the file name is the model's name.
        second: files of second looks.
        groups: file of groups, in the order of the first file's rows or with a column `id`.
        ids: file with the ids of the rows of all files without ids.

    Raises:
        SufficeError: a file cannot be read, two files have the same name, or rows cannot be joined.
    """
    given = None if ids is None else read_ids(ids)
    vectors, carried = _read_files(files, given)
    later, carried_later = _read_files(second, given)
    n_rows = {name: len(each) for name, each in vectors.items()}
    n_rows |= {second_name(name): len(each) for name, each in later.items()}
    joined = align(n_rows, carried | {second_name(name): own for name, own in carried_later.items()})
    n_grouped = joined.n_first if joined.ids is not None else min(n_rows.values())
    of_rows = None if groups is None else read_groups(groups, n_grouped, joined.ids is not None)
    return Inputs(
        joined.take(vectors), joined.take(later, SECOND) if second else None, joined.groups(of_rows), joined
    )


def _read_files(
    files: Sequence[Path], given: list[str] | None
) -> tuple[Vectors, dict[str, list[str] | None]]:
    """The vectors and the ids of each file, by the file's name."""
    vectors: Vectors = {}
    carried: dict[str, list[str] | None] = {}
    for path, name in zip(files, names_of_files(files), strict=True):
        if name in vectors:
            raise DataError(f"two files give the model name {name!r}; rename one of them")
        vectors[name] = Precomputed(PrecomputedSettings(path=str(path))).read()
        carried[name] = ids_in_file(split_array(path)[0]) or given
    return vectors, carried


def read_pair(source: Path, target: Path) -> tuple[np.ndarray, np.ndarray, Alignment]:
    """The vectors of the items that two files share, and their rows.

    Raises:
        SufficeError: a file cannot be read, or rows cannot be joined.
    """
    paths = {"source": source, "target": target}
    vectors = {name: Precomputed(PrecomputedSettings(path=str(path))).read() for name, path in paths.items()}
    carried = {name: ids_in_file(split_array(path)[0]) for name, path in paths.items()}
    joined = align({name: len(each) for name, each in vectors.items()}, carried)
    source_vectors, target_vectors = joined.take(vectors).values()
    return source_vectors, target_vectors, joined
