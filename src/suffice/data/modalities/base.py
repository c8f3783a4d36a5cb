"""What a modality is: all that depends on whether items are texts, molecules or something else."""

import math
from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from suffice.data.columns import CONTENT
from suffice.settings import Settings as NoSettings

if TYPE_CHECKING:
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings


class Modality(ABC):
    """What items are. In a corpus the content of an item is a text: itself, a SMILES, the path of a file.

    The registry imports every modality, so methods import what they need themselves.

    Attributes:
        name: what `content_type` in datasets.tsv says.
        items: what messages call several items.
        summary: one line for the manual: what becomes of the content.
        content: the column that holds the content where a data set does not name one.
        Settings: the columns of datasets.tsv that it alone has.
        sources: the sources that it can be read from.
        several_files: whether a path may name several files, with commas.
        packages: distributions that its content depends on; a corpus notes their versions.
        read_as: what loaders may take its content for; see `reads` of `suffice.embed.base.Loader`.
        views: the kinds of looks at an item that it can give.
        auto_views: those that `views auto` tries, in this order, before it settles for one look.
        why_no_parts: why halves and words of a content are no looks; empty where they are.
        one_look_note: what a reader should know of a ranking by one look; empty if nothing.
        estimators: those of a study that names none, where source and target see the same.
        estimators_of_looks: the same where they see two looks and models are ordered by ranks.
        models: rows of models.tsv that a new study may name.
        control: name and row of the untrained model of a new study.
    """

    name: ClassVar[str]
    items: ClassVar[str]
    summary: ClassVar[str]
    content: ClassVar[str] = CONTENT
    Settings: ClassVar[type[NoSettings]] = NoSettings
    sources: ClassVar[tuple[str, ...]] = ("file", "hub", "datasets", "api-docs")
    several_files: ClassVar[bool] = False
    packages: ClassVar[tuple[str, ...]] = ()
    read_as: ClassVar[tuple[str, ...]]
    views: ClassVar[tuple[str, ...]] = ("files", "group")
    auto_views: ClassVar[tuple[str, ...]] = ("files",)
    why_no_parts: ClassVar[str] = ""
    one_look_note: ClassVar[str] = ""
    estimators: ClassVar[tuple[str, ...]] = ("linear",)
    estimators_of_looks: ClassVar[tuple[str, ...]] = ("linear",)
    models: ClassVar[Mapping[str, Mapping[str, str]]]
    control: ClassVar[tuple[str, Mapping[str, str]]]

    def table(self, path: Path) -> "pd.DataFrame":
        """A file as a table, with the content of items as text in one column.

        Raises:
            DataError: it cannot be read.
        """
        from suffice.data.readers import read_file

        return read_file(path)

    def read(self, settings: "DatasetSettings") -> "tuple[pd.DataFrame, dict[str, int]]":
        """The items of a data set, and how many were left out for each reason.

        Raises:
            DataError: the source cannot be read.
        """
        from suffice.data.readers import read_items

        content = settings.content or self.content
        return read_items(settings.model_copy(update={"content": content})), {}

    def check(self, settings: "DatasetSettings") -> None:
        """Raise ValueError for settings that do not go together."""
        return

    def makes_groups(self, settings: "DatasetSettings") -> bool:
        """Whether reading puts items into groups that no column names."""
        return False

    def canonical(self, content: "pd.Series", settings: "DatasetSettings") -> "pd.Series":
        """The content of each item as the corpus keeps it; equal items have equal content."""
        return content.fillna("").str.strip()

    def faults(self, content: "pd.Series", settings: "DatasetSettings") -> "dict[str, pd.Series]":
        """Which items are left out, by reason; reasons exclude one another.

        Args:
            content: the canonical content of each item.
            settings: of the data set.
        """
        length = content.str.len().astype(int)
        return {
            "empty": length == 0,
            "too short": (length > 0) & (length < settings.min_chars),
            "too long": length > (settings.max_chars or math.inf),
        }
