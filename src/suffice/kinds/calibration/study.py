"""A calibration study: read from its folder, checked, and divided into jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from suffice.kinds.calibration.settings import CalibrationSettings, ChannelGroup, Grid
from suffice.study.estimators import EstimatorChoice, read_estimators
from suffice.study.names import check_key
from suffice.study.read import read_study_settings
from suffice.study.references import SETTINGS

Part = Literal["channels", "chains", "invariance"]
FIGURES = ("channel_curves", "estimate_against_truth", "error_by_width", "independence")
PARTS: tuple[Part, ...] = ("channels", "chains", "invariance")


@dataclass(frozen=True)
class CalibrationStudy:
    """A checked calibration study.

    Attributes:
        name: name of the folder.
        settings: the keys of study.yaml.
        estimators: by name.
    """

    name: str
    settings: CalibrationSettings
    estimators: dict[str, EstimatorChoice]

    @property
    def grid(self) -> Grid:
        """The grid to run."""
        return self.settings.chosen_grid

    def jobs(self, part: Part) -> list[tuple[str, str]]:
        """Group and estimator of each job with something to measure."""
        groups: Mapping[str, Any] = getattr(self.grid, part)
        return [
            (group, estimator)
            for group in groups
            for estimator in self.estimators
            if self.measured(part, group, estimator)
        ]

    def n_settings(self, estimator: str) -> tuple[int, int]:
        """The number of settings of channels that each estimator measures, and the total."""
        groups = self.grid.channels
        within = sum(len(self.measured("channels", group, estimator)) for group in groups)
        return within, sum(len(settings_of(group)) for group in groups.values())

    @property
    def figures(self) -> list[str]:
        """The figures that the grid has data for."""
        settings = [each for group in self.grid.channels.values() for each in settings_of(group)]
        widths: dict[tuple[str, float], set[int]] = {}
        for each in settings:
            size = each["size"]
            if size["source_dim"] == size["target_dim"] and size["nats_per_dim"] > 0:
                widths.setdefault((each["name"], size["nats_per_dim"]), set()).add(size["source_dim"])
        hidden = set() if any(len(found) > 1 for found in widths.values()) else {"error_by_width"}
        if not any(each["size"]["nats_per_dim"] == 0 and each["name"] != "clusters" for each in settings):
            hidden.add("independence")
        return [name for name in FIGURES if name not in hidden]

    def measured(self, part: Part, group: str, estimator: str) -> list[dict[str, Any]]:
        """The settings of a group that are within an estimator's limit."""
        limit = self.grid.limits.get(estimator)
        return [
            each
            for each in settings_of(getattr(self.grid, part)[group])
            if limit is None or (each["dim"] <= limit.max_dim and each["n_items"] <= limit.max_items)
        ]


def settings_of(group: Any) -> list[dict[str, Any]]:
    """Every setting of a group: `name` of channel or chain, its `size`, `draw`, and the sizes for limits."""
    if isinstance(group, ChannelGroup):
        names, sizes = group.channels, list(group.sizes())
        dims = [max(size.source_dim, size.target_dim) for size in sizes]
    else:
        names, sizes, dims = group.chains, [group.size()], [group.dim]
    return [
        {"name": name, "size": vars(size), "draw": draw, "dim": dim, "n_items": size.n_items}
        for name in names
        for size, dim in zip(sizes, dims, strict=True)
        for draw in range(group.n_draws)
    ]


def load_calibration(folder: Path, overrides: Mapping[str, Any] | None = None) -> CalibrationStudy:
    """Read and check a calibration study's folder.

    Args:
        folder: folder with study.yaml; its name is the study's name.
        overrides: values that replace keys of study.yaml, such as `grid`.

    Raises:
        StudyError: a key or value is wrong; the message names file, key, value and remedy.
    """
    folder = Path(folder).absolute()
    check_key(folder, "the folder's name", folder.name)
    path = folder / SETTINGS
    settings = read_study_settings(path, overrides or {}, CalibrationSettings)
    for name, grid in settings.grids.items():
        for part in PARTS:
            for group in getattr(grid, part):
                check_key(path, f"grids.{name}.{part}.{group}", group)
    estimators = read_estimators(path, settings.estimators, settings.seed)
    return CalibrationStudy(folder.name, settings, estimators)


def memory_mb(settings: Sequence[Mapping[str, Any]]) -> int:
    """Megabytes for the largest of some settings: eight copies of both sides, and ten square matrices."""
    largest = max(each["n_items"] * each["dim"] * 16 + each["dim"] ** 2 * 20 for each in settings)
    return 1000 + largest * 4 // 10**6
