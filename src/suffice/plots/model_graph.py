"""Which models predict each other best: a directed graph with communities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from suffice.errors import DataError
from suffice.plots.labels import place_labels, settle
from suffice.plots.pair_matrix import pair_matrix
from suffice.plots.style import COLORS, INK, MUTED, Drawn, require_rows, rows_of, short_names, sized, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

NODE_AREA = (30.0, 230.0)
EDGE_WIDTH = (0.4, 2.4)
SIDE_INCHES = 6.6


@dataclass(frozen=True)
class _Graph:
    """Nodes (model, x, y, score, community) and edges (source, target, nats_per_dim) to draw."""

    nodes: pd.DataFrame
    edges: pd.DataFrame


@styled
def draw_model_graph(
    pairs: pd.DataFrame,
    ranking: pd.DataFrame,
    n_strongest: int = 2,
    seed: int = 0,
    figure: Figure | None = None,
) -> Drawn:
    """Targets as nodes, an arrow from each target's strongest sources to it.

    Models that are not targets are left out because nothing is known about how well others predict them.

    The colour of a node is its community and its size is the score. The width of an arrow shows nats per
    target dimension. Models that predict each other well are close together.

    Args:
        pairs: one row per pair with source, target and nats_per_dim.
        ranking: model and score of every model in `pairs`.
        n_strongest: how many sources to draw for each target; sources at or below zero nats are left out.
        seed: seed of the search for communities.
        figure: where to draw; by default a new square one.

    Returns:
        The figure; points: layer ("node" or "edge"), model, community, score, x, y, source, target,
        nats_per_dim.

    Raises:
        DataError: a column is missing, there are no rows, or a model has no score.
    """
    require_rows(pairs, ("source", "target"), "pairs")
    matrix = pair_matrix(pairs[pairs["source"].isin(pairs["target"])])
    require_rows(ranking, ("model", "score"), "ranking")
    unknown = sorted(set(matrix.index) - set(ranking["model"]))
    if unknown:
        raise DataError(
            f"model {unknown[0]!r} is in the pairs but not in the ranking; make the ranking again"
        )
    scores = ranking.set_index("model")["score"].reindex(matrix.index)
    weights = symmetric_weights(matrix)
    communities = find_communities(weights, scores, seed)
    nodes = pd.DataFrame({"model": matrix.index, "community": communities, "score": scores.to_numpy()})
    nodes[["x", "y"]] = _places(weights)
    graph = _Graph(nodes, strongest_sources(matrix, n_strongest))
    figure = sized(figure, SIDE_INCHES, SIDE_INCHES)
    _draw(figure, graph)
    layers = [graph.nodes.assign(layer="node"), graph.edges.assign(layer="edge")]
    columns = ["layer", "model", "community", "score", "x", "y", "source", "target", "nats_per_dim"]
    return Drawn(figure, pd.concat(layers, ignore_index=True)[columns])


def symmetric_weights(matrix: pd.DataFrame) -> np.ndarray:
    """Mean of both directions in nats per target dimension; 0 on the diagonal and where it is negative.

    A negative estimate means that the source does not predict the target, so the two are not connected.
    """
    values = matrix.to_numpy(dtype=float)
    both = np.where(np.isnan(values), values.T, values)  # only one direction if the other is missing
    weights = np.nan_to_num((both + both.T) / 2, nan=0.0).clip(min=0.0)
    np.fill_diagonal(weights, 0.0)
    return weights


def find_communities(weights: np.ndarray, scores: pd.Series, seed: int) -> np.ndarray:
    """Louvain communities (Blondel et al. 2008), numbered from 1 by their best score; (n_models,)."""
    import networkx as nx

    graph = nx.from_numpy_array(weights)  # nodes are numbers because sets of texts have no fixed order
    found = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    values = scores.to_numpy(dtype=float)
    ordered = sorted(found, key=lambda members: -max(values[node] for node in members))
    communities = np.zeros(len(values), dtype=int)
    for number, members in enumerate(ordered, start=1):
        communities[list(members)] = number
    return communities


def strongest_sources(matrix: pd.DataFrame, n_strongest: int) -> pd.DataFrame:
    """The `n_strongest` other sources of every target with positive nats: source, target, nats_per_dim."""
    others = matrix.mask(np.eye(len(matrix), dtype=bool))
    tidy = others.rename_axis(index="source").reset_index()
    tidy = tidy.melt("source", var_name="target", value_name="nats_per_dim")
    tidy = tidy[tidy["nats_per_dim"] > 0].sort_values("nats_per_dim", ascending=False, kind="stable")
    return tidy.groupby("target").head(n_strongest).reset_index(drop=True)


def _places(weights: np.ndarray) -> np.ndarray:
    """Places of the nodes in a unit square, shape (n_models, 2), by the method of Kamada and Kawai (1989).

    The target distance between two models falls linearly from 1 (weakest connection) to 0.25 (strongest).
    """
    import networkx as nx

    n_models = len(weights)
    others = weights[~np.eye(n_models, dtype=bool)]
    span = np.ptp(others) if others.size else 0.0
    closeness = (weights - others.min()) / span if span > 0 else np.zeros_like(weights)
    wanted = {i: {j: 1 - 0.75 * closeness[i, j] for j in range(n_models)} for i in range(n_models)}
    places = nx.kamada_kawai_layout(nx.empty_graph(n_models), dist=wanted)
    return _apart(np.array([places[node] for node in range(n_models)]), 0.9 / np.sqrt(n_models) / 2)


def _apart(places: np.ndarray, least: float, n_rounds: int = 200) -> np.ndarray:
    """Push points apart until all distances are at least `least` or the rounds are over; result in [0, 1]."""
    span = np.ptp(places, axis=0).max()
    places = (places - places.min(axis=0)) / (span or 1.0)
    for _ in range(n_rounds):
        gaps = places[:, None] - places[None]  # (n, n, 2)
        lengths = np.hypot(gaps[..., 0], gaps[..., 1])
        np.fill_diagonal(lengths, np.inf)
        push = np.maximum(0, least - lengths)
        if not push.any():
            break
        places = places + 0.5 * (gaps / np.maximum(lengths, 1e-9)[..., None] * push[..., None]).sum(axis=1)
    return places


def _draw(figure: Figure, graph: _Graph) -> None:
    axes = figure.subplots()
    axes.axis("off")
    axes.margins(0.09)
    areas = _rescaled(graph.nodes["score"], NODE_AREA)
    colors = [_color(number) for number in graph.nodes["community"]]
    axes.scatter(graph.nodes["x"], graph.nodes["y"], s=areas, c=colors, edgecolors="white", lw=0.8, zorder=3)
    _draw_arrows(axes, graph, areas)
    figure.legend(handles=_communities(graph), loc="outside lower left", ncols=3, handletextpad=0.2)
    figure.legend(handles=_sizes(graph), loc="outside lower right", ncols=2, handletextpad=0.7)
    settle(figure)
    anchors = graph.nodes[["x", "y"]].to_numpy()
    rank = np.argsort(-graph.nodes["score"].to_numpy(), kind="stable")
    names = short_names(list(graph.nodes["model"]), 26)
    size = 6.8 if len(names) <= 25 else 5.8
    for label in place_labels(
        axes,
        anchors[rank],
        [names[i] for i in rank],
        np.vstack([anchors, _tips(graph)]),
        np.sqrt(areas[rank]) / 2,
        size,
    ):
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4})
        label.set_zorder(4)


def _draw_arrows(axes: Axes, graph: _Graph, areas: np.ndarray) -> None:
    from matplotlib.patches import FancyArrowPatch

    place = dict(zip(graph.nodes["model"], graph.nodes[["x", "y"]].to_numpy(), strict=True))
    radius = dict(zip(graph.nodes["model"], np.sqrt(areas) / 2, strict=True))
    community = dict(zip(graph.nodes["model"], graph.nodes["community"], strict=True))
    for edge, width in zip(
        rows_of(graph.edges), _rescaled(graph.edges["nats_per_dim"], EDGE_WIDTH), strict=True
    ):
        same = community[edge.source] == community[edge.target]
        arrow = FancyArrowPatch(
            tuple(place[edge.source]),
            tuple(place[edge.target]),
            arrowstyle="-|>,head_length=3,head_width=1.5",
            connectionstyle="arc3,rad=0.12",
            shrinkA=radius[edge.source],
            shrinkB=radius[edge.target] + 1,
            lw=width,
            color=_color(community[edge.source]) if same else MUTED,
            alpha=0.55,
            zorder=2,
        )
        axes.add_patch(arrow)


def _color(community: int) -> str:
    """Colour of a community; colours repeat after seven."""
    return COLORS[(community - 1) % len(COLORS)]


def _rescaled(values: pd.Series, limits: tuple[float, float]) -> np.ndarray:
    """Values mapped linearly onto `limits`; the middle if all are equal or missing."""
    array = values.to_numpy(dtype=float)
    usable = array[np.isfinite(array)]
    if usable.size == 0 or np.ptp(usable) == 0:
        return np.full(len(array), sum(limits) / 2)
    share = np.nan_to_num((array - usable.min()) / np.ptp(usable), nan=0.0)
    return np.asarray(limits[0] + share * (limits[1] - limits[0]))


def _tips(graph: _Graph) -> np.ndarray:
    """Points near the heads of the arrows that names must not cover; shape (n_edges, 2)."""
    place = dict(zip(graph.nodes["model"], graph.nodes[["x", "y"]].to_numpy(), strict=True))
    tips = [0.1 * place[edge.source] + 0.9 * place[edge.target] for edge in rows_of(graph.edges)]
    return np.array(tips).reshape(-1, 2)


def _communities(graph: _Graph) -> list[Line2D]:
    """Legend entries for the colours of the nodes."""
    from matplotlib.lines import Line2D

    circle: dict[str, Any] = {"ls": "", "marker": "o", "ms": 6}
    numbers = sorted(graph.nodes["community"].unique())
    return [Line2D([], [], color=_color(n), label=f"community {n}", **circle) for n in numbers]


def _sizes(graph: _Graph) -> list[Line2D]:
    """Legend entries for the sizes of the nodes and the widths of the arrows."""
    from matplotlib.lines import Line2D

    circle: dict[str, Any] = {"ls": "", "marker": "o", "mfc": "none", "mec": INK}
    nodes = [
        Line2D([], [], ms=float(np.sqrt(area)), label=f"score {score:.2f}", **circle)
        for score, area in _ends(graph.nodes["score"], NODE_AREA)
    ]
    edges = [
        Line2D([], [], lw=width, color=MUTED, label=f"{nats:.2f} nats per dimension")
        for nats, width in _ends(graph.edges["nats_per_dim"], EDGE_WIDTH)
    ]
    return nodes + edges


def _ends(values: pd.Series, limits: tuple[float, float]) -> list[tuple[float, float]]:
    """The smallest and the largest value with their drawn sizes; one entry if they are equal."""
    usable = values.dropna()
    if usable.empty:
        return []
    if usable.min() == usable.max():
        return [(float(usable.min()), sum(limits) / 2)]
    return [(float(usable.min()), limits[0]), (float(usable.max()), limits[1])]
