"""Rows of the side-by-side table: what was printed, what comes out here, and whether the two agree."""

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
        part: which part of the paper or of the additions it belongs to.
        what: what it is.
        statistic: pearson, spearman, kendall or another name.
        published: as printed; NaN for an addition.
        recomputed: NaN where it cannot be recomputed.
        low: lower end of its 95 % interval; NaN where there is none.
        high: upper end.
        n_models: number of models that it is over.
        tolerance: largest difference that counts as agreement.
        origin: where `published` is from: printed in the paper or its code's outputs, or computed before from
            the same tables.
        reason: where the tolerance comes from; why it cannot be recomputed; or what a reader should know.
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
        """Whether the two agree; a number that was not printed is new, not a pass."""
        if np.isnan(self.published):
            return NEW
        if np.isnan(self.recomputed):
            return IMPOSSIBLE
        # a printed digit may be rounded either way at exactly half a unit
        return REPRODUCED if abs(self.recomputed - self.published) <= self.tolerance * (1 + 1e-9) else DIFFERS


def side_by_side(rows: list[Row]) -> pd.DataFrame:
    """Rows as a table, with difference and status."""
    cells = [
        {**asdict(row), "difference": row.recomputed - row.published, "status": row.status} for row in rows
    ]
    order = [
        "part", "what", "statistic", "published", "recomputed", "difference", "tolerance", "status", "low",
        "high", "n_models", "reason", "origin",
    ]  # fmt: skip
    return pd.DataFrame(cells)[order].astype({"n_models": "Int64"})


def rounding_of(n_digits: int) -> float:
    """Half a unit of the last of so many digits behind the point."""
    return 0.5 * 10**-n_digits
