"""What a kind of study is: one folder with its settings, rules, scripts, tables, figures and page."""

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

    The registry imports the package of every kind, so methods import what they need themselves.

    Attributes:
        name: what `kind` in study.yaml says.
        summary: one line that says what a study of this kind does.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    @abstractmethod
    def load(self, folder: Path, overrides: Mapping[str, Any]) -> Any:
        """Read and check a study.

        Args:
            folder: holds study.yaml.
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
        """The settings in a row of each table beside study.yaml, by the name of their schema."""
        return {}

    def fetch(self, folder: Path) -> Iterable["Fetched"]:
        """Bring all that a study takes from the network into local caches; by default it takes nothing."""
        return ()

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return Path(inspect.getfile(type(self))).resolve().parent

    def rules(self, root: Path) -> Path:
        """Its rules, from which others may be included.

        Args:
            root: the folder of the Snakefile.
        """
        return self.folder / "rules.smk"

    def scripts(self, root: Path) -> Path:
        """The folder of its rules' scripts; `root` as of `rules`."""
        return self.folder / "scripts"
