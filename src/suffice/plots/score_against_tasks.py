"""Does the score agree with the tasks? One panel per task, and one for the mean rank over tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from suffice.errors import DataError
from suffice.plots.labels import place_labels, settle
from suffice.plots.style import (
    ACCENT,
    MEASURES,
    MUTED,
    RULE,
    Drawn,
    Families,
    family_legend,
    grid_shape,
    panel_title,
    rank_ticks,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)
from suffice.ranking.table import interval_columns, ordering_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEAN_RANK = "mean rank"
N_COLUMNS = 3
N_NAMED = 5
CONFIDENCE = 0.95
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Evidence:
    """The results of the models on the tasks.

    Attributes:
        results: one row per model and task: model, task, metric, value, standard_error.
        mean_ranks: one row per model: model, mean_rank.
        correlation: predictor, task, statistic, value, low, high, n_models.
    """

    results: pd.DataFrame
    mean_ranks: pd.DataFrame
    correlation: pd.DataFrame


@styled
def draw_score_against_tasks(
    ranking: pd.DataFrame,
    evidence: Evidence,
    families: Families,
    predictor: str,
    figure: Figure | None = None,
) -> Drawn:
    """Score against the mean rank and against every task, one panel each.

    Each panel has the least-squares line with its 95 % interval for the mean (from three models on),
    Spearman's correlation with its interval and number of models from `evidence.correlation`, and the
    names of a few models: the best two by score, the worst, and the two furthest from the line.

    Args:
        ranking: a ranking table.
        evidence: the tasks' results and their correlation with the score.
        families: family of each model.
        predictor: the score's name in the column predictor of `evidence.correlation`.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: panel, layer ("model" or "line"), model, x, x_low, x_high, y, y_low, y_high.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    measure = ordering_column(ranking)
    require_rows(ranking, ("model", *interval_columns(measure)), "ranking")
    require_rows(evidence.results, ("model", "task", "metric", "value", "standard_error"), "tasks")
    require_rows(evidence.mean_ranks, ("model", "mean_rank"), "mean ranks")
    require_rows(
        evidence.correlation, ("predictor", "task", "statistic", "value", "low", "high"), "correlation"
    )
    panels = list(_panels(ranking, evidence))
    n_rows, n_columns = grid_shape(len(panels), N_COLUMNS)
    figure = sized(figure, 2.5 * n_columns + 0.2, 2.25 * n_rows + 0.5)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    drawn = []
    for axes, (name, unit, points) in zip(grid.flat, panels, strict=False):
        drawn.append(_draw_panel(axes, points, families, name == MEAN_RANK))
        axes.set_ylabel(unit.replace("_", " "))
        panel_title(axes, short_names([name], 30)[0], describe(evidence.correlation, predictor, name))
    for axes in grid.flat[len(panels) - n_columns : len(panels)]:
        axes.set_xlabel(MEASURES[measure])
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    family_legend(figure, families, ranking["model"])
    settle(figure)
    for axes, (_, _, points) in zip(grid.flat, panels, strict=False):
        _name_models(axes, points)
    return Drawn(figure, pd.concat(drawn, ignore_index=True))


def describe(correlation: pd.DataFrame, predictor: str, task: str) -> str:
    """One cell of the correlation table as text, such as "ρ = 0.87 [0.62, 0.95], n = 17"."""
    wanted = (correlation["predictor"] == predictor) & (correlation["task"] == task)
    rows = correlation[wanted & (correlation["statistic"] == "spearman")]
    if len(rows) != 1:
        raise DataError(
            f"the correlation table has {len(rows)} rows for spearman of {predictor!r} with {task!r}"
        )
    row = rows.iloc[0]
    n_text = f"n = {int(row['n_models'])}"
    if pd.isna(row["value"]):
        return f"ρ not defined, {n_text}"
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"ρ = {row['value']:.2f}{interval}, {n_text}".replace("-", "−")


def _panels(ranking: pd.DataFrame, evidence: Evidence) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Name, unit and model points of every panel, the mean rank first."""
    names = interval_columns(ordering_column(ranking))
    scores = ranking[["model", *names]].set_axis(["model", "x", "x_low", "x_high"], axis=1)
    ranks = evidence.mean_ranks[["model", "mean_rank"]].rename(columns={"mean_rank": "y"})
    ranks = ranks.assign(y_low=np.nan, y_high=np.nan)
    yield MEAN_RANK, "mean rank (1 is best)", _joined(scores, ranks, MEAN_RANK)
    for task, rows in evidence.results.groupby("task", sort=False):
        half = NORMAL_95 * rows["standard_error"]
        values = rows.assign(y=rows["value"], y_low=rows["value"] - half, y_high=rows["value"] + half)
        yield str(task), str(rows["metric"].iloc[0]), _joined(scores, values, str(task))


def _joined(scores: pd.DataFrame, values: pd.DataFrame, panel: str) -> pd.DataFrame:
    joined = scores.merge(values[["model", "y", "y_low", "y_high"]], on="model", validate="one_to_one")
    joined = joined.dropna(subset=["x", "y"]).reset_index(drop=True)
    return joined.assign(panel=panel, layer="model")[
        ["panel", "layer", "model", "x", "x_low", "x_high", "y", "y_low", "y_high"]
    ]


def _draw_panel(axes: Axes, points: pd.DataFrame, families: Families, is_rank: bool) -> pd.DataFrame:
    line = fitted_line(points)
    if len(line):
        axes.fill_between(line["x"], line["y_low"], line["y_high"], color=ACCENT, alpha=0.10, lw=0)
        axes.plot(line["x"], line["y"], color=ACCENT, lw=1.0, alpha=0.7)
    for row in rows_of(points):
        color = families.color(row.model)
        axes.plot([row.x_low, row.x_high], [row.y, row.y], color=color, lw=0.8, alpha=0.45)
        axes.plot([row.x, row.x], [row.y_low, row.y_high], color=color, lw=0.8, alpha=0.45)
        axes.plot(row.x, row.y, families.marker(row.model), color=color, ms=4)
    if is_rank:
        axes.set_yticks(rank_ticks(len(points)))
        axes.invert_yaxis()
    axes.grid(color=RULE, lw=0.4)
    axes.margins(x=0.08, y=0.10)
    return pd.concat([points, line.assign(panel=points["panel"].iloc[0])]) if len(line) else points


def fitted_line(points: pd.DataFrame, n_steps: int = 40) -> pd.DataFrame:
    r"""The least-squares line of y on x with the 95 % interval of the mean response.

    .. math:: \hat y(x) \pm t_{n-2} \, s \sqrt{1/n + (x - \bar x)^2 / \sum_i (x_i - \bar x)^2}

    Source: Draper and Smith, Applied Regression Analysis, 3rd ed., section 3.1.

    Returns:
        A table of `n_steps` rows with layer, x, y, y_low, y_high; empty with fewer than three points
        or when all x are equal.
    """
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    columns = ["layer", "x", "y", "y_low", "y_high"]
    if len(x) < 3 or np.ptp(x) == 0:
        return pd.DataFrame(columns=columns)
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread
    residuals = y - y.mean() - slope * (x - x.mean())
    deviation = np.sqrt((residuals**2).sum() / (len(x) - 2))
    along = np.linspace(x.min(), x.max(), n_steps)
    line = y.mean() + slope * (along - x.mean())
    half = scipy.special.stdtrit(len(x) - 2, (1 + CONFIDENCE) / 2) * deviation
    half = half * np.sqrt(1 / len(x) + (along - x.mean()) ** 2 / spread)
    return pd.DataFrame({"layer": "line", "x": along, "y": line, "y_low": line - half, "y_high": line + half})


def _name_models(axes: Axes, points: pd.DataFrame) -> None:
    """Write the names of selected models; other points and the ends of error bars stay free."""
    chosen = points.loc[_notable(points)]
    ends = [
        points[list(pair)].set_axis(["x", "y"], axis=1)
        for pair in (("x", "y"), ("x_low", "y"), ("x_high", "y"), ("x", "y_low"), ("x", "y_high"))
    ]
    obstacles = pd.concat(ends).dropna().to_numpy()
    names = short_names(list(chosen["model"]), 20)
    for label in place_labels(axes, chosen[["x", "y"]].to_numpy(), names, obstacles, size=6):
        label.set_color(MUTED)


def _notable(points: pd.DataFrame) -> list[int]:
    """Rows of the best two by score, the worst, and the two furthest from the line."""
    by_score = list(points.sort_values("x", ascending=False, kind="stable").index)
    line = fitted_line(points)
    far: list[int] = []
    if len(line):
        expected = np.interp(points["x"], line["x"].astype(float), line["y"].astype(float))
        far = list((points["y"] - expected).abs().sort_values(ascending=False, kind="stable").index[:2])
    return list(dict.fromkeys([*by_score[:2], *by_score[-1:], *far]))[:N_NAMED]
