"""Where a study may read: its own folder, installed packages, caches, and the key `outside` of study.yaml."""

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
        folder: the study's folder.
        outside: other folders, relative to it or absolute; True allows all.
    """

    folder: Path
    outside: bool | tuple[str, ...] = ()

    def check(self, file: Path, row: str, path: Path) -> None:
        """Refuse a path that leads elsewhere, directly or through a link; check all the content of a folder.

        Args:
            file: the file of the study that names it.
            row: the row or key.
            path: a file or folder, which may be missing.

        Raises:
            StudyError: it leads out of the readable folders.
        """
        if self.outside is ALL:
            return
        allowed = list(self._allowed())
        for each in _with_contents(path):
            real = real_path(each)
            if not any(real.is_relative_to(folder) for folder in allowed):
                leads = "" if real == each else f", which leads to {real},"
                raise StudyError(
                    f"{file}: row {row!r}: {each}{leads} is outside the study's folder; if the study may "
                    f"read it, add the key `outside: [{real.parent}]` to study.yaml"
                )

    def _allowed(self) -> Iterator[Path]:
        yield real_path(self.folder)
        for text in self.outside if isinstance(self.outside, tuple) else ():
            yield real_path(user_path(text, self.folder))


def check_study_file(path: Path) -> None:
    """Raise StudyError, before reading it, if study.yaml is a link that leads out of its folder."""
    if not real_path(path).is_relative_to(real_path(path.parent)):
        raise StudyError(f"{path} is a link that leads out of its folder; replace it by a copy of the file")


def folders_outside(paths: Iterable[Path], folder: Path) -> list[str]:
    """The value of the key `outside` that lets a study in `folder` read these files and folders."""
    files = (real_path(each) for path in paths for each in _with_contents(path))
    found = {file if file.is_dir() else file.parent for file in files}
    base = real_path(folder)
    outer = [each for each in found if not any(other in each.parents for other in found)]
    return sorted(str(each) for each in outer if not each.is_relative_to(base))


def real_path(path: Path) -> Path:
    """Where a path leads through all links; a link to itself is returned unchanged, and cannot be read."""
    return Path(os.path.realpath(path))


def _with_contents(path: Path) -> Iterator[Path]:
    """The path itself, then all its content if it is a folder."""
    yield path
    if path.is_dir():
        yield from sorted(path.rglob("*"))
