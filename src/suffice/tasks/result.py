"""The result of a probe, with its uncertainty."""

from collections.abc import Mapping
from dataclasses import dataclass, field

TASK_COLUMNS = (
    "task",
    "kind",
    "dataset",
    "model",
    "metric",
    "value",
    "standard_error",
    "chance",
    "n_train",
    "n_test",
    "n_classes",
    "warnings",
)


@dataclass(frozen=True)
class ProbeResult:
    """The value of one task for one embedding; of every metric here, higher is better.

    Attributes:
        metric: name of the metric.
        value: the metric.
        standard_error: its standard error over items; items of one group count as one draw.
        chance: the metric of an embedding without information about the label.
        n_train: number of items the probe was fitted on; 0 for a task without fitting.
        n_test: number of items, pairs or queries that `value` averages over.
        n_classes: number of classes; None if the task has no classes.
        warnings: what you should know before you use the value.
        extra: further metrics and chosen settings, by name.
    """

    metric: str
    value: float
    standard_error: float
    chance: float
    n_train: int
    n_test: int
    n_classes: int | None = None
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, float] = field(default_factory=dict)
