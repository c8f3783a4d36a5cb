"""Checkpoints whose files are read directly, without a library that builds a model from them."""

import importlib.util
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from suffice.embed.base import Loader
from suffice.embed.checkpoint_places import cached_file, is_local, resolve_checkpoint, snapshot
from suffice.errors import DataError, ModelError
from suffice.settings import Settings
from suffice.storage.files import read_json, sha256_of_file, sha256_of_json


class PlainSettings(Settings):
    """Settings that kinds with a plain checkpoint share."""

    checkpoint: str = Field(
        description="`package:NAME/folder` inside an installed Python package, a local folder, or a hub name"
    )
    revision: str | None = Field(None, description="Commit, tag or branch; for hub names only")


class PlainTextSettings(PlainSettings):
    """Settings that kinds for texts share."""

    prompt: str = Field("", description="Text put before each item")


P = TypeVar("P", bound=PlainSettings)


class PlainCheckpointLoader(Loader[P]):
    """A loader that reads named files of a checkpoint.

    Class attributes: `markers`, files that identify this kind of checkpoint, which has one of them; `extra`,
    the project's extra with the loader's requirements; `packages`, the packages that it imports.
    """

    markers: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    @property
    def location(self) -> str:
        """Absolute path or hub name of the checkpoint; relative paths start from the working directory."""
        return resolve_checkpoint(self.settings.checkpoint, Path())

    @property
    def folder(self) -> Path:
        """The location of the files: a local folder, or a commit's folder in the cache of the hub.

        Raises:
            NotFetchedError: it is a hub name, and not in the cache.
        """
        location, revision = self.location, self.settings.revision
        if is_local(location):
            return Path(location)
        found = (marker for marker in self.markers if cached_file(location, marker, revision))
        return snapshot(location, next(found, self.markers[0]), revision)

    @abstractmethod
    def needed(self, names: Iterable[str]) -> list[str]:
        """The files of a checkpoint that are read.

        Args:
            names: all its files, relative to its folder.

        Raises:
            ModelError: one that is needed is missing; the message says which.
        """

    def files(self) -> dict[str, Path]:
        """The files that are read, by their name in the checkpoint.

        Raises:
            ModelError: one that is needed is missing.
        """
        folder = self.folder
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return {name: folder / name for name in self.needed(names)}

    def check(self) -> None:
        """Check the installed packages and the checkpoint's files, without network."""
        for package in self.packages:
            if importlib.util.find_spec(package) is None:
                raise ModelError(f"models of kind {self.kind} need `pip install 'suffice[{self.extra}]'`")
        if is_local(self.location) and self.settings.revision is not None:
            raise ModelError(
                f"revision {self.settings.revision!r} is for hub names, but {self.settings.checkpoint!r} is "
                "local; remove it"
            )
        self.files()

    def fetch(self) -> str | None:
        """Fetch the files of a hub checkpoint that are read."""
        if is_local(self.location):
            return None
        from suffice.embed.hub import fetch_files

        return fetch_files(self.location, self.settings.revision, self.needed)

    def identity(self) -> dict[str, Any]:
        """Hashes of a local checkpoint's files (its path does not count), or the commit of a hub one."""
        if not is_local(self.location):
            return {"commit": self.folder.name}
        hashes = {name: sha256_of_file(path) for name, path in self.files().items()}
        return {"files_sha256": {"checkpoint": sha256_of_json(hashes)}}

    def read_config(self, name: str) -> dict[str, Any]:
        """The content of one of the JSON files that are read; empty if there is none.

        Raises:
            ModelError: it is not JSON with keys and values.
        """
        content = self.read_json(name)
        if not isinstance(content, dict):
            raise ModelError(f"{self.folder / name} must contain keys and values; it is damaged")
        return content

    def read_json(self, name: str) -> Any:
        """The content of one of the JSON files that are read; an empty dict if there is none."""
        path = self.files().get(name)
        try:
            return read_json(path) if path else {}
        except DataError as error:
            raise ModelError(f"checkpoint {self.settings.checkpoint!r} cannot be loaded ({error})") from None

    def module_types(self) -> list[str]:
        """The last names of the modules in modules.json, such as `Pooling`; empty without the file."""
        modules = self.read_json("modules.json")
        if not all(isinstance(each, dict) for each in modules):
            raise ModelError(f"{self.folder / 'modules.json'} must be a list of modules; it is damaged")
        return [str(each.get("type", "")).rpartition(".")[2] for each in modules]


def read_tokenizer(path: Path) -> Any:
    """A tokenizer of the tokenizers library from its file, without padding and truncation.

    Raises:
        ModelError: the file is damaged.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 (the library raises nothing more special)
        raise ModelError(f"{path} is not a tokenizer ({error}); it may be damaged, fetch it again") from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
