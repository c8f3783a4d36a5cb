"""What can a model not predict about another? The directions and items with the largest loss."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from markupsafe import Markup
from pydantic import Field, field_validator

from suffice.analyses import explain
from suffice.analyses.base import Analysis, Figure, Finding, Key, Made, Ranked, ShownTable
from suffice.numbers import Column, correlation, integer, number, percent
from suffice.plots.style import (
    COLORS,
    INK,
    MUTED,
    RULE,
    WIDTH_INCHES,
    Drawn,
    panel_title,
    require_rows,
    rows_of,
    short_names,
    sized,
    styled,
)
from suffice.settings import Settings, must_exist

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from suffice.study.model import Study


class ExplainSettings(Settings):
    """The pairs for which the page shows what the source cannot predict about the target."""

    pairs: Literal["auto"] | tuple[tuple[str, str], ...] = Field(
        default="auto",
        description="`auto` takes the model ranked first as source and the target that it predicts worst; or "
        "give a list of pairs, each `[source, target]`; `[]` for no pairs",
    )
    n_directions: int = Field(default=6, ge=1, description="how many directions of a target to list")
    n_items: int = Field(default=6, ge=1, description="how many lost and how many gained items to list")

    @field_validator("pairs", mode="before")
    @classmethod
    def _auto_or_pairs(cls, value: Any) -> Any:
        if value == "auto" or (isinstance(value, (list, tuple)) and all(map(_is_pair, value))):
            return value
        raise ValueError("write auto, or a list of pairs such as [[small-model, large-model]]")


def _is_pair(value: Any) -> bool:
    is_two = isinstance(value, (list, tuple)) and len(value) == 2
    return is_two and all(isinstance(name, str) for name in value) and value[0] != value[1]


KEY = Key(
    name="explain",
    model=ExplainSettings,
    kind=ExplainSettings,
    default=ExplainSettings(),
    description="pairs for which the page shows what the source cannot predict about the target",
)


def settings_in(study: Study) -> ExplainSettings:
    """The settings in the study."""
    found: ExplainSettings = getattr(study.settings, KEY.name)
    return found


def explained_pairs(study: Study) -> list[tuple[str, str]] | Literal["auto"]:
    """The requested pairs whose models are all there, or "auto"."""
    wanted = settings_in(study).pairs
    return wanted if wanted == "auto" else [pair for pair in wanted if set(pair) <= set(study.models)]


def _check(study: Study, path: Path) -> None:
    """The models that study.yaml names."""
    wanted = settings_in(study).pairs
    for name in chain.from_iterable(wanted if wanted != "auto" else ()):
        must_exist(path, f"{KEY.name}.pairs", "model", name, study.models)


def _parameters(study: Study) -> dict[str, Any]:
    settings = settings_in(study).model_dump(exclude={"pairs"})
    known = {"pairs": explained_pairs(study), "models": list(study.models), "seed": study.settings.seed}
    return {**settings, **known}


DIRECTIONS = (
    Column("component", "Component"),
    Column("low_items", "Items at one end"),
    Column("high_items", "Items at the other"),
    Column("variance_share", "Share of the variance", percent),
    Column("lost_share", "Lost share", percent),
    Column("r2", "R²", correlation),
    Column("nats", "Nats", number),
)
ITEMS = (
    Column("item", "Row", integer),
    Column("text", "Item"),
    Column("nats", "Nats", number),
    Column("end", "End"),
)
ABOUT = (
    "A linear regression on the source's vectors predicts each principal component of the target, on "
    "held-out items. Each component is described by the items at its two ends. Only pairs that the "
    "key explain of study.yaml names are shown, by default the model ranked first and the target that it "
    "predicts worst. The matrix of pairs underlines them, and gives for any other pair the command that "
    "computes it."
)
ABOUT_PAIR = Markup(
    "<strong>{}</strong> as source of <strong>{}</strong>: {} nats per item on average. Negative nats mean "
    "that the source misleads about the item."
)


def _findings(ranked: Ranked) -> list[Finding]:
    if "directions" not in ranked or "lost_items" not in ranked:
        return []
    directions, items = ranked["directions"], ranked["lost_items"]
    by_pair = directions.groupby(["source", "target"], sort=False)
    parts = tuple(_part(rows, items) for _, rows in by_pair)
    title = "What can a model not predict about another?"
    return [Finding(title=title, about=ABOUT, figures=(FIGURE,), parts=parts)]


def _part(directions: pd.DataFrame, items: pd.DataFrame) -> Finding:
    """The finding of one pair."""
    source, target = directions["source"].iloc[0], directions["target"].iloc[0]
    own = items[(items["source"] == source) & (items["target"] == target)]
    names = f"{source} as source of {target}"
    return Finding(
        pair=(str(source), str(target)),
        about=ABOUT_PAIR.format(source, target, number(own["mean_item_nats"].iloc[0])),
        tables=(
            ShownTable(own, ITEMS, f"Items with the largest loss and gain: {names}", name_at=1),
            ShownTable(
                directions, DIRECTIONS, f"Directions with the largest loss: {names}", "Directions in numbers"
            ),
        ),
    )


COLUMNS = (
    "source", "target", "component", "variance_share", "r2", "nats", "lost_share", "low_items", "high_items",
)  # fmt: skip
GIVEN, LOST = RULE, COLORS[1]
MAX_LETTERS = 58


@styled
def draw_lost_directions(explained: pd.DataFrame, figure: Canvas | None = None) -> Drawn:
    """A panel per pair: for each direction its share of the target's variance, and how much of it is lost.

    Args:
        explained: a row per pair and direction, as `suffice.analyses.explain.explain_pairs` makes it; where
            the source misleads, the lost share can exceed the direction's own share.
        figure: where to draw; by default a new one of fitting size.

    Returns:
        The figure; points: the rows drawn, `panel` (number of the pair) and `position` (0 is the top bar).

    Raises:
        DataError: a column is missing, or there are no rows.
    """
    from matplotlib.patches import Patch

    require_rows(explained, COLUMNS, "explained directions")
    pairs = list(dict.fromkeys(zip(explained["source"], explained["target"], strict=True)))
    place = {pair: number for number, pair in enumerate(pairs)}
    numbers = [place[pair] for pair in zip(explained["source"], explained["target"], strict=True)]
    points = explained.loc[:, list(COLUMNS)].assign(panel=numbers).sort_values("panel", kind="stable")
    points["position"] = points.groupby("panel").cumcount()
    heights = points["panel"].value_counts().sort_index().to_numpy()
    figure = sized(figure, WIDTH_INCHES, float(0.36 * heights.sum() + 0.62 * len(pairs) + 0.5))
    grid = figure.subplots(len(pairs), 1, squeeze=False, gridspec_kw={"height_ratios": heights + 1.2})[:, 0]
    for axes, (panel, pair) in zip(grid, enumerate(pairs), strict=True):
        source, target = short_names(list(pair), 28)
        _draw_panel(axes, points[points["panel"] == panel])
        panel_title(axes, f"{source} → {target}")
    grid[-1].set_xlabel("share of the target's variance (%)")
    marks = [Patch(color=LOST, label="lost"), Patch(color=GIVEN, label="predicted by the source")]
    figure.legend(handles=marks, loc="outside lower center", ncols=2)
    return Drawn(figure, points.reset_index(drop=True))


def _draw_panel(axes: Axes, points: pd.DataFrame) -> None:
    share, lost = 100 * points["variance_share"], 100 * points["lost_share"]
    axes.barh(points["position"], share, color=GIVEN, height=0.62)
    axes.barh(points["position"], lost, color=LOST, height=0.62)
    axes.set_yticks(points["position"], [_ends(row) for row in rows_of(points)], fontsize=5.8)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
        label.set_multialignment("left")
    for end, row in zip(pd.concat([share, lost], axis=1).max(axis=1), rows_of(points), strict=True):
        text = f"component {row.component}: {row.nats:.2f} nats".replace("-", "−")
        axes.annotate(text, (end, row.position), (4, 0), textcoords="offset points", va="center", fontsize=6)
    axes.set_xlim(0, float(max(share.max(), lost.max())) * 1.55)
    axes.set_ylim(len(points) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_color(MUTED)


def _ends(row: Any) -> str:
    """The items at both ends, one line per end."""
    return f"− {_shorten(str(row.low_items))}\n+ {_shorten(str(row.high_items))}"


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_LETTERS else text[: MAX_LETTERS - 1] + "…"


FIGURE = Figure(
    name="lost_directions",
    title="Lost directions",
    caption="Bars are shares of the target's variance; the coloured part is what the source cannot predict. "
    "Beside each component are the items at its two ends.",
    draw=lambda ranked: draw_lost_directions(ranked["directions"]),
    reads=("directions",),
)
LOST_DIRECTIONS = Analysis(
    name="lost_directions",
    needs=("corpus", "vectors", "pairs", "ranking"),
    makes={
        "directions": Made("explained/{dataset}/{estimator}.directions.csv", "directions"),
        "lost_items": Made("explained/{dataset}/{estimator}.items.csv", "items"),
    },
    tables=explain.tables,
    parameters=_parameters,
    key=KEY,
    check=_check,
    is_asked=lambda study: bool(explained_pairs(study)),
    category="Explanation",
    memory_mb=4000,
    minutes=60,
    figures=(FIGURE,),
    findings=_findings,
)
