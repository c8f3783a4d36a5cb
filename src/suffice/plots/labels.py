"""Names beside points, placed so that they overlap neither each other nor a point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from suffice.plots.style import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

DIRECTIONS = ((1, 0), (0.8, 0.7), (0.8, -0.7), (-1, 0), (-0.8, 0.7), (-0.8, -0.7), (0, 1), (0, -1))
REACHES_POINTS = (2.5, 6.0, 12.0, 21.0, 33.0, 49.0, 69.0, 97.0)
LEADER_FROM_POINTS = 12.0


def settle(figure: Figure) -> None:
    """Run the layout of the figure and fix it, so that positions in pixels no longer change."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def place_labels(
    axes: Axes,
    anchors: np.ndarray,
    names: Sequence[str],
    obstacles: np.ndarray,
    radii: np.ndarray | float = 2.5,
    size: float = 6.5,
) -> list[Annotation]:
    """Write each name at the nearest free place to its point; a distant name gets a thin line to its point.

    Settle the figure first.

    Args:
        axes: where to write.
        anchors: points to name, in data coordinates, shape (n_names, 2).
        names: the names, in order of importance: earlier ones get the better places.
        obstacles: points that must stay visible, in data coordinates, shape (n_obstacles, 2).
        radii: radius of the named marks in points, shape (n_names,) or one for all.
        size: font size in points.
    """
    points = axes.transData.transform(np.asarray(obstacles, dtype=float).reshape(-1, 2))
    taken: list[np.ndarray] = []
    placed = []
    for anchor, name, radius in zip(anchors, names, np.broadcast_to(radii, len(names)), strict=True):
        label = axes.annotate(name, anchor, (0, 0), textcoords="offset points", fontsize=size, color=INK)
        label.set_in_layout(False)
        offset, box = _best_place(axes, label, float(radius), points, taken)
        _move(label, offset)
        taken.append(box)
        placed.append(label)
    return placed


def _best_place(
    axes: Axes, label: Annotation, radius: float, points: np.ndarray, taken: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The offset in points, and the box in pixels, of the free place nearest to the label's point."""
    frame = np.array(axes.get_window_extent().padded(2).extents)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for offset, box in _candidates(axes, label, radius):
        cost = _cost(box, frame, points, taken)
        if best is None or cost < best[0]:
            best = (cost, offset, box)
        if cost == 0:
            break
    assert best is not None  # there is always a candidate
    return best[1], best[2]


def _candidates(axes: Axes, label: Annotation, radius: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Offsets of the label's centre in points, nearest first, with the box (x0, y0, x1, y1) in pixels."""
    from matplotlib.figure import Figure

    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    pixels = figure.dpi / 72
    extent = label.get_window_extent()
    half = np.array([extent.width, extent.height]) / 2 + 0.5 * pixels
    centre = axes.transData.transform(label.xy)
    for reach in REACHES_POINTS:
        for direction in np.array(DIRECTIONS):
            edge = np.sign(direction) * half / pixels * (np.abs(direction) > 0.5)
            offset = direction * (radius + reach) + edge
            middle = centre + offset * pixels
            yield offset, np.concatenate([middle - half, middle + half])


def _cost(box: np.ndarray, frame: np.ndarray, points: np.ndarray, taken: list[np.ndarray]) -> float:
    """Cost of a place: pixels over another name count most, then covered points, then pixels outside."""
    outside = np.maximum(0, np.concatenate([frame[:2] - box[:2], box[2:] - frame[2:]])).sum()
    inside = ((points >= box[:2] - 2) & (points <= box[2:] + 2)).all(axis=1).sum()
    others = np.array(taken).reshape(-1, 4)
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    overlap = np.maximum(0, shared).prod(axis=1).sum()
    return float(outside + 40 * inside + 100 * overlap)


def _move(label: Annotation, offset: np.ndarray) -> None:
    """Put the label's centre at `offset`, with a thin line to its point if that is far away."""
    label.set_position(tuple(offset))
    label.set(ha="center", va="center")
    if np.abs(offset[1]) >= LEADER_FROM_POINTS + 3 or np.hypot(*offset) > 60:
        label.axes.annotate(  # type: ignore[union-attr]
            "",
            label.xy,
            tuple(offset),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": MUTED, "lw": 0.4, "shrinkA": 3, "shrinkB": 2},
            zorder=1,
        ).set_in_layout(False)
