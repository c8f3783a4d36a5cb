"""The look of all figures, and the saving of a figure with the points it shows.

Nothing here changes matplotlib's global settings: the style applies only inside `styled` functions. Figures
are made without pyplot, so they do not stay in memory after they are saved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from suffice.errors import DataError
from suffice.names import shown_name
from suffice.plots.fonts import families
from suffice.storage.files import whole_file, write_table

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis, Tick
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Transform

P = ParamSpec("P")
R = TypeVar("R")

INK, MUTED, RULE, BAND, ACCENT, ACCENT_BAND = "#222222", "#5f6670", "#d9dce1", "#f3f4f6", "#0072b2", "#e3eff7"
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#4d4d4d")
"""The palette of Okabe and Ito (2008), https://jfly.uni-koeln.de/color/, without yellow, which is
too light for small marks on white, and with grey instead of black."""
MISSING_COLOR = "#e4e4e4"
ON_DARK, ON_LIGHT = "#fefefe", "#111111"
"""Letters and marks on a coloured cell, which keeps its colour in a dark page."""
MARKERS = ("o", "s", "^", "D", "v", "P")
FORMATS = (".pdf", ".png", ".csv", ".svg")
WIDTH_INCHES = 7.2
LOG_STEPS = ((1.2, (1, 2, 5)), (2.2, (1, 3)))
"""Multiples of powers of ten that are marked on a logarithmic axis of at most so many decades."""
MEASURES = {
    "win_rate": "win rate (share of comparisons won)",
    "score": "score (nats per target dimension)",
}
"""Axis labels of the values that order a ranking."""
STYLE: Mapping[str, object] = MappingProxyType(
    {
        "font.size": 8.0,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.labelsize": 8.0,
        "axes.titlesize": 8.5,
        "axes.titlelocation": "left",
        "axes.linewidth": 0.6,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": RULE,
        "grid.linewidth": 0.5,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
        "lines.markersize": 4.5,
        "savefig.dpi": 180.0,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "suffice",
    }
)


@dataclass(frozen=True)
class Drawn:
    """A figure and the points it shows.

    Attributes:
        figure: the figure.
        points: every drawn mark as a row of a tidy table, in the units of the axes.
    """

    figure: Figure
    points: pd.DataFrame


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a function with the project's style, regardless of the user's matplotlibrc."""

    @functools.wraps(draw)
    def with_style(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib.style

        with matplotlib.style.context(["default", {**STYLE, "font.family": list(families())}]):
            return draw(*args, **kwargs)

    return with_style


def sized(figure: Figure | None, width_inches: float, height_inches: float) -> Figure:
    """The caller's figure as it is, or a new one of the given size."""
    if figure is not None:
        return figure
    from suffice.plots.shown import ShownFigure

    return ShownFigure(figsize=(width_inches, height_inches), layout="constrained")


@styled
def save_figure(drawn: Drawn, stem: Path | str) -> tuple[Path, ...]:
    """Write a figure as `<stem>.pdf`, `<stem>.png` and `<stem>.svg`, and its points as `<stem>.csv`.

    The files are put in place only when all are complete. They contain neither date nor version, so the
    same figure gives the same bytes. The SVG file is for pages: its text stays text, in the reader's fonts.

    Returns:
        The paths of the four files.
    """
    paths = tuple(Path(f"{stem}{suffix}") for suffix in FORMATS)
    as_written(drawn.figure)
    with ExitStack() as stack:
        stack.enter_context(_laid_out(drawn.figure))
        pdf, png, csv, svg = (stack.enter_context(whole_file(path)) for path in paths)
        no_trace = {"Creator": None, "Producer": None, "CreationDate": None}
        drawn.figure.savefig(pdf, format="pdf", metadata=no_trace)
        drawn.figure.savefig(png, format="png", metadata={"Software": None})
        drawn.figure.savefig(svg, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        write_table(drawn.points, csv)
    return paths


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out once for all its files, at the resolution of the PNG file.

    Widths of text depend on the resolution. At a lower one they are smaller, and the PNG file is cut off.
    """
    import matplotlib

    usual = figure.dpi
    figure.set_dpi(matplotlib.rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_dpi(usual)
    engine = figure.get_layout_engine()
    figure.set_layout_engine(None)
    yield
    figure.set_layout_engine(engine)


def as_written(figure: Figure) -> None:
    """Draw texts literally: `$` does not start a formula, and no mark changes the direction of writing.

    The powers of ten at logarithmic axes stay formulas.
    """
    from matplotlib.text import Text
    from matplotlib.ticker import FuncFormatter

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            formatter = axis.get_major_formatter()
            if isinstance(formatter, FuncFormatter):  # which holds the tick labels set by a figure
                formatter.func = _shown_by(formatter.func)
            axis.get_ticklabels()  # creates the labels that are read later
    powers = set(map(id, _labels_of_logarithmic_axes(figure)))
    for text in figure.findobj(Text):
        if isinstance(text, Text) and id(text) not in powers:
            text.set_parse_math(False)
            text.set_text(_shown(text.get_text()))


def _labels_of_logarithmic_axes(figure: Figure) -> list[Text]:
    axes = [axis for each in figure.axes for axis in (each.xaxis, each.yaxis)]
    ticks = [
        t
        for axis in axes
        if "log" in axis.get_scale()
        for minor in (False, True)
        for t in _ticks(axis, minor)
    ]
    return [label for tick in ticks for label in (tick.label1, tick.label2)]


def _ticks(axis: Axis, minor: bool) -> list[Tick]:
    return list(axis.get_minor_ticks() if minor else axis.get_major_ticks())


def _shown_by(label: Callable[..., str]) -> Callable[[float, int | None], str]:
    return lambda value, place: _shown(label(value, place))


def _shown(text: str) -> str:
    """The text with each line made safe to show."""
    return "\n".join(shown_name(line) if line.strip() else line for line in text.split("\n"))


@dataclass(frozen=True)
class Families:
    """The family of each model; its position in the study's table decides colour and marker.

    Combinations of colour and marker repeat after 42 families.

    Args:
        family_of: model to family, in the order of the study's table.
    """

    family_of: Mapping[str, str]

    @classmethod
    def from_table(cls, models: pd.DataFrame) -> Families:
        """From a table with the columns model and family.

        Raises:
            DataError: a column or a family is missing.
        """
        require_rows(models, ("model", "family"), "models")
        if models["family"].isna().any():
            orphan = models.loc[models["family"].isna(), "model"].iloc[0]
            raise DataError(f"model {orphan!r} has no family; fill in the column family of the models table")
        return cls(dict(zip(models["model"], models["family"], strict=True)))

    @property
    def names(self) -> list[str]:
        """The families in order of first appearance."""
        return list(dict.fromkeys(self.family_of.values()))

    def color(self, model: str) -> str:
        """The colour of the model's family."""
        return COLORS[self._place(model) % len(COLORS)]

    def marker(self, model: str) -> str:
        """The marker of the model's family."""
        return MARKERS[self._place(model) % len(MARKERS)]

    def handles(self) -> list[Artist]:
        """One legend entry per family."""
        from matplotlib.lines import Line2D

        first = {family: model for model, family in reversed(list(self.family_of.items()))}
        return [
            Line2D([], [], ls="", marker=self.marker(first[name]), color=self.color(first[name]), label=name)
            for name in self.names
        ]

    def _place(self, model: str) -> int:
        if model not in self.family_of:
            raise DataError(f"model {model!r} has no row in the models table; add it")
        return self.names.index(self.family_of[model])


def family_legend(figure: Figure, families: Families, models: pd.Series, *more: Artist) -> None:
    """A legend below the figure: the families of `models` if there is more than one, then `more`."""
    shown = {families.family_of[model] for model in models}
    handles = [handle for handle in families.handles() if handle.get_label() in shown]
    handles = [*(handles if len(handles) > 1 else []), *more]
    if handles:
        letters = max(len(str(handle.get_label())) for handle in handles)
        columns = max(1, int(figure.get_figwidth() / (0.075 * letters + 0.45)))
        figure.legend(
            handles=handles, loc="outside lower center", ncols=min(len(handles), columns), handletextpad=0.2
        )


def grid_shape(n_panels: int, most_columns: int) -> tuple[int, int]:
    """Rows and columns for `n_panels` panels, with the last row as full as possible."""
    n_rows = -(-n_panels // most_columns)
    return n_rows, -(-n_panels // n_rows)


def rank_ticks(n_models: int) -> list[int]:
    """Tick positions on an axis of ranks: 1, then round numbers up to `n_models`."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if n_models <= 7 * step)
    return [1, *(rank for rank in range(step, n_models + 1, step) if rank > 1)]


def panel_title(axes: Axes, title: str, below: str = "", bold: bool = True) -> None:
    """A panel's name with a line in regular type below it."""
    axes.set_title(title, fontweight="bold" if bold else "normal", fontsize=8, pad=15 if below else 6)
    axes.text(0, 1, below, transform=axes.transAxes + _points_up(axes, 4), fontsize=7.2, color=MUTED)


def require_rows(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    """Raise DataError unless `table` has all of `columns` and at least one row."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(
            f"the {name} table lacks the column(s) {', '.join(missing)}; it has {', '.join(map(str, table))}"
        )
    if table.empty:
        raise DataError(f"the {name} table has no rows; make it again")


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, their cells as attributes."""
    return iter(table.itertuples())


def label_size(n_labels: int) -> float:
    """Font size in points for a column of `n_labels` names: 8 for up to 20, then less, at least 5.5."""
    return max(5.5, min(8.0, 8.0 - 0.1 * (n_labels - 20)))


def row_inches(n_labels: int) -> float:
    """Height of one row of a figure with `n_labels` named rows, in inches: 1.9 times the letters."""
    return 1.9 * label_size(n_labels) / 72


def short_number(value: float) -> str:
    """A count in short form: 400, 1.5k, 20k, 3M."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def logarithmic(axes: Axes, values: pd.Series) -> None:
    """Make the lower axis of a small panel logarithmic: a few round numbers for `values`, without powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log")
    decades = np.log10(values.max() / values.min())
    steps = next((steps for span, steps in LOG_STEPS if decades <= span), (1,))
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def short_names(names: list[str], limit: int = 34) -> list[str]:
    """Names of at most `limit` characters, with the middle left out where needed; names stay unique."""
    while limit < max(map(len, names), default=0):
        short = [_shorten(name, limit) for name in names]
        if len(set(short)) == len(set(names)):
            return short
        limit += 4
    return list(names)


def name_inches(names: list[str], size: float) -> float:
    """Approximate width of the longest of `names` in inches, at `size` points."""
    return 0.62 * size / 72 * max(map(len, names), default=0)


def mark_zero(axes: Axes) -> None:
    """A line at x = 0 if it is in view: there a source has no information about the target."""
    low, high = axes.get_xlim()
    if low <= 0 <= high:
        axes.axvline(0, color=MUTED, lw=0.7, zorder=0.5)


def _points_up(axes: Axes, points: float) -> Transform:
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    return ScaledTranslation(0, points / 72, figure.dpi_scale_trans)


def _shorten(name: str, limit: int) -> str:
    if len(name) <= limit:
        return name
    tail = (limit - 1) // 2
    return f"{name[: limit - 1 - tail]}…{name[len(name) - tail :]}"
