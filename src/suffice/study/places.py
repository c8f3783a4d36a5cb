"""Where a study may read: its own folder, installed packages, caches, and what study.yaml names besides."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from suffice.errors import StudyError
from suffice.storage.files import user_path

ALL = True


class Places(NamedTuple):
    """The folders that a study may read.

    Attributes:
        folder: the study's own.
        outside: other folders, relative to it or absolute; True for all.
    """

    folder: Path
    outside: bool | tuple[str, ...] = ()

    def check(self, file: Path, row: str, path: Path) -> None:
        """Refuse a path that leads elsewhere, itself or through a link; of a folder, all that lies in it.

        Args:
            file: the file of the study that names it.
            row: the row or key.
            path: a file or folder, whether it is there or not.

        Raises:
            StudyError: it leads out of the folders that may be read.
        """
        if self.outside is ALL:
            return
        allowed = list(self._allowed())
        for each in _with_contents(path):
            real = real_path(each)
            if not any(real.is_relative_to(folder) for folder in allowed):
                leads = "" if real == each else f", which leads to {real},"
                raise StudyError(
                    f"{file}: row {row!r}: {each}{leads} lies outside of the study's folder; if the study "
                    f"may read it, add the key `outside: [{real.parent}]` to study.yaml"
                )

    def _allowed(self) -> Iterator[Path]:
        yield real_path(self.folder)
        for text in self.outside if isinstance(self.outside, tuple) else ():
            yield real_path(user_path(text, self.folder))


def check_study_file(path: Path) -> None:
    """Raise StudyError if study.yaml is a link that leads out of its folder; it is not read then."""
    if not real_path(path).is_relative_to(real_path(path.parent)):
        raise StudyError(f"{path} is a link that leads out of its folder; copy the file there")


def folders_outside(paths: Iterable[Path], folder: Path) -> list[str]:
    """What the key `outside` must hold so that a study in `folder` may read these files and folders."""
    files = (real_path(each) for path in paths for each in _with_contents(path))
    found = {file if file.is_dir() else file.parent for file in files}
    base = real_path(folder)
    outer = [each for each in found if not any(other in each.parents for other in found)]
    return sorted(str(each) for each in outer if not each.is_relative_to(base))


def real_path(path: Path) -> Path:
    """Where a path leads through all links; one that leads to itself stays as it is, and is not readable."""
    return Path(os.path.realpath(path))


def _with_contents(path: Path) -> Iterator[Path]:
    """The path itself, and then all that lies in it if it is a folder."""
    yield path
    if path.is_dir():
        yield from sorted(path.rglob("*"))
