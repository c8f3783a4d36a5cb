"""The interface of a kind of study: a folder with its settings, rules, scripts, tables, figures and page."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from suffice.study.fetch import Fetched


class Kind(ABC):
    """A kind of study. Its package offers one instance by the name `KIND`.

    The registry imports the package of every kind, so imports belong inside the methods.

    Attributes:
        name: value of `kind` in study.yaml.
        summary: one line on what a study of this kind does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def load(self, folder: Path, overrides: Mapping[str, Any]) -> Any:
        """Read and check a study.

        Args:
            folder: folder with study.yaml.
            overrides: values that replace keys of study.yaml.

        Raises:
            StudyError: a key or value is wrong; the message names it and the remedy.
        """

    @abstractmethod
    def settings(self) -> type[BaseModel]:
        """The keys of study.yaml."""

    def manual(self) -> str:
        """Its part of the manual of every key, as Markdown."""
        from suffice.kinds.keys import key_table

        return f"## A study of the kind `{self.name}`\n\n{self.summary}\n\n{key_table(self.settings())}"

    def tables(self) -> Mapping[str, type[BaseModel]]:
        """The settings in the rows of each table beside study.yaml, by name of schema."""
        return {}

    def fetch(self, folder: Path) -> Iterable["Fetched"]:
        """Fetch what a study needs from the network into local caches; by default this is nothing."""
        return ()

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return Path(inspect.getfile(type(self))).resolve().parent

    def rules(self, root: Path) -> Path:
        """The file of its rules, which may include others.

        Args:
            root: the folder of the Snakefile.
        """
        return self.folder / "rules.smk"

    def scripts(self, root: Path) -> Path:
        """The folder of its rules' scripts; `root` as in `rules`."""
        return self.folder / "scripts"
