"""How two language models of equal loss differ in what they answer, and what ensembles change."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.kinds.saturation.practice_tables import (
    ALL,
    CHOICE,
    CONTINUATION,
    LOSS,
    NEIGHBOURS,
    TOKEN,
)
from suffice.kinds.saturation.real_texts import TEST
from suffice.plots.lines import Styles, styles_of
from suffice.plots.style import (
    INK,
    MISSING_COLOR,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    sized,
    styled,
)

COLUMNS = ("domain", "question", "differing", "mean", "low", "high")
ENSEMBLE_COLUMNS = ("domain", "question", "n_members", "mean", "low", "high")
LABELS = {
    LOSS: "test loss",
    CHOICE: "choose another continuation\nas the most likely",
    TOKEN: "write another next token",
    NEIGHBOURS: "find other nearest texts\nby hidden states",
    CONTINUATION: "write another continuation",
}
ENSEMBLE_LABELS = {TOKEN: "next token", CHOICE: "first choice"}


@styled
def draw_practice(differences: pd.DataFrame, ensembles: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Shares of held-out items on which two models differ, and the same of ensembles.

    Args:
        differences: rows of `difference_table`.
        ensembles: rows of `ensemble_table`.
        figure: figure to draw in; by default a new figure.

    Returns:
        The figure; points: question, differing or n_members, mean, low, high.

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(differences, COLUMNS, "practice_differences")
    require_rows(ensembles, ENSEMBLE_COLUMNS, "practice_ensembles")
    pairs = differences[(differences["domain"] == TEST) & differences["question"].isin(list(LABELS))]
    joined = ensembles[ensembles["domain"] == TEST]
    figure = sized(figure, WIDTH_INCHES, 3.1)
    left, right = figure.subplots(1, 2, width_ratios=[2.4, 1])
    styles = styles_of(name for name in pairs["differing"] if name != ALL)
    _draw_pairs(left, pairs, styles)
    _draw_ensembles(right, joined)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=5, title="two models that differ only in")
    columns = ["question", "differing", "n_members", "mean", "low", "high"]
    return Drawn(figure, pd.concat([pairs, joined], ignore_index=True)[columns])


def _draw_pairs(axes: Axes, pairs: pd.DataFrame, styles: Styles) -> None:
    places = {name: place for place, name in enumerate(LABELS)}
    for row in rows_of(pairs[pairs["differing"] == ALL]):
        axes.barh(places[row.question], row.mean, 0.62, color=MISSING_COLOR)
        axes.text(1.06, places[row.question], _percent(row.mean), va="center", color=INK)
    for step, (name, style) in enumerate(styles.items()):
        rows = pairs[pairs["differing"] == name]
        heights = rows["question"].map(places) + 0.18 * (step - (len(styles) - 1) / 2)
        axes.hlines(heights, rows["low"], rows["high"], color=style.color, lw=1.2)
        axes.plot(rows["mean"], heights, ls="", marker=style.marker, ms=3.6, color=style.color, label=name)
    axes.set_yticks(range(len(places)), list(LABELS.values()))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="x")
    panel_title(
        axes, "Two models of equal test loss …", "share of held-out texts on which they differ; bar: any two"
    )


def _draw_ensembles(axes: Axes, rows: pd.DataFrame) -> None:
    for name, style in styles_of(rows["question"]).items():
        own = rows[rows["question"] == name]
        axes.vlines(own["n_members"], own["low"], own["high"], color=style.color, lw=1.2, alpha=0.6)
        style.plot(axes, own, "n_members", "mean", label=ENSEMBLE_LABELS[name])
    members = sorted(rows["n_members"].unique())
    axes.set_xscale("log", base=2)
    axes.set_xticks(members, [str(n) for n in members])
    axes.set_yticks([0, 0.25, 0.5], ["0", "25 %", "50 %"])
    axes.set_ylim(0, max(0.5, rows["high"].max()))
    axes.set_xlabel("models in each")
    axes.grid(axis="y")
    axes.legend(loc="lower left")
    panel_title(axes, "… and two ensembles", "share on which they differ")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if value < 0.01 else f"{100 * value:.0f} %"
