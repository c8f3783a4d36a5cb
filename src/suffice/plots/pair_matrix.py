"""How well every source predicts every target: the matrix of pairs, with similar models side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from suffice.errors import DataError
from suffice.plots.style import (
    INK,
    MISSING_COLOR,
    MUTED,
    ON_DARK,
    ON_LIGHT,
    Drawn,
    Families,
    family_legend,
    label_size,
    name_inches,
    require_rows,
    short_names,
    sized,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.transforms import Transform

COLORMAP = "viridis"
FENCE_WIDTHS = 3.0
WRITTEN_UP_TO = 12


@dataclass(frozen=True)
class Clustering:
    """Average linkage of models by the correlation of their profiles.

    Attributes:
        order: the models, similar ones side by side.
        tree: scipy's linkage matrix, shape (n_models - 1, 4); None for a single model.
    """

    order: list[str]
    tree: np.ndarray | None


@styled
def draw_pair_matrix(pairs: pd.DataFrame, families: Families, figure: Figure | None = None) -> Drawn:
    """Nats per target dimension of every pair: sources in rows, targets in columns, in one order.

    Rows and columns are ordered by `cluster_models`; a model that is not a target has no column. The colours
    span the values of pairs of different models, without far outliers (more than three interquartile ranges
    from the quartiles). A cell beyond that range has the colour of the nearest end and a dot. A pair that was
    not measured is grey.

    Args:
        pairs: one row per pair with source, target and nats_per_dim.
        families: family of each model.
        figure: where to draw; by default a new figure of fitting size.

    Returns:
        The figure; points: source, target, nats_per_dim, row, column, beyond_scale.

    Raises:
        DataError: a column is missing, there are no rows, or a pair occurs twice.
    """
    from matplotlib.lines import Line2D

    matrix = pair_matrix(pairs)
    clustering = cluster_models(matrix)
    targets = set(pairs["target"])
    matrix = matrix.loc[clustering.order, [model for model in clustering.order if model in targets]]
    size = label_size(len(matrix))
    names = short_names(list(matrix.index), 30)
    inches = max(2.2 / len(matrix), 0.155, 1.9 * size / 72)
    height, width = (inches * n_cells for n_cells in matrix.shape)
    margin = name_inches(names, size) + 0.5
    figure = sized(figure, width + margin + 1.3, height + margin + 0.4)
    heat = figure.subplots()
    tree = heat.inset_axes((1 + 0.04 / width, 0, 0.6 / width, 1))
    bar = heat.inset_axes((1 + 0.74 / width, 0.08, 0.12 / width, 0.84))
    norm = _scale(matrix)
    image = _draw_cells(heat, matrix, norm)
    _name_cells(heat, dict(zip(matrix.index, names, strict=True)), families, matrix, size)
    _draw_tree(tree, clustering, len(matrix))
    figure.colorbar(image, cax=bar, label="nats per target dimension", extend=_extend(matrix, norm))
    dot = Line2D([], [], ls="", marker="o", ms=2.2, color=INK, label="beyond the colour scale")
    family_legend(figure, families, pd.Series(matrix.index), dot)
    return Drawn(figure, _points(matrix, norm))


def pair_matrix(pairs: pd.DataFrame) -> pd.DataFrame:
    """Nats per target dimension, rows sources and columns targets, in order of first appearance.

    Raises:
        DataError: a column is missing, there are no rows, or a pair occurs twice.
    """
    require_rows(pairs, ("source", "target", "nats_per_dim"), "pairs")
    twice = pairs.duplicated(["source", "target"])
    if twice.any():
        first = pairs[twice].iloc[0]
        raise DataError(f"the pair {first['source']!r}, {first['target']!r} occurs twice in the pairs table")
    models = list(dict.fromkeys([*pairs["source"], *pairs["target"]]))
    return pairs.pivot(index="source", columns="target", values="nats_per_dim").reindex(
        index=models, columns=models
    )


def cluster_models(matrix: pd.DataFrame) -> Clustering:
    """Order models so that similar ones are side by side.

    A model's profile is its row (how well it predicts the others) and its column (how well the others predict
    it), each minus the mean of that target or source. The distance of two models is one minus the correlation
    of their profiles over all other models, and one if the correlation is not defined. Linkage is average,
    and the leaves are ordered as in Bar-Joseph et al. (2001).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(matrix) < 2:
        return Clustering(list(matrix.index), None)
    others = matrix.mask(np.eye(len(matrix), dtype=bool))
    as_source = others.sub(others.mean(axis=0), axis=1).T
    as_target = others.sub(others.mean(axis=1), axis=0)
    similarity = pd.concat([as_source, as_target], ignore_index=True).corr(min_periods=3)
    distance = 1 - similarity.fillna(0.0).to_numpy(copy=True)
    np.fill_diagonal(distance, 0.0)
    condensed = np.maximum(squareform(distance, checks=False), 0.0)
    tree = linkage(condensed, method="average", optimal_ordering=True)
    return Clustering([matrix.index[leaf] for leaf in leaves_list(tree)], tree)


def _draw_cells(axes: Axes, matrix: pd.DataFrame, norm: Normalize) -> AxesImage:
    values = matrix.to_numpy(dtype=float)
    image = axes.imshow(np.ma.masked_invalid(values), cmap=COLORMAP, norm=norm, aspect="equal")
    axes.set_facecolor(MISSING_COLOR)  # shows through where a pair is missing
    written = len(values) <= WRITTEN_UP_TO
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        color = ON_DARK if norm(value) < 0.6 else ON_LIGHT
        if written:
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=color, fontsize=6)
        if _beyond(value, norm):
            up = 0.33 if written else 0.0
            axes.plot(column + up, row - up, "o", ms=1.8, color=color, mec="none")
    return image


def _scale(matrix: pd.DataFrame) -> Normalize:
    from matplotlib.colors import Normalize

    return Normalize(*color_range(matrix))


def color_range(matrix: pd.DataFrame) -> tuple[float, float]:
    """Ends of the colour scale: over pairs of different models without far outliers, or over all pairs."""
    values = matrix.to_numpy(dtype=float)
    others = values[matrix.index.to_numpy()[:, None] != matrix.columns.to_numpy()]
    usable = others[np.isfinite(others)]
    if usable.size == 0:
        usable = values[np.isfinite(values)]
    if usable.size == 0:
        raise DataError("no pair has a finite value in nats_per_dim; estimate the pairs again")
    first, third = np.quantile(usable, (0.25, 0.75))
    reach = FENCE_WIDTHS * (third - first)
    within = usable[(usable >= first - reach) & (usable <= third + reach)]
    low, high = within.min(), within.max()
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(high) + 0.5)


def _beyond(value: float, norm: Normalize) -> bool:
    assert norm.vmin is not None and norm.vmax is not None
    return bool(value < norm.vmin or value > norm.vmax)


def _extend(matrix: pd.DataFrame, norm: Normalize) -> Literal["neither", "min", "max", "both"]:
    """The ends of the colour bar that some values exceed."""
    assert norm.vmin is not None and norm.vmax is not None
    below, above = (matrix < norm.vmin).to_numpy().any(), (matrix > norm.vmax).to_numpy().any()
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"


def _name_cells(
    axes: Axes, names: dict[str, str], families: Families, matrix: pd.DataFrame, size: float
) -> None:
    axes.set_xticks(
        range(matrix.shape[1]), [names[model] for model in matrix.columns], rotation=90, fontsize=size
    )
    axes.set_yticks(range(len(matrix)), [names[model] for model in matrix.index], fontsize=size)
    axes.tick_params(length=0, pad=10)
    axes.set(xlabel="target (predicted)", ylabel="source (given)")
    axes.spines[:].set_visible(False)
    right, bottom = matrix.shape[1] - 0.5, len(matrix) - 0.5
    sides = [(model, -0.5, place) for place, model in enumerate(matrix.index)]
    for model, x, y in [*sides, *((model, place, bottom) for place, model in enumerate(matrix.columns))]:
        beside = _outside(axes, x < 0)
        axes.plot(
            x, y, families.marker(model), color=families.color(model), ms=size / 2.1, clip_on=False,
            transform=beside,
        )  # fmt: skip
    axes.set(xlim=(-0.5, right), ylim=(bottom, -0.5))


def _outside(axes: Axes, left: bool) -> Transform:
    """Data coordinates moved six points to the left of, or below, the matrix."""
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    x, y = (-6 / 72, 0) if left else (0, -6 / 72)
    return axes.transData + ScaledTranslation(x, y, figure.dpi_scale_trans)


def _draw_tree(axes: Axes, clustering: Clustering, n_models: int) -> None:
    from matplotlib.collections import LineCollection
    from scipy.cluster.hierarchy import dendrogram

    axes.axis("off")
    axes.set_ylim(n_models - 0.5, -0.5)
    if clustering.tree is None:
        return
    drawn = dendrogram(clustering.tree, no_plot=True)
    lines = [
        np.column_stack([height, (np.array(place) - 5) / 10])  # scipy puts leaf i at 10 i + 5
        for place, height in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    axes.add_collection(LineCollection(lines, colors=MUTED, linewidths=0.7))
    axes.set_xlim(0, float(clustering.tree[:, 2].max()) * 1.03 or 1.0)


def _points(matrix: pd.DataFrame, norm: Normalize) -> pd.DataFrame:
    rows, columns = np.indices(matrix.shape).reshape(2, -1)
    values = matrix.to_numpy(dtype=float).ravel()
    return pd.DataFrame(
        {
            "source": matrix.index.to_numpy()[rows],
            "target": matrix.columns.to_numpy()[columns],
            "nats_per_dim": values,
            "row": rows,
            "column": columns,
            "beyond_scale": [_beyond(value, norm) for value in values],
        }
    )
