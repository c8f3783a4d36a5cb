"""A modality: everything that depends on whether items are texts, molecules or something else."""

import math
from abc import ABC
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from suffice.data.columns import CONTENT
from suffice.settings import Settings as NoSettings

if TYPE_CHECKING:
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings


class Modality(ABC):
    """The kind of items. In a corpus, the content of an item is a text: itself, a SMILES, or a file path.

    The registry imports every modality, so methods import heavy packages themselves.

    Attributes:
        name: value of `content_type` in datasets.tsv.
        items: name for several items in messages.
        summary: one line for the manual on how the content is processed.
        content: default column of the content.
        Settings: columns of datasets.tsv for this modality only.
        sources: the sources that it can be read from.
        several_files: whether a path may name several files, separated by commas.
        packages: distributions that its content depends on; a corpus records their versions.
        read_as: how loaders may interpret its content; see `reads` of `suffice.embed.base.Loader`.
        views: the kinds of looks at an item that it supports.
        auto_views: kinds that `views auto` tries, in this order, before it uses one look.
        why_no_parts: why halves and words of a content are not looks; empty if they are.
        one_look_note: a note on a ranking with one look; empty if there is nothing to say.
        estimators: default estimators if source and target see the same.
        estimators_of_looks: default estimators with two looks and an order by ranks.
        record: how well rankings of such items agreed with labelled tasks in the arena, in a sentence; empty
            if that was not measured.
        can_settle: whether choices that all evidence supports were mostly right on labelled tasks there.
        models: rows of models.tsv that a new study may name.
        control: name and row of the untrained model of a new study.
        checkpoint_loader: loader of a hub name, or of a folder of a model, in a new study.
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
    record: ClassVar[str] = ""
    can_settle: ClassVar[bool] = True
    models: ClassVar[Mapping[str, Mapping[str, str]]]
    control: ClassVar[tuple[str, Mapping[str, str]]]
    checkpoint_loader: ClassVar[str] = "sentence_transformer"

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

    def check_reader(self) -> None:
        """Raise DataError if a package that reads the items is missing."""
        return

    def makes_groups(self, settings: "DatasetSettings") -> bool:
        """Whether reading puts items into groups that no column names."""
        return False

    def place(self, settings: "DatasetSettings", folder: Path) -> dict[str, Any]:
        """The manifest's entries on the location of the items, if they are not in the corpus in `folder`."""
        return {}

    def state(self, settings: "DatasetSettings") -> dict[str, str]:
        """A value that changes with items that the data set's files only name; empty if there are none."""
        return {}

    def canonical(self, content: "pd.Series", settings: "DatasetSettings") -> "pd.Series":
        """The content of each item as the corpus keeps it; equal items have equal content."""
        return content.fillna("").str.strip()

    def shown(self, content: str) -> str:
        """The content of an item as a page shows it."""
        return content

    def faults(self, content: "pd.Series", settings: "DatasetSettings") -> "dict[str, pd.Series]":
        """The items that are left out, by reason; an item has at most one reason.

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
