"""A matrix of pairs as an HTML table for use with a pointer or the keyboard."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.analyses.base import PairMatrix
from suffice.numbers import MISSING, number
from suffice.page.tables import download_of

COLUMNS = ("source", "target", "nats_per_dim", "standard_error", "nats")
N_SHADES = 10
FEW = 2  # decimals; one more if the scale ends below 1


@dataclass(frozen=True)
class PairCell:
    """A formatted cell: nats per dimension, its standard error, total nats, and the class of its colour."""

    text: str
    error: str
    nats: str
    shade: str


@dataclass(frozen=True)
class MatrixView:
    """The formatted matrix.

    Attributes:
        caption: what it shows.
        label: its name for screen readers.
        corner: text of the corner cell, which names rows and columns.
        columns: the targets.
        rows: each source with its cells.
        download: the pairs as CSV in a data URI.
    """

    caption: str
    label: str
    corner: str
    columns: list[str]
    rows: list[tuple[str, list[PairCell]]]
    download: str


def view_matrix(matrix: PairMatrix, subject: str) -> MatrixView:
    """The matrix with formatted numbers and its colours chosen."""
    targets = set(matrix.data["target"])
    columns = [model for model in matrix.models if model in targets]
    pairs = {(row["source"], row["target"]): row for _, row in matrix.data.iterrows()}
    return MatrixView(
        caption="Nats per target dimension that the source (row) gives about the target (column); a stronger "
        f"colour means more, from {number(matrix.low)} to {number(matrix.high)}",
        label=f"Pairs of models ({subject})",
        corner="Source \\ target",
        columns=columns,
        rows=[
            (source, [_cell(pairs.get((source, target)), matrix) for target in columns])
            for source in matrix.models
        ],
        download=download_of(matrix.data[list(COLUMNS)]),
    )


def _cell(pair: pd.Series | None, matrix: PairMatrix) -> PairCell:
    digits = FEW if matrix.high >= 1 else FEW + 1
    if pair is None or pd.isna(pair["nats_per_dim"]):
        return PairCell(MISSING, "", "", "missing")
    value = float(pair["nats_per_dim"])
    color = "own" if pair["source"] == pair["target"] else shade(value, matrix)
    text = f"{value:.{digits}f}".replace("-", "−")
    return PairCell(text, _plain(float(pair["standard_error"])), number(pair["nats"]), color)


def _plain(error: float) -> str:
    """A standard error with two significant digits and no power of ten; a dash if missing."""
    return MISSING if np.isnan(error) else np.format_float_positional(float(f"{error:.2g}"), trim="-")


def shade(value: float, matrix: PairMatrix) -> str:
    """The class of a value's colour, from h0 at or below the scale's lower end to h9 at its upper end."""
    place = (value - matrix.low) / (matrix.high - matrix.low)
    return f"h{min(max(int(place * N_SHADES), 0), N_SHADES - 1)}"
