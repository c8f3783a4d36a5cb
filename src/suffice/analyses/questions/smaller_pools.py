"""Does the pool decide which model is first?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from suffice.analyses import smaller_pools
from suffice.analyses.base import Analysis, Figure, Finding, Made, Ranked, ShownTable
from suffice.analyses.smaller_pools import FAMILY, MERGED, WHOLE
from suffice.numbers import Column, correlation, integer
from suffice.plots.style import (
    ACCENT,
    COLORS,
    MUTED,
    Drawn,
    label_size,
    name_inches,
    require_rows,
    row_inches,
    rows_of,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from suffice.study.model import Study

POOLS = (
    Column("change", "Pool"),
    Column("left_out", "Left out"),
    Column("n_models", "Models", integer),
    Column("winner", "Winner"),
    Column("verdict", "Changes"),
    Column("kendall_tau", "Kendall's τ with all models", correlation),
)
ABOUT = Markup(
    "Two models are near-copies if each predicts at least 95 % of the other's variance (1 − "
    "e<sup>−2I/d</sup> in "
    "both directions)."
)


def _findings(ranked: Ranked) -> list[Finding]:
    if "sensitivity" not in ranked:
        return []
    table = ranked["sensitivity"]
    pools, warnings = _with_verdict(table), tuple(pool_warnings(table))
    if pools.empty:
        return [Finding(warnings=warnings)]
    shown = ShownTable(pools, POOLS, "The ranking of smaller pools", "Smaller pools in numbers")
    return [
        Finding(
            title="Does the pool decide?",
            sentence=describe_sensitivity(table),
            about=ABOUT,
            figures=(FIGURE,),
            tables=(shown,),
            warnings=warnings,
        )
    ]


def _with_verdict(table: pd.DataFrame) -> pd.DataFrame:
    """The smaller pools with a label on their winner, pools with another winner first."""
    pools = table[table["change"] != WHOLE]
    rank = pools["winner_changes"].astype(int) + pools["beyond_ties"].astype(int)
    words = rank.map({0: "", 1: "within the tie", 2: "outside the tie"})
    pools = pools.assign(verdict=words, order=-rank)
    return pools.sort_values(["order", "kendall_tau"], kind="stable")


def describe_sensitivity(table: pd.DataFrame) -> str:
    """One sentence on whether a smaller pool has another winner."""
    pools = table[table["change"] != WHOLE]
    lowest = pools["kendall_tau"].min()
    if pools.empty or pd.isna(lowest):
        return "There are too few models to leave one out."
    changed = pools[pools["winner_changes"]]
    agreement = f"Kendall's τ with the ranking of all models is at least {lowest:.2f}".replace("-", "−")
    if changed.empty:
        return f"The winner stays the same in all {len(pools)} smaller pools; {agreement}."
    beyond = pools[pools["beyond_ties"]]
    kind = "one that is not tied for first" if len(beyond) else "one that is tied for first"
    return f"The winner changes in {len(changed)} of {len(pools)} smaller pools, to {kind}; {agreement}."


def pool_warnings(table: pd.DataFrame) -> list[str]:
    """A warning for each pool in which the winner changes beyond the first tie group."""
    changed = table[table["beyond_ties"].astype(bool)]
    return [
        f"the winner depends on the pool: {row.winner} is first {row.change} ({row.left_out})"
        for row in changed.itertuples()
    ]


COLUMNS = ("change", "left_out", "n_left_out", "winner", "winner_changes", "beyond_ties", "kendall_tau")
MIDDLE = 0.5
LOOKS = (
    ("same winner", MUTED, "o"),
    ("another winner, tied for first", ACCENT, "s"),
    ("another winner, not tied for first", COLORS[1], "D"),
)


@styled
def draw_pool_sensitivity(sensitivity: pd.DataFrame, figure: Canvas | None = None) -> Drawn:
    """Kendall's tau of each smaller pool with the ranking of all, and whether its winner differs.

    Args:
        sensitivity: change, left_out, n_left_out, winner, winner_changes, beyond_ties, kendall_tau.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: the rows drawn, `look` (0: same winner, 1: within the tie, 2: outside the tie) and
        `position` (0 is the top row).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    from matplotlib.lines import Line2D

    require_rows(sensitivity, COLUMNS, "sensitivity")
    points = sensitivity.loc[sensitivity["change"] != WHOLE, list(COLUMNS)]
    look = points["winner_changes"].astype(int) + points["beyond_ties"].astype(int)
    points = points.assign(look=look, position=range(len(points))).reset_index(drop=True)
    names = short_names([_name(row) for row in rows_of(points)], 34)
    size = label_size(max(1, len(points)))
    height = max(1, len(points)) * row_inches(max(1, len(points))) + 1.0
    figure = sized(figure, 4.2 + name_inches(names, size), height)
    axes = figure.subplots()
    for row in rows_of(points):
        _, color, marker = LOOKS[row.look]
        axes.plot(row.kendall_tau, row.position, marker, color=color)
        if row.look:
            _name_winner(axes, row, color, size)
    axes.set_yticks(range(len(points)), names, fontsize=size)
    axes.set_ylim(len(points) - 0.4, -0.6)
    lowest = points["kendall_tau"].min()
    axes.set_xlim(min(0.5, 0.0 if pd.isna(lowest) else float(lowest)) - 0.05, 1.03)
    axes.set_xlabel("Kendall's τ with the ranking of all models")
    axes.grid(axis="x")
    marks = [Line2D([], [], ls="", marker=marker, color=color, label=text) for text, color, marker in LOOKS]
    figure.legend(handles=marks, loc="outside lower center", ncols=3)
    return Drawn(figure, points)


def _name_winner(axes: Axes, row: Any, color: str, size: float) -> None:
    """Write the other winner's name beside its mark, on the side that has room."""
    right = row.kendall_tau < MIDDLE
    place = (row.kendall_tau, row.position)
    name = axes.annotate(row.winner, place, (6 if right else -6, 0), textcoords="offset points")
    name.set(ha="left" if right else "right", va="center", fontsize=size, color=color)


def _name(row: Any) -> str:
    """A short text on the change in a pool."""
    if row.change == MERGED:
        return f"near-copies: without {row.left_out}"
    family = "family " if row.change == FAMILY else ""
    return f"without {family}{row.left_out}"


def _parameters(study: Study) -> dict[str, Any]:
    how = study.settings.ranking.model_dump(include={"aggregate", "self_pairs"})
    return {"families": study.families, **how}


FIGURE = Figure(
    name="pool_sensitivity",
    title="Smaller pools",
    caption="Agreement with the ranking of all models (Kendall's τ) without one model, without one family, "
    "and with near-copies counted once. Where another model wins, its name is beside the mark.",
    draw=lambda ranked: draw_pool_sensitivity(ranked["sensitivity"]),
    reads=("sensitivity",),
)
SMALLER_POOLS = Analysis(
    name="smaller_pools",
    needs=("pairs", "ranking"),
    makes={"sensitivity": Made("sensitivity/{dataset}/{estimator}.csv", "smaller pools")},
    tables=smaller_pools.tables,
    parameters=_parameters,
    figures=(FIGURE,),
    findings=_findings,
)
