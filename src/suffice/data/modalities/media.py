"""Items that are files: their content is the path of the file, and the hash of its bytes."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from suffice.data.modalities.base import Modality
from suffice.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings
    from suffice.data.media_files import MediaFiles, Part, Source

PATH = "path"


@dataclass(frozen=True)
class Seen:
    """The result of inspecting one item.

    Attributes:
        fault: why it is left out; empty if it can be used.
        changes: the changes made to it before it is used.
        part: the part of it that is used; None: the whole.
    """

    fault: str = ""
    changes: list[str] = field(default_factory=list)
    part: "Part | None" = None


class Media(Modality):
    """Images, sounds and the like.

    Attributes:
        one: name of one item in messages.
        suffixes: of the files of such items in a folder.
        module: the module of the library that reads them.
        extra: the extra that installs this library.
        limit: the setting that limits the size of an item, as the limits on characters do for texts.
    """

    one: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    module: ClassVar[str]
    extra: ClassVar[str]
    limit: ClassVar[str]
    content = PATH
    sources = ("file",)

    @abstractmethod
    def files(self, root: Path) -> "MediaFiles[Any]":
        """The files below a root, opened as such items."""

    @abstractmethod
    def are_items(self, name: str, array: "np.ndarray") -> bool:
        """Whether an array of a `.npz` file contains items; ValueError for numbers of a wrong type."""

    @abstractmethod
    def inspector(self, settings: "DatasetSettings") -> "Callable[[Source], Seen]":
        """A function that inspects an item of a data set.

        Raises:
            DataError: the data set does not state something that all its items need.
        """

    def table(self, path: Path) -> "pd.DataFrame":
        """A folder, table or .npz file, with the location of each item as text."""
        from suffice.data.media import read_media_table

        return read_media_table(path, self)

    def read(self, settings: "DatasetSettings") -> "tuple[pd.DataFrame, dict[str, int]]":
        """The items that can be used."""
        from suffice.data.media import read_media

        return read_media(settings, self)

    def check(self, settings: "DatasetSettings") -> None:
        """Refuse limits on characters, and URLs, which name one file."""
        if settings.min_chars != 1 or settings.max_chars is not None:
            raise ValueError(f"min_chars and max_chars are for texts; use {self.limit} for {self.items}")
        if "," in (settings.content or ""):
            raise ValueError(f"pairs of {self.items} are not read; name one column in content")
        if settings.is_remote:
            raise ValueError(
                f"{self.items} are read from this computer; download the file, and give its path"
            )

    def check_reader(self) -> None:
        """Name the extra of the package that reads the items, if it is not installed."""
        if find_spec(self.module) is None:
            raise DataError(
                f"{self.items} need the package {self.packages[0]}: pip install 'suffice[{self.extra}]'"
            )

    def place(self, settings: "DatasetSettings", folder: Path) -> dict[str, Any]:
        """The folder that the items' paths start from, relative to the folder of the corpus."""
        from suffice.data.media import way_to_root

        return {"root": way_to_root(Path(str(settings.path)), folder)}

    def state(self, settings: "DatasetSettings") -> dict[str, str]:
        """A hash of size and time of each item's file."""
        from suffice.data.media import state_of_files

        return {self.items: state_of_files(settings, self)}

    def shown(self, content: str) -> str:
        """The path of an item, without the hash of its bytes."""
        from suffice.data.media_files import MediaRef

        return MediaRef.parse(content).shown
