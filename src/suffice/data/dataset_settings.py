"""The settings of one data set: where its items come from, and how they become a corpus."""

from collections.abc import Collection
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic.json_schema import SkipJsonSchema

from suffice.data.made.registry import MAKERS
from suffice.data.modalities.base import Modality
from suffice.data.modalities.registry import MODALITIES, get_modality
from suffice.data.modalities.text import TEXT
from suffice.errors import DataError
from suffice.settings import Settings, describe_validation_error
from suffice.storage.fetch import check_url, is_url

NEEDS_PATH = ("file", "hub", "datasets")
MADE = "; ".join(f"{name}, {maker.summary}" for name, maker in MAKERS.items())
ONLY_FOR = {
    ("hub",): ("name", "hub_split", "revision"),
    ("file",): ("sha256", "quoting"),
    ("file", "hub"): ("content", "id", "group", "split", "first_items"),
    NEEDS_PATH: ("path", "license"),
}


def refuse_columns_of_others(names: Collection[str]) -> None:
    """Raise ValueError for columns that only another content type has."""
    for modality in MODALITIES.values():
        misplaced = [name for name in modality.Settings.model_fields if name in names]
        if misplaced:
            raise ValueError(f"{', '.join(misplaced)}: only with content_type {modality.name}; leave empty")


class DatasetSettings(Settings):
    """The source of a data set, the meaning of its columns, and how it is cleaned and split."""

    source: Literal["file", "hub", "datasets", "api-docs"] = Field(
        description="file: a table on disk; hub: a data set of the Hugging Face hub; datasets: other data "
        "sets of the study, one after the other; api-docs: paragraphs from the documentation of six "
        "installed Python packages"
    )
    path: str | None = Field(
        None,
        description="file: .txt (one item per line), .csv, .tsv, .jsonl or .parquet, each also .gz; or a "
        "folder of texts (one item per file), of parts of one table, or written by `save_to_disk`. For "
        "molecules also .smi and .sdf, and several files separated by commas. For images and sounds a "
        "folder of them, a table with their paths, .parquet or .npz. `package:NAME/file` is a file inside an "
        "installed Python package, and an https URL with `sha256` is downloaded once. `made:NAME` is made by "
        f"the workflow: {MADE}. hub: owner/name. "
        "datasets: their names, separated by commas",
    )
    quoting: Literal["auto", "quotes", "none"] = Field(
        "auto",
        description="file only: whether quotation marks around a cell of a .csv or .tsv are quotes or text; "
        "auto decides this from the file and reports it",
    )
    content_type: str = Field(
        TEXT.name,
        description="; ".join(f"{name}: {modality.summary}" for name, modality in MODALITIES.items()),
    )
    modality_settings: SkipJsonSchema[dict[str, Any]] = Field({})  # columns that only its content type has
    sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="file only: SHA-256 that the one file must have; needed for a URL",
    )
    name: str | None = Field(None, description="hub only: name of the configuration of the data set")
    hub_split: str | None = Field(
        None,
        description="hub only: which split to load, such as train; default train. Several splits separated "
        "by commas, such as train,test, become the split of the items",
    )
    revision: str | None = Field(
        None, description="hub only: commit hash or tag; set it to make results reproducible"
    )
    content: str | None = Field(
        None,
        description="column with the items, default content; several separated by commas are paired texts, "
        "stacked as items with the columns pair and side; `a+b` joins two columns to one text",
    )
    id: str | None = Field(None, description="column with unique ids; by default the row number")
    group: str | None = Field(
        None,
        description="column whose equal values keep items on one side of a split; by default each item is "
        "its own group (pairs: the two texts together)",
    )
    split: str | None = Field(
        None,
        description="column with train or test; validation, valid, val and dev count as train; by default a "
        "seeded split by group is made",
    )
    first_items: int | None = Field(
        None, ge=2, description="keep only this many first items after cleaning, in the order of the source"
    )
    max_items: int | None = Field(
        None, ge=2, description="keep at most this many items, as whole groups at random"
    )
    min_chars: int = Field(1, ge=1, description="shortest item kept, in characters after stripping")
    max_chars: int | None = Field(
        None, ge=1, description="longest item kept, in characters; by default no limit"
    )
    deduplicate: bool = Field(
        True,
        description="drop items with the same text as an earlier one, in datasets of the same one; never for "
        "pairs",
    )
    min_items: int = Field(200, ge=2, description="fewer items than this after cleaning is an error")
    test_share: float = Field(0.4, gt=0, lt=1, description="share of the items in the test split made here")
    license: str | None = Field(None, description="licence of the data, kept in the manifest")

    @model_validator(mode="after")
    def _settings_belong_to_the_source(self) -> Self:
        if self.source in NEEDS_PATH and not self.path:
            raise ValueError(f"source {self.source!r} needs a path")
        if self.is_remote:
            check_url(str(self.path), self.sha256)
        elif self.sha256 is not None and "," in str(self.path):
            raise ValueError("sha256 belongs to one file, but path names several; leave one of them out")
        for allowed, names in ONLY_FOR.items():
            given = [name for name in names if getattr(self, name) not in (None, "auto")]
            if given and self.source not in allowed:
                raise ValueError(
                    f"{', '.join(given)}: only for source {' or '.join(allowed)}, not for {self.source!r}; "
                    "leave empty"
                )
        return self

    @model_validator(mode="before")
    @classmethod
    def _columns_of_the_modality(cls, given: Any) -> Any:
        """Check the columns that only the content type has, and put them into `modality_settings`."""
        if not isinstance(given, dict):
            return given
        kept = given.get("modality_settings", {})
        content_type = given.get("content_type", TEXT.name)
        if not isinstance(content_type, str) or not isinstance(kept, dict):
            return given  # the errors of the fields name the problem
        try:
            modality = get_modality(content_type)
        except DataError as error:
            raise ValueError(str(error)) from None
        names = modality.Settings.model_fields
        refuse_columns_of_others({name for name in given if name not in names})
        own = {name: value for name, value in given.items() if name in names} | kept
        try:
            checked = modality.Settings(**own).model_dump(exclude_unset=True)
        except ValidationError as error:
            raise ValueError(describe_validation_error(error, modality.Settings)) from None
        common = {name: value for name, value in given.items() if name not in names}
        return common | ({"modality_settings": checked} if checked else {})

    @model_validator(mode="after")
    def _settings_belong_to_the_modality(self) -> Self:
        modality = self.modality
        if self.source not in modality.sources:
            raise ValueError(
                f"content_type {modality.name} is for source {' or '.join(modality.sources)}, not for "
                f"{self.source!r}; save the data set as a file"
            )
        modality.check(self)
        return self

    @model_validator(mode="after")
    def _texts_of_a_pair_differ(self) -> Self:
        names = [name.strip() for name in (self.content or "").split(",")]
        repeated = [name for name in names if names.count(name) > 1]
        if repeated:
            raise ValueError(f"content names the column {repeated[0]!r} twice; name each once")
        return self

    @property
    def is_remote(self) -> bool:
        """Whether it is a file from a URL."""
        return self.source == "file" and is_url(str(self.path))

    @property
    def hub_splits(self) -> list[str]:
        """The splits to load of a hub data set."""
        return [name.strip() for name in (self.hub_split or "train").split(",")]

    @property
    def parts(self) -> list[str]:
        """Names of the data sets that this one combines; empty for any other source."""
        return [name.strip() for name in str(self.path).split(",")] if self.source == "datasets" else []

    @property
    def modality(self) -> Modality:
        """The modality of the items."""
        return get_modality(self.content_type)

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> Self:
        if self.first_items is not None and self.max_items is not None:
            raise ValueError("first_items keeps the first items and max_items random ones; leave one out")
        limits = (("min_chars", "max_chars"), ("min_items", "max_items"), ("min_items", "first_items"))
        for low, high in limits:
            limit = getattr(self, high)
            if limit is not None and limit < getattr(self, low):
                raise ValueError(f"{high} ({limit}) is smaller than {low} ({getattr(self, low)})")
        if self.split is not None and len(self.hub_splits) > 1:
            raise ValueError("several hub splits already define the split; leave the column split out")
        if self.split is not None and "test_share" in self.model_fields_set:
            raise ValueError("test_share has no effect if the column split is given; leave one of them out")
        return self
