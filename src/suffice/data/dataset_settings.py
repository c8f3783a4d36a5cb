"""The settings of one data set: where its items come from, and how they become a corpus."""

from typing import Literal, Self

from pydantic import Field, model_validator

from suffice.settings import Settings
from suffice.storage.fetch import check_url, is_url

NEEDS_PATH = ("file", "hub", "datasets")
ONLY_FOR_MOLECULES = ("largest_fragment", "scaffolds", "max_weight")
ONLY_FOR = {
    ("hub",): ("name", "hub_split", "revision"),
    ("file",): ("sha256", "quoting"),
    ("file", "hub"): ("content", "id", "group", "split", "first_items"),
    NEEDS_PATH: ("path", "license"),
}


class DatasetSettings(Settings):
    """Where a data set comes from, what its columns mean, and how it is cleaned and split."""

    source: Literal["file", "hub", "datasets", "api-docs"] = Field(
        description="file: a table on disk; hub: a data set of the Hugging Face hub; datasets: other data "
        "sets of the study, one after the other; api-docs: paragraphs from the documentation of six "
        "installed Python packages"
    )
    path: str | None = Field(
        None,
        description="file: .txt (one item per line), .csv, .tsv, .jsonl or .parquet, each also .gz, or a "
        "folder of texts (one item per file), of parts of one table, or written by `save_to_disk`; for "
        "molecules also .smi and .sdf, and several files separated by commas; `package:NAME/file` is a file "
        "inside an installed Python package, and an https URL with `sha256` is downloaded once; hub: "
        "owner/name; datasets: their names, separated by commas",
    )
    quoting: Literal["auto", "quotes", "none"] = Field(
        "auto",
        description="file only: whether quotation marks around a cell of a .csv or .tsv are quotes or text; "
        "auto decides this from the file and reports it",
    )
    content_type: Literal["text", "smiles"] = Field(
        "text",
        description="smiles: items are molecules; their content becomes the canonical SMILES, items that are "
        "not molecules are dropped, and the column content is `smiles` by default",
    )
    largest_fragment: bool = Field(
        True, description="smiles only: keep the largest fragment, without salts and solvents"
    )
    scaffolds: bool = Field(
        False,
        description="smiles only: molecules of one Bemis-Murcko scaffold are a group, so splits are by "
        "scaffold",
    )
    max_weight: float | None = Field(
        None, gt=0, description="smiles only: heaviest molecule kept, in daltons"
    )
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
            raise ValueError("sha256 belongs to one file, but path names several; leave one of the two out")
        for allowed, names in ONLY_FOR.items():
            given = [name for name in names if getattr(self, name) not in (None, "auto")]
            if given and self.source not in allowed:
                raise ValueError(
                    f"{', '.join(given)}: only for source {' or '.join(allowed)}, not for {self.source!r}; "
                    "leave empty"
                )
        return self

    @model_validator(mode="after")
    def _settings_belong_to_molecules(self) -> Self:
        given = [name for name in ONLY_FOR_MOLECULES if name in self.model_fields_set]
        if self.content_type == "smiles" and self.source != "file":
            raise ValueError("content_type smiles works only with files; save the data set as a file")
        if given and self.content_type != "smiles":
            raise ValueError(f"{', '.join(given)}: only with content_type smiles; leave empty")
        if self.scaffolds and self.group:
            raise ValueError("scaffolds already defines the groups; leave group empty")
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
    def has_molecules(self) -> bool:
        """Whether items are molecules."""
        return self.content_type == "smiles"

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
