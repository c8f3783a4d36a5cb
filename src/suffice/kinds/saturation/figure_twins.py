"""In-context learning at a divergence near zero: the exact twin, and pairs trained to one loss."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from suffice.plots.style import (
    COLORS,
    MUTED,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    sized,
    styled,
)

TWIN_COLUMNS = ("n_examples", "accuracy_mixture", "accuracy_twin", "chance", "kl_nats")
PAIR_COLUMNS = ("arm", "seed", "n_examples", "accuracy", "accuracy_mixture")
POINT_COLUMNS = ["panel", "model", "n_examples", "x", "accuracy", "low", "high"]


@styled
def draw_twin_gap(twins: pd.DataFrame, pairs: pd.DataFrame, figure: Figure | None = None) -> Drawn:
    """Accuracy against divergence of the exact twin, and against examples of the trained pair.

    Args:
        twins: rows of `twin_table`; divergence in nats per document.
        pairs: one row per arm, seed and number of examples.
        figure: where to draw; by default a new figure.

    Returns:
        The figure; points: panel, model, n_examples, x, accuracy, low, high (range over seeds).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    require_rows(twins, TWIN_COLUMNS, "twins")
    require_rows(pairs, PAIR_COLUMNS, "pairs")
    figure = sized(figure, WIDTH_INCHES, 2.8)
    left, right = figure.subplots(1, 2, sharey=True)
    exact, trained = _exact_points(twins), _trained_points(pairs)
    _draw_exact(left, exact, float(twins["chance"].iloc[0]))
    _draw_trained(right, trained)
    for axes in (left, right):
        axes.set_ylim(-0.03, 1.03)
        axes.grid(axis="y")
    left.set_ylabel("accuracy in context")
    return Drawn(figure, pd.concat([exact, trained], ignore_index=True))


def _exact_points(twins: pd.DataFrame) -> pd.DataFrame:
    names = {"accuracy_mixture": "mixture", "accuracy_twin": "twin"}
    return pd.concat(
        [
            twins.assign(panel="exact", model=name, x=twins["kl_nats"], accuracy=twins[column])
            for column, name in names.items()
        ]
    ).reindex(columns=POINT_COLUMNS)


def _trained_points(pairs: pd.DataFrame) -> pd.DataFrame:
    ceiling = pairs.assign(arm="Bayes' rule", accuracy=pairs["accuracy_mixture"])
    grouped = pd.concat([pairs, ceiling]).groupby(["arm", "n_examples"], sort=False)["accuracy"]
    found = grouped.agg(accuracy="mean", low="min", high="max").reset_index()
    found = found.rename(columns={"arm": "model"}).assign(panel="trained", x=found["n_examples"])
    return found.reindex(columns=POINT_COLUMNS)


def _draw_exact(axes: Axes, points: pd.DataFrame, chance: float) -> None:
    axes.axhline(chance, color=MUTED, lw=0.8, ls="--", zorder=0.5)
    for place, (name, rows) in enumerate(points.groupby("model", sort=False)):
        axes.plot(rows["x"], rows["accuracy"], color=COLORS[place], marker="os"[place], label=str(name))
    mixture = points[points["model"] == "mixture"]
    for row in rows_of(mixture):
        axes.annotate(
            f"{row.n_examples}", (row.x, row.accuracy), xytext=(0, 5), textcoords="offset points",
            ha="center", fontsize=6.5, color=MUTED,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.set_xlabel("KL of mixture and twin (nats per document)")
    axes.legend(loc="center left")
    panel_title(axes, "Exact", "numbers: examples in the prompt; dashed: chance")


def _draw_trained(axes: Axes, points: pd.DataFrame) -> None:
    for place, (name, rows) in enumerate(points.groupby("model", sort=False)):
        is_ceiling = name == "Bayes' rule"
        color = MUTED if is_ceiling else COLORS[place]
        axes.plot(
            rows["x"], rows["accuracy"], color=color, marker="" if is_ceiling else "os"[place],
            ls="--" if is_ceiling else "-", label=str(name),
        )  # fmt: skip
        if not is_ceiling:
            axes.vlines(rows["x"], rows["low"], rows["high"], color=color, lw=1.4, alpha=0.5)
    axes.set_xlabel("examples in the prompt")
    axes.legend(loc="center right")
    panel_title(axes, "Trained to the same loss", "mean and range over seeds")
