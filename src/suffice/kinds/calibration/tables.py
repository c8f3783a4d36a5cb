"""From measured rows to the tables of a calibration study."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.storage.files import read_table, write_table

SETTING = ["channel", "family", "source_dim", "target_dim", "n_items", "nats_per_dim"]
ACCURACY_COLUMNS = [
    "estimator", *SETTING, "truth_nats_per_dim", "linear_nats_per_dim", "gaussian_nats_per_dim",
    "estimate_nats_per_dim", "error_nats_per_dim", "error_spread_nats_per_dim", "relative_error",
    "own_error_nats_per_dim", "covered", "own_covered", "converged", "seconds", "n_draws", "n_refused",
]  # fmt: skip
ORDER_SETTING = ["chain", "n_models", "dim", "n_items", "step_nats_per_dim"]
ORDER_COLUMNS = [
    "estimator", "aggregate", *ORDER_SETTING, "kendall_tau", "in_order", "all_tied", "n_groups", "seconds",
    "n_draws",
]  # fmt: skip
INVARIANCE_COLUMNS = ["estimator", "side", "change", "largest_difference_nats_per_dim", "n_draws"]
SUMMARY_COLUMNS = [
    "estimator", "n_settings", "n_refused", "gaussian_error", "other_error", "own_error",
    "independent_nats_per_dim", "covered", "own_covered", "in_order", "rotations_tied",
    "source_rotation_nats_per_dim", "seconds",
]  # fmt: skip
GAUSSIAN_FAMILY = "Gaussian"


def read_rows(files: Sequence[str]) -> pd.DataFrame:
    """The rows of several files as one table; empty if there are no files."""
    tables = [table for table in map(read_table, map(Path, files)) if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def accuracy_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per estimator and setting: means over draws, and the spread between draws.

    `error_nats_per_dim` is the bias, and `relative_error` the mean of the absolute relative errors. `covered`
    is the share of draws whose 95 % interval includes the truth, and `own_covered` the share that includes
    the limit of the estimator's own family. `seconds` is the median.
    """
    rows = rows.assign(relative_error=rows["relative_error"].astype(float).abs())
    grouped = rows.groupby(["estimator", *SETTING], sort=False)
    means = [
        "truth_nats_per_dim", "linear_nats_per_dim", "gaussian_nats_per_dim", "estimate_nats_per_dim",
        "error_nats_per_dim", "relative_error", "own_error_nats_per_dim", "covered", "own_covered",
        "converged",
    ]  # fmt: skip
    table = grouped[means].agg(_mean)
    table["error_spread_nats_per_dim"] = grouped["error_nats_per_dim"].std()
    table["seconds"] = grouped["seconds"].median()
    table["n_draws"] = grouped.size()
    table["n_refused"] = grouped["refused"].agg(lambda reasons: int((reasons != "").sum()))
    return table.reset_index()[ACCURACY_COLUMNS]


def _mean(values: "pd.Series[float]") -> float:
    """Mean of the values that exist, with true as 1 and false as 0; NaN if there are no values."""
    return float(pd.to_numeric(values, errors="coerce").astype(float).mean())


def order_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per estimator, aggregate and chain: mean tau, and shares of draws."""
    if rows.empty:
        return pd.DataFrame(columns=ORDER_COLUMNS)
    grouped = rows.groupby(["estimator", "aggregate", *ORDER_SETTING], sort=False)
    table = grouped[["kendall_tau", "in_order", "all_tied", "n_groups"]].agg(_mean)
    table["seconds"] = grouped["seconds"].median()
    table["n_draws"] = grouped.size()
    return table.reset_index()[ORDER_COLUMNS]


def invariance_table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per estimator and change: the largest difference."""
    if rows.empty:
        return pd.DataFrame(columns=INVARIANCE_COLUMNS)
    rows = rows.assign(largest_difference_nats_per_dim=rows["difference_nats_per_dim"].abs())
    grouped = rows.groupby(["estimator", "side", "change"], sort=False)["largest_difference_nats_per_dim"]
    return grouped.agg(largest_difference_nats_per_dim="max", n_draws="size").reset_index()


def summary_table(accuracy: pd.DataFrame, order: pd.DataFrame, invariance: pd.DataFrame) -> pd.DataFrame:
    """One row per estimator.

    Errors, coverage and seconds are over the settings that all estimators measured, so an estimator with
    limits is not compared on easier ones. `gaussian_error` and `other_error` are medians of the relative
    error on Gaussian and on other channels. `own_error` is the same relative to the limit of the estimator's
    own family. `independent_nats_per_dim` is the estimate with the largest size on independent data.
    """
    shared = common_settings(accuracy)
    rows = []
    for name in accuracy["estimator"].unique():
        own = shared[shared["estimator"] == name]
        dependent = own[own["truth_nats_per_dim"] > 0]
        gaussian = dependent["family"] == GAUSSIAN_FAMILY
        every = accuracy[accuracy["estimator"] == name]
        rows.append(
            {
                "estimator": name,
                "n_settings": len(every),
                "n_refused": int((every["n_refused"] > 0).sum()),
                "gaussian_error": dependent.loc[gaussian, "relative_error"].median(),
                "other_error": dependent.loc[~gaussian, "relative_error"].median(),
                "own_error": _own_error(dependent),
                "independent_nats_per_dim": _largest(own[own["truth_nats_per_dim"] == 0]),
                "covered": _weighted(own, "covered"),
                "own_covered": _weighted(own, "own_covered"),
                "in_order": _share(order, name, "in_order", lambda chain: chain != "rotation"),
                "rotations_tied": _share(order, name, "all_tied", lambda chain: chain == "rotation"),
                "source_rotation_nats_per_dim": _rotation(invariance, name),
                "seconds": own["seconds"].median(),
            }
        )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def common_settings(accuracy: pd.DataFrame) -> pd.DataFrame:
    """The rows of the settings that every estimator measured."""
    estimated = accuracy[accuracy["estimate_nats_per_dim"].notna()]
    count = estimated.groupby(SETTING)["estimator"].transform("nunique")
    return estimated[count == accuracy["estimator"].nunique()]


def _own_error(rows: pd.DataFrame) -> float:
    """Median of the error relative to the limit of the estimator's own family."""
    own_value = rows["estimate_nats_per_dim"] - rows["own_error_nats_per_dim"]
    return float((rows["own_error_nats_per_dim"] / own_value).abs().median())


def _largest(rows: pd.DataFrame) -> float:
    """The estimate with the largest size, with its sign."""
    if rows.empty:
        return float("nan")
    estimates = rows["estimate_nats_per_dim"].astype(float)
    return float(estimates.iloc[int(estimates.abs().argmax())])


def _weighted(rows: pd.DataFrame, column: str) -> float:
    """Mean over draws of a share by setting."""
    known = rows[rows[column].notna()]
    return float(np.average(known[column], weights=known["n_draws"])) if len(known) else float("nan")


def _share(
    order: pd.DataFrame, estimator: str, column: str, chosen: Callable[["pd.Series[str]"], "pd.Series[bool]"]
) -> float:
    """Share of draws, with means over targets as scores."""
    rows = order[(order["estimator"] == estimator) & (order["aggregate"] == "mean") & chosen(order["chain"])]
    return _weighted(rows, column)


def _rotation(invariance: pd.DataFrame, estimator: str) -> float:
    rows = invariance[
        (invariance["estimator"] == estimator)
        & (invariance["side"] == "source")
        & (invariance["change"] == "rotated")
    ]
    return float(rows["largest_difference_nats_per_dim"].max())


def write_tables(files: dict[str, Sequence[str]], folder: Path, summary: Path) -> None:
    """Write accuracy, order and invariance, each as CSV and as Parquet, and the summary.

    Args:
        files: the measured rows of each part: channels, chains, invariance.
        folder: folder for the three tables.
        summary: file for the summary.
    """
    tables = {
        "accuracy": accuracy_table(read_rows(files["channels"])),
        "order": order_table(read_rows(files["chains"])),
        "invariance": invariance_table(read_rows(files["invariance"])),
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
        write_table(table, folder / f"{name}.parquet")
    write_table(summary_table(**tables), summary)
