"""What a task asks of an embedding: its kind, and the corpus columns it reads."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from suffice.data.columns import GROUP, SPLIT
from suffice.errors import StudyError
from suffice.settings import Settings

Kind = Literal["classification", "regression", "similarity", "retrieval", "clustering"]

FIELDS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classification": ("label", "min_items_per_class"),
    "regression": ("label",),
    "similarity": ("label", "pair", "side"),
    "retrieval": ("role", "relevance", "cutoff"),
    "clustering": ("label",),
}
COLUMN_FIELDS = ("label", "pair", "side", "role", "relevance")
KINDS_WITH_SPLIT = ("classification", "regression")


class TaskSettings(Settings):
    """One labelled task; a setting that its kind would not read is refused.

    Raises:
        ValueError: the label is missing, or a setting belongs to another kind of task.
    """

    kind: Kind = Field(description="What is measured: see the manual's table of kinds and metrics.")
    label: str | None = Field(
        default=None,
        min_length=1,
        description="Column with the class, the number to predict or the similarity score of a pair; "
        "items without a value take no part. Needed by every kind but retrieval.",
    )
    pair: str = Field(
        default="pair", min_length=1, description="Similarity: column that the two items of a pair share."
    )
    side: str = Field(
        default="side", min_length=1, description="Similarity: column that tells the two items apart."
    )
    role: str = Field(
        default="role",
        min_length=1,
        description='Retrieval: column that holds "query" or "document"; other items take no part.',
    )
    relevance: str = Field(
        default="group",
        min_length=1,
        description="Retrieval: column in which a query and its relevant documents have the same value.",
    )
    cutoff: int = Field(default=10, ge=1, description="Retrieval: nDCG counts this many first documents.")
    min_items_per_class: int = Field(
        default=5,
        ge=3,
        description="Classification: classes with fewer training items are left out, with a warning.",
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "TaskSettings":
        allowed = FIELDS_OF_KIND[self.kind]
        foreign = sorted(self.model_fields_set - {"kind", *allowed})
        if foreign:
            raise ValueError(
                f"a {self.kind} task does not read {', '.join(foreign)}; remove it "
                f"(it reads {', '.join(allowed)})"
            )
        if "label" in allowed and self.label is None:
            raise ValueError(f"a {self.kind} task needs 'label', the column that holds what is to be found")
        return self


class PublicScoresSettings(Settings):
    """Scores that others measured; a model's are found by the column `public_name` of models.tsv."""

    tree: str | None = Field(
        default=None,
        description="folder `results` of a local copy of MTEB's results repository: a folder a model, in it "
        "one a revision",
    )
    table: str | None = Field(
        default=None,
        description="CSV with the columns model (public name), task, value, and if you like kind and metric; "
        "asked where the tree has no score",
    )
    tasks: tuple[str, ...] = Field(
        default=(), description="names of the public tasks; by default all that the table has"
    )
    role: Literal["tasks", "baseline"] = Field(
        default="tasks",
        description="tasks: the ranking is compared with them as with the study's own; baseline: their mean "
        "is one of the ways to choose a model",
    )
    same_revision: bool = Field(
        default=False, description="take from the tree only scores of the revision that models.tsv names"
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.tree is None and self.table is None:
            raise ValueError("public_scores needs a tree, a table, or both")
        if self.table is None and not self.tasks:
            raise ValueError("public_scores with a tree alone needs tasks, the names of those to read")
        if self.same_revision and self.tree is None:
            raise ValueError("same_revision is for scores of a tree; a table names no revisions")
        return self


def columns_of_task(settings: TaskSettings) -> list[str]:
    """The corpus columns that `run_probe` reads for this task, each once."""
    named = [name for name in FIELDS_OF_KIND[settings.kind] if name in COLUMN_FIELDS]
    columns = [str(getattr(settings, name)) for name in named]
    split = [SPLIT] if settings.kind in KINDS_WITH_SPLIT else []
    return list(dict.fromkeys([*columns, *split, GROUP]))


def check_task(settings: TaskSettings, columns: Iterable[str]) -> None:
    """Check, before any work, that a corpus with these columns can carry the task.

    Raises:
        StudyError: a column that the task reads is not there.
    """
    present = list(columns)
    missing = [name for name in columns_of_task(settings) if name not in present]
    if missing:
        raise StudyError(
            f"a {settings.kind} task reads the column(s) {', '.join(map(repr, missing))}, "
            f"but the data set has only {', '.join(present)}; correct the task or add the column(s)"
        )
