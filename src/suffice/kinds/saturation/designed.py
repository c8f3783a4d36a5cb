"""A designed experiment: which settings decide rule extrapolation at equal loss?

A half fraction of a two-level factorial is crossed with the kinds of positions. The fraction has resolution
V: no main effect is mixed with an interaction of two or three of the five factors.

Source: Box, Hunter and Hunter, Statistics for Experimenters, 2nd ed., chapter 6.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy

from suffice.errors import DataError
from suffice.kinds.saturation.generalisation_tables import agreement_table, network_table
from suffice.kinds.saturation.generalising import KindJob, train_kind
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.settings import DesignSettings
from suffice.seeds import derive_seed
from suffice.storage.files import write_table

KIND = "rule"
POSITIONS = "positions"
LAYERS, OPTIMISER, RATE, DECAY, BATCH = (
    "layers", "optimiser", "learning rate", "weight decay", "strings per step",
)  # fmt: skip
FACTORS: dict[str, tuple[Any, Any]] = {
    LAYERS: (1, 2),
    OPTIMISER: ("adamw", "rmsprop"),
    RATE: (0.002, 0.006),
    DECAY: (0.0, 0.1),
    BATCH: (8, 4),  # all strings of the language, or some that are drawn: the order of the data
}
QUANTITIES = ("accuracy", "excess_nats")
LEVEL = 0.95
LEAST_NETWORKS = 16


def design() -> Iterator[dict[str, Any]]:
    """The 16 settings: the last factor's level is the product of the other four's."""
    for signs in itertools.product((0, 1), repeat=len(FACTORS) - 1):
        levels = (*signs, sum(signs) % 2)
        yield {name: FACTORS[name][level] for name, level in zip(FACTORS, levels, strict=True)}


def train_design(architecture: str, settings: DesignSettings, seed: int) -> pd.DataFrame:
    """Train the networks of one architecture with every setting of the design, to one excess.

    Args:
        architecture: which positions.
        settings: number and size of the networks, and the fit that the design varies.
        seed: base seed of the study.

    Returns:
        One row per network: the runs of `train_kind`, the columns of `FACTORS`, and accuracy, the share of
        new prompts that are answered by the rule.
    """
    tables = []
    for number, row in enumerate(design()):
        fitting = settings.fitting.model_copy(
            update={
                "optimiser": row[OPTIMISER],
                "learning_rate": row[RATE],
                "weight_decay": row[DECAY],
                "batch_size": row[BATCH],
            }
        )
        own = settings.model_copy(update={"n_layers": row[LAYERS], "fitting": fitting})
        made = train_kind(KindJob(KIND, architecture, own, derive_seed(seed, "design", str(number))))
        found = network_table(made.runs, agreement_table(made.answers), 1.0)
        tables.append(found[found["part"] != IN].assign(design=number, **row))
    return pd.concat(tables, ignore_index=True)


def write_design(architecture: str, settings: DesignSettings, seed: int, path: Path) -> None:
    """Train the networks of `train_design` and write their table."""
    write_table(train_design(architecture, settings, seed), path)


def effect_table(networks: pd.DataFrame) -> pd.DataFrame:
    """Main effects of all factors on accuracy and on the excess, by least squares.

    Args:
        networks: rows of `train_design` of all architectures. Networks that did not reach the target are left
            out.

    Returns:
        quantity, factor, level, baseline, effect (mean at the level minus mean at the baseline, all others
        being balanced), low, high (95 %, Student's t), eta_squared (share of the factor in what it and the
        residuals explain), n_networks.

    Raises:
        DataError: hardly any network reached the target.
    """
    used = networks[networks["reached"]].rename(columns={"architecture": POSITIONS})
    if len(used) < LEAST_NETWORKS:
        raise DataError(
            f"{len(used)} networks of the designed experiment reached the target loss; raise "
            f"design.fitting.max_steps or target_excess_nats"
        )
    factors = {POSITIONS: list(dict.fromkeys(used[POSITIONS])), **{k: list(v) for k, v in FACTORS.items()}}
    columns = {
        (factor, level): (used[factor] == level).to_numpy(dtype=float)
        for factor, levels in factors.items()
        for level in levels[1:]
    }
    matrix = np.column_stack([np.ones(len(used)), *columns.values()])
    places = {key: place for place, key in enumerate(columns, start=1)}
    rows = []
    for quantity in QUANTITIES:
        values = used[quantity].to_numpy(dtype=float)
        effects, errors, freedom = _least_squares(matrix, values)
        half = scipy.stats.t.ppf((1 + LEVEL) / 2, freedom) * errors
        for (factor, level), place in places.items():
            own = [each for key, each in places.items() if key[0] == factor]
            rows.append(
                {
                    "quantity": quantity,
                    "factor": factor,
                    "level": level,
                    "baseline": factors[factor][0],
                    "effect": effects[place],
                    "low": effects[place] - half[place],
                    "high": effects[place] + half[place],
                    "eta_squared": _eta_squared(matrix, values, own),
                    "n_networks": len(used),
                }
            )
    return pd.DataFrame(rows)


def _least_squares(matrix: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients, their standard errors, and the residuals' degrees of freedom."""
    effects = np.linalg.lstsq(matrix, values, rcond=None)[0]
    freedom = len(values) - np.linalg.matrix_rank(matrix)
    variance = _residual(matrix, values) / freedom
    return effects, np.sqrt(variance * np.diag(np.linalg.pinv(matrix.T @ matrix))), int(freedom)


def _residual(matrix: np.ndarray, values: np.ndarray) -> float:
    left = values - matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0]
    return float(left @ left)


def _eta_squared(matrix: np.ndarray, values: np.ndarray, own: list[int]) -> float:
    """Partial eta squared of some columns; 0 if neither they nor the residuals vary."""
    without = _residual(np.delete(matrix, own, axis=1), values)
    return float(1 - _residual(matrix, values) / without) if without > 0 else 0.0
