"""What would a few labels add to the ranking?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from suffice.analyses import label_trials
from suffice.analyses.base import Analysis, Figure, Finding, Key, Made, Place, Ranked, ShownTable
from suffice.analyses.label_trials import MEAN, SCORE, mean_of_tasks
from suffice.analyses.label_update import LABEL_WAYS, MIN_LABELS
from suffice.errors import StudyError
from suffice.numbers import Column, correlation, correlation_interval, integer, number
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
from suffice.settings import Settings, must_exist
from suffice.tasks.settings import KINDS_WITH_SPLIT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from suffice.study.model import Study, TaskRow

Budget = Annotated[int, Field(ge=MIN_LABELS)]
NAMES = {"logme": "LogME", "probe": "a probe"}


class FewLabelsSettings(Settings):
    """How a few labels update the ranking, tried on tasks whose results with all labels are known."""

    n_labels: tuple[Budget, ...] = Field(
        default=(50, 100, 200, 500), min_length=1, description="numbers of labels to try, each at least 20"
    )
    n_draws: int = Field(
        default=5,
        ge=1,
        description="number of random draws of labels; the time is proportional to it, and the error of the "
        "mean falls with its square root",
    )
    ways: tuple[Literal["logme", "probe"], ...] = Field(
        default=("logme", "probe"),
        min_length=1,
        description="how the labels are used: `logme`, the evidence of a linear model, and `probe`, its "
        "leave-one-out result, which takes longer and is usually the better guide",
    )
    tasks: Literal["all"] | tuple[str, ...] = Field(
        default="all",
        description="classification and regression tasks to use: `all`, or a list of names",
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
            raise ValueError("an entry occurs twice; keep one of them")
        return value


KEY = Key(
    name="few_labels",
    model=FewLabelsSettings,
    kind=FewLabelsSettings | None,
    default=None,
    description="how a few labels update the ranking, tried on the study's tasks; `{}` uses the defaults; "
    "without this key nothing is tried",
)


def settings_in(study: Study) -> FewLabelsSettings | None:
    """The settings in the study; None if the study does not ask for this."""
    found: FewLabelsSettings | None = getattr(study.settings, KEY.name)
    return found


def tasks_to_try(study: Study) -> dict[str, TaskRow]:
    """The tasks on which few labels are tried; empty if the study does not ask for this."""
    wanted = settings_in(study)
    if wanted is None:
        return {}
    fitting = {name: task for name, task in study.tasks.items() if task.settings.kind in KINDS_WITH_SPLIT}
    return fitting if wanted.tasks == "all" else {name: study.tasks[name] for name in wanted.tasks}


def _check(study: Study, path: Path) -> None:
    """The tasks that study.yaml names; at least one is required."""
    wanted, kinds = settings_in(study), " or ".join(KINDS_WITH_SPLIT)
    for name in wanted.tasks if wanted and wanted.tasks != "all" else ():
        must_exist(path, f"{KEY.name}.tasks", "task", name, study.tasks)
        kind = study.tasks[name].settings.kind
        if kind not in KINDS_WITH_SPLIT:
            raise StudyError(
                f"{path}: {KEY.name}.tasks: {name!r} is of the kind {kind}; name tasks of the kinds {kinds}"
            )
    if wanted and not tasks_to_try(study):
        raise StudyError(
            f"{path}: {KEY.name} needs a task of the kind {kinds}, and the study has none; add one to "
            "tasks.tsv, or remove the key"
        )


def _parameters(study: Study) -> dict[str, Any]:
    wanted, tasks = settings_in(study), tasks_to_try(study)
    effort = wanted.model_dump(exclude={"tasks"}, mode="json") if wanted else {}
    return {
        "tasks": {
            name: [task.dataset, task.settings.model_dump(exclude_unset=True)] for name, task in tasks.items()
        },
        "datasets": study.task_datasets,
        "models": list(study.models),
        "effort": {**effort, "seed": study.settings.seed},
    }


TRIED = (
    Column("task", "Task"),
    Column("n_labels", "Labels", integer),
    Column("way", "Way to choose"),
    Column("spearman", "Spearman with all labels", correlation),
    Column("spearman_low", "95 % of draws", correlation_interval, "spearman_low", "spearman_high"),
    Column("regret_at_1", "Loss of the pick", number),
    Column("n_draws", "Draws", integer),
)
ABOUT = (
    "Labels are drawn from the training items of each task. The result of each model on them is combined "
    "with its score, weighted by the reliability of the labels. Reliability is measured on halves of the "
    "same labels, so no other label is used. Labels are reliable if both halves rank the models the same "
    "way, which does not mean that the ranking is right."
)


def _findings(ranked: Ranked) -> list[Finding]:
    if KEY.name not in ranked:
        return []
    trials = ranked[KEY.name]
    tried, notes = trials[trials["n_draws"] > 0], notes_of(trials)
    shown = ShownTable(
        tried.assign(way=[LINES[way][0] for way in tried["way"]]),
        TRIED,
        "The score, a few labels, and both, against the results of all labels",
        "Few labels in numbers",
    )
    return [
        Finding(
            place=Place.LABELS,
            title="What would a few labels add?",
            sentence=describe_few_labels(trials),
            about=ABOUT,
            cautions=(("Not tried", f"{'; '.join(notes)}."),) if notes else (),
            figures=(FIGURE,),
            tables=(shown,),
        )
    ]


def describe_few_labels(trials: pd.DataFrame) -> str:
    """Sentences on the results with the fewest and the most labels; empty if nothing could be tried.

    Args:
        trials: as `try_tasks` gives it.
    """
    means = mean_of_tasks(trials)
    if means.empty:
        return ""
    rho = means.pivot(index="n_labels", columns="way", values="spearman")
    parts = []
    for way in (way for way in LABEL_WAYS if way in rho):
        ends = [
            f"{rho.loc[n, f'{SCORE}+{way}']:.2f} ({n} labels; {rho.loc[n, way]:.2f} without the score)"
            for n in dict.fromkeys([rho.index.min(), rho.index.max()])
        ]
        parts.append(f"updated by {NAMES[way]}, {' and '.join(ends)}")
    n_tasks = int(means["n_tasks"].iloc[0])
    over = f"{n_tasks} task{'s' if n_tasks != 1 else ''}"
    alone = f"{rho[SCORE].iloc[0]:.2f}"
    return (
        f"Spearman's correlation with the results of all labels, mean over {over}: the score alone {alone}; "
        f"{'; '.join(parts)}."
    )


def notes_of(trials: pd.DataFrame) -> list[str]:
    """The numbers of labels that could not be tried, with the reason."""
    noted = trials[trials["note"].fillna("") != ""]
    pairs = zip(noted["task"], noted["n_labels"], noted["note"], strict=True)
    return [f"{task}, {n_labels} labels: {note}" for task, n_labels, note in pairs]


TRIALS = ("dataset", "task", "n_labels", "way", "spearman", "spearman_low", "spearman_high", "regret_at_1")
DRAWN = ("panel", "n_labels", "way", "y", "y_low", "y_high")
LINES = {
    SCORE: ("score alone", MUTED, "--", ""),
    "logme": ("LogME alone", COLORS[1], "-", "s"),
    "probe": ("probe alone", COLORS[1], ":", "s"),
    "score+logme": ("score and LogME", ACCENT, "-", "o"),
    "score+probe": ("score and probe", ACCENT, ":", "o"),
}
N_COLUMNS = 3
LOSS = "mean loss of the pick"


@styled
def draw_few_labels(trials: pd.DataFrame, figure: Canvas | None = None) -> Drawn:
    """Spearman's correlation with the results of all labels against the number of labels.

    The first panel shows the mean over tasks, the second the mean loss of taking the best model. One panel
    per task follows, with a band that holds 95 % of the draws.

    Args:
        trials: dataset, task, n_labels, way, spearman, spearman_low, spearman_high, regret_at_1; numbers of
            labels that could not be tried have no values and are not drawn.
        figure: where to draw; by default a new one of fitting size.

    Returns:
        The figure; points: panel, n_labels, way, y, and the ends of the band, y_low and y_high, if there is a
        band.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(trials, TRIALS, "few labels")
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
    """The points of each panel in turn."""
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
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    for way, (_, color, style, marker) in LINES.items():
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


def _legend(figure: Canvas, ways: list[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=color, ls=style, marker=marker, ms=3.5, label=name)
        for way, (name, color, style, marker) in LINES.items()
        if way in ways
    ]
    if handles:
        columns = min(len(handles), int(figure.get_figwidth() / 1.4))
        figure.legend(handles=handles, loc="outside lower center", ncols=max(1, columns))


FIGURE = Figure(
    name=KEY.name,
    title="The score, a few labels, and both",
    caption="Spearman's correlation over models with the results of all labels, and the mean loss of taking "
    "the best model, in units of the results. Bands hold 95 % of the draws of labels.",
    draw=lambda ranked: draw_few_labels(ranked[KEY.name]),
    reads=(KEY.name,),
)
FEW_LABELS = Analysis(
    name=KEY.name,
    needs=("ranking", "tasks", "task_corpora", "task_vectors"),
    makes={KEY.name: Made("few_labels/{dataset}/{estimator}.csv", "few labels")},
    tables=label_trials.tables,
    parameters=_parameters,
    key=KEY,
    check=_check,
    is_asked=lambda study: bool(tasks_to_try(study)),
    memory_mb=4000,
    minutes=120,
    figures=(FIGURE,),
    findings=_findings,
)
