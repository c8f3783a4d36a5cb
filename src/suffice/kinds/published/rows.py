"""Rows of the side-by-side table: the printed number, the recomputed number, and whether they agree."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

PRINTED, BEFORE = "printed", "computed before"
REPRODUCED, DIFFERS, IMPOSSIBLE, NEW = "reproduced", "differs", "not recomputable", "new"
ROUNDING = "half a unit of the last printed digit"


@dataclass(frozen=True)
class Row:
    """One number.

    Attributes:
        part: the part of the paper or of the additional results that it belongs to.
        what: description of the number.
        statistic: pearson, spearman, kendall or another name.
        published: as printed; NaN for an addition.
        recomputed: NaN where it cannot be recomputed.
        low: lower end of its 95 % interval; NaN if there is no interval.
        high: upper end of the interval.
        n_models: number of models behind it.
        tolerance: largest difference that counts as agreement.
        origin: source of `published`: printed in the paper or in its code's outputs, or computed earlier from
            the same tables.
        reason: reason for the tolerance, why it cannot be recomputed, or a note for the reader.
    """

    part: str
    what: str
    statistic: str
    published: float = np.nan
    recomputed: float = np.nan
    low: float = np.nan
    high: float = np.nan
    n_models: int | None = None
    tolerance: float = np.nan
    reason: str = ""
    origin: str = PRINTED

    @property
    def status(self) -> str:
        """Whether the two agree; a number that was not printed counts as new, not as agreement."""
        if np.isnan(self.published):
            return NEW
        if np.isnan(self.recomputed):
            return IMPOSSIBLE
        # a printed digit may be rounded either way at exactly half a unit
        return REPRODUCED if abs(self.recomputed - self.published) <= self.tolerance * (1 + 1e-9) else DIFFERS


def side_by_side(rows: list[Row]) -> pd.DataFrame:
    """The rows as a table, with difference and status."""
    cells = [
        {**asdict(row), "difference": row.recomputed - row.published, "status": row.status} for row in rows
    ]
    order = [
        "part", "what", "statistic", "published", "recomputed", "difference", "tolerance", "status", "low",
        "high", "n_models", "reason", "origin",
    ]  # fmt: skip
    return pd.DataFrame(cells)[order].astype({"n_models": "Int64"})


def rounding_of(n_digits: int) -> float:
    """Half a unit of the last digit, for this number of decimals."""
    return 0.5 * 10**-n_digits
