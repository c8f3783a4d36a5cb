"""Settings of what a study can have beside its ranking: few labels and explanations."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from suffice.analyses.few_labels import MIN_LABELS
from suffice.settings import Settings

Budget = Annotated[int, Field(ge=MIN_LABELS)]


class FewLabelsSettings(Settings):
    """How a few labels update the ranking, tried on tasks whose results with all labels are known."""

    n_labels: tuple[Budget, ...] = Field(
        default=(50, 100, 200, 500), min_length=1, description="numbers of labels to try, each at least 20"
    )
    n_draws: int = Field(
        default=5,
        ge=1,
        description="how often labels are drawn; the time grows with it, and the error of the mean "
        "falls with its root",
    )
    ways: tuple[Literal["logme", "probe"], ...] = Field(
        default=("logme", "probe"),
        min_length=1,
        description="what is made of the labels: `logme`, the evidence of a linear model, and `probe`, its "
        "result when each item is left out, which is dearer and mostly the better guide",
    )
    tasks: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="which tasks of the kinds classification and regression: `all`, or a list of names",
    )

    @field_validator("tasks", mode="before")
    @classmethod
    def _all_or_names(cls, value: Any) -> Any:
        if value == "all" or (isinstance(value, (list, tuple)) and len(value) > 0):
            return value
        raise ValueError("write all, or a list of names of tasks")

    @field_validator("n_labels", "ways")
    @classmethod
    def _each_once(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(value)) < len(value):
            raise ValueError("an entry stands twice; keep one of the two")
        return value


class ExplainSettings(Settings):
    """Of which pairs it is said what the source does not give of the target."""

    pairs: Literal["auto"] | tuple[tuple[str, str], ...] = Field(
        default="auto",
        description="`auto`: the model that is ranked first, as source of the target of which it tells "
        "least, or a list of pairs, each `[source, target]`; `[]` for none",
    )
    n_directions: int = Field(default=6, ge=1, description="how many directions of a target are listed")
    n_items: int = Field(default=6, ge=1, description="how many lost and how many gained items are listed")

    @field_validator("pairs", mode="before")
    @classmethod
    def _auto_or_pairs(cls, value: Any) -> Any:
        if value == "auto" or (isinstance(value, (list, tuple)) and all(map(_is_pair, value))):
            return value
        raise ValueError("write auto, or a list of pairs such as [[small-model, large-model]]")


def _is_pair(value: Any) -> bool:
    is_two = isinstance(value, (list, tuple)) and len(value) == 2
    return is_two and all(isinstance(name, str) for name in value) and value[0] != value[1]
