"""What do a few labels add? Agreement with all labels of the score alone, of labels alone, and of both."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from suffice.analyses.label_trials import MEAN, SCORE, mean_of_tasks
from suffice.plots.style import (
    ACCENT,
    BAND,
    COLORS,
    MUTED,
    RULE,
    Drawn,
    grid_shape,
    panel_title,
    require_rows,
    short_names,
    sized,
    styled,
)

COLUMNS = ("dataset", "task", "n_labels", "way", "spearman", "spearman_low", "spearman_high", "regret_at_1")
DRAWN = ("panel", "n_labels", "way", "y", "y_low", "y_high")
LOOKS = {
    SCORE: ("score alone", MUTED, "--", ""),
    "logme": ("LogME alone", COLORS[1], "-", "s"),
    "probe": ("probe alone", COLORS[1], ":", "s"),
    "score+logme": ("score and LogME", ACCENT, "-", "o"),
    "score+probe": ("score and probe", ACCENT, ":", "o"),
}
N_COLUMNS = 3
LOSS = "mean loss of the pick"


@styled
def draw_few_labels(trials: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Spearman's correlation with the results of all labels against the number of labels.

    The first panel is the mean over tasks, the second the mean loss of taking the best model, then a panel a
    task with a band that holds 95 % of the draws.

    Args:
        trials: dataset, task, n_labels, way, spearman, spearman_low, spearman_high, regret_at_1; what could
            not be tried has no values and is not drawn.
        figure: where to draw; by default a new one of fitting size.

    Returns:
        The figure; points: panel, n_labels, way, y, and the band y_low, y_high where there is one.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(trials, COLUMNS, "few labels")
    points = _points(trials)
    panels = list(dict.fromkeys(points["panel"]))
    n_rows, n_columns = grid_shape(max(1, len(panels)), N_COLUMNS)
    figure = sized(figure, 2.4 * n_columns + 0.3, 2.1 * n_rows + 0.45)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.axis("off")
    low = np.nanmin([0.0, *points.loc[points["panel"] != LOSS, ["y", "y_low"]].min()])
    high = np.nanmax([1e-3, *points.loc[points["panel"] == LOSS, "y"]])
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, points[points["panel"] == panel])
        panel_title(axes, short_names([panel], 30)[0], bold=panel == MEAN)
        axes.set_facecolor(BAND if panel in (MEAN, LOSS) else "white")
        axes.set_ylim(*((low - 0.05, 1.03) if panel != LOSS else (-0.04 * high, 1.05 * high)))
        axes.set_ylabel("loss, in units of the results" if panel == LOSS else "Spearman's ρ with all labels")
        axes.set_xlabel("labels")
    _legend(figure, list(dict.fromkeys(points["way"])))
    return Drawn(figure, points)


def _points(trials: pd.DataFrame) -> pd.DataFrame:
    """What is drawn, panel after panel."""
    means = mean_of_tasks(trials)
    names = {"spearman": "y", "spearman_low": "y_low", "spearman_high": "y_high"}
    several = trials["dataset"].nunique() > 1
    tasks = trials["task"] + (", " + trials["dataset"] if several else "")
    parts = [
        means.rename(columns={"spearman": "y"}).assign(panel=MEAN),
        means.rename(columns={"regret_at_1": "y"}).assign(panel=LOSS),
        trials.rename(columns=names).assign(panel=tasks),
    ]
    points = pd.concat([part.reindex(columns=list(DRAWN)) for part in parts if len(part)], ignore_index=True)
    return points.dropna(subset=["y"]).reset_index(drop=True)


def _draw_panel(axes: Axes, points: pd.DataFrame) -> None:
    for way, (_, color, style, marker) in LOOKS.items():
        line = points[points["way"] == way].sort_values("n_labels")
        if line.empty:
            continue
        if way != SCORE and line["y_low"].notna().all():
            axes.fill_between(line["n_labels"], line["y_low"], line["y_high"], color=color, alpha=0.12, lw=0)
        axes.plot(line["n_labels"], line["y"], style, color=color, marker=marker, ms=3.5, lw=1.3)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(points["n_labels"]))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="y", color=RULE)


def _legend(figure: Figure, ways: list[str]) -> None:
    handles = [
        Line2D([], [], color=color, ls=style, marker=marker, ms=3.5, label=name)
        for way, (name, color, style, marker) in LOOKS.items()
        if way in ways
    ]
    if handles:
        columns = min(len(handles), int(figure.get_figwidth() / 1.4))
        figure.legend(handles=handles, loc="outside lower center", ncols=max(1, columns))
