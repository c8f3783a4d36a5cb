"""The settings of a task: its kind, and the corpus columns that it reads."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from suffice.data.columns import GROUP, SPLIT
from suffice.errors import StudyError
from suffice.settings import Settings

Kind = Literal[
    "classification", "regression", "similarity", "retrieval", "clustering", "representational_similarity"
]

FIELDS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classification": ("label", "min_items_per_class"),
    "regression": ("label",),
    "similarity": ("label", "pair", "side"),
    "retrieval": ("role", "relevance", "cutoff"),
    "clustering": ("label",),
    "representational_similarity": ("label",),
}
COLUMN_FIELDS = ("label", "pair", "side", "role", "relevance")
KINDS_WITH_SPLIT = ("classification", "regression")


class TaskSettings(Settings):
    """One labelled task. A setting that its kind does not use is refused.

    Raises:
        ValueError: the label is missing, or a setting belongs to another kind of task.
    """

    kind: Kind = Field(description="The kind of task: see the manual's table of kinds and metrics.")
    label: str | None = Field(
        default=None,
        min_length=1,
        description="Column with the class, the number to predict, the similarity score of a pair, or a "
        "measure of the item (a number, or a vector written as text); items without a value take no part. "
        "Needed by every kind but retrieval.",
    )
    pair: str = Field(
        default="pair", min_length=1, description="Similarity: column that the two items of a pair share."
    )
    side: str = Field(
        default="side", min_length=1, description="Similarity: column that distinguishes the two items."
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
    cutoff: int = Field(default=10, ge=1, description="Retrieval: number of top documents in nDCG.")
    min_items_per_class: int = Field(
        default=5,
        ge=3,
        description="Classification: classes with fewer training items are left out, with a warning.",
    )

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "TaskSettings":
        allowed = FIELDS_OF_KIND[self.kind]
        unused = sorted(self.model_fields_set - {"kind", *allowed})
        if unused:
            raise ValueError(
                f"a {self.kind} task does not read {', '.join(unused)}; remove it "
                f"(it reads {', '.join(allowed)})"
            )
        if "label" in allowed and self.label is None:
            raise ValueError(f"a {self.kind} task needs 'label', the column with the values to predict")
        return self


class PublicScoresSettings(Settings):
    """Scores that others measured. The column `public_name` of models.tsv identifies each model."""

    tree: str | None = Field(
        default=None,
        description="folder `results` of a local copy of MTEB's results repository, with one folder per "
        "model and in it one folder per revision",
    )
    table: str | None = Field(
        default=None,
        description="CSV with the columns model (public name), task, value, and optionally kind and metric; "
        "used when the tree has no score; `made:FOLDER/FILE` is made by the workflow",
    )
    tasks: tuple[str, ...] = Field(
        default=(), description="names of the public tasks; by default all tasks in the table"
    )
    role: Literal["tasks", "baseline"] = Field(
        default="tasks",
        description="tasks: the ranking is compared with them like with the study's own tasks; baseline: "
        "their mean is one of the ways to choose a model",
    )
    same_revision: bool = Field(
        default=False, description="use from the tree only scores of the revision in models.tsv"
    )

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.tree is None and self.table is None:
            raise ValueError("public_scores needs a tree or a table; give at least one of the two")
        if self.table is None and not self.tasks:
            raise ValueError("public_scores with only a tree needs 'tasks', the names of the tasks to read")
        if self.same_revision and self.tree is None:
            raise ValueError("same_revision needs a tree, because a table has no revisions; remove it")
        return self


def columns_of_task(settings: TaskSettings) -> list[str]:
    """The corpus columns that `run_probe` reads for this task, each once."""
    named = [name for name in FIELDS_OF_KIND[settings.kind] if name in COLUMN_FIELDS]
    columns = [str(getattr(settings, name)) for name in named]
    split = [SPLIT] if settings.kind in KINDS_WITH_SPLIT else []
    return list(dict.fromkeys([*columns, *split, GROUP]))


def check_task(settings: TaskSettings, columns: Iterable[str]) -> None:
    """Check, before any work, that a corpus has the columns for the task.

    Raises:
        StudyError: a column that the task reads is missing.
    """
    present = list(columns)
    missing = [name for name in columns_of_task(settings) if name not in present]
    if missing:
        raise StudyError(
            f"a {settings.kind} task reads the column(s) {', '.join(map(repr, missing))}, "
            f"but the data set has only {', '.join(present)}; correct the task or add the column(s)"
        )
