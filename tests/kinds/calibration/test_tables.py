"""Tables: means, shares and what is left out of comparisons."""

import numpy as np
import pandas as pd
import pytest

from suffice.kinds.calibration.tables import (
    accuracy_table,
    common_settings,
    invariance_table,
    order_table,
    read_rows,
    summary_table,
    write_tables,
)
from suffice.storage.files import read_table, write_table


def row(estimator, channel="gaussian", dim=4, nats=1.0, estimate=0.9, draw=0, refused="", **more):
    family = "Gaussian" if channel == "gaussian" else "classes"
    setting = {"channel": channel, "family": family, "source_dim": dim, "target_dim": dim, "n_items": 100}
    setting |= {"nats_per_dim": nats, "seed": draw, "estimator": estimator}
    truth = {"truth_nats_per_dim": nats, "truth_error_nats_per_dim": 0.0, "linear_nats_per_dim": nats}
    truth |= {"gaussian_nats_per_dim": nats}
    if refused:
        return setting | truth | {"refused": refused}
    error = estimate - nats
    return (
        setting
        | truth
        | {
            "estimate_nats_per_dim": estimate,
            "error_nats_per_dim": error,
            "relative_error": error / nats if nats else None,
            "own_error_nats_per_dim": error,
            "covered": abs(error) < 0.15,
            "own_covered": True,
            "converged": True,
            "seconds": 2.0,
            "refused": "",
        }
        | more
    )


ROWS = pd.DataFrame(
    [
        row("a", estimate=0.9, draw=0),
        row("a", estimate=1.2, draw=1),
        row("b", estimate=0.5, draw=0),
        row("b", estimate=0.5, draw=1),
        row("a", channel="mixture", estimate=0.25),
        row("b", channel="mixture", estimate=1.0),
        row("a", nats=0.0, estimate=-0.02),
        row("b", nats=0.0, estimate=0.01),
        row("a", dim=64, estimate=1.0),
        row("b", dim=8, refused="too wide"),
        row("a", dim=8, estimate=0.0),
    ]
)


def cell(table, column, **where):
    chosen = table
    for key, value in where.items():
        chosen = chosen[chosen[key] == value]
    (found,) = chosen[column]
    return found


def test_accuracy_is_over_draws():
    table = accuracy_table(ROWS)
    where = {"estimator": "a", "channel": "gaussian", "target_dim": 4, "nats_per_dim": 1.0}
    assert cell(table, "error_nats_per_dim", **where) == pytest.approx(0.05)
    assert cell(table, "relative_error", **where) == pytest.approx(0.15)  # of sizes, not of signed errors
    assert cell(table, "error_spread_nats_per_dim", **where) == pytest.approx(0.3 / np.sqrt(2))
    assert cell(table, "covered", **where) == 0.5
    assert cell(table, "n_draws", **where) == 2
    assert cell(table, "n_refused", estimator="b", target_dim=8) == 1


def test_only_settings_that_all_measured_are_compared():
    shared = common_settings(accuracy_table(ROWS))
    assert set(shared["target_dim"]) == {4}
    assert len(shared) == 6


def test_the_summary_takes_medians_over_common_settings():
    summary = summary_table(
        accuracy_table(ROWS), order_table(pd.DataFrame()), invariance_table(pd.DataFrame())
    )
    assert cell(summary, "gaussian_error", estimator="a") == pytest.approx(0.15)
    assert cell(summary, "other_error", estimator="a") == pytest.approx(0.75)
    assert cell(summary, "own_error", estimator="b") == pytest.approx(0.25)  # of 0.5 and 0
    assert cell(summary, "independent_nats_per_dim", estimator="a") == pytest.approx(-0.02)
    assert cell(summary, "n_settings", estimator="a") == 5
    assert cell(summary, "n_refused", estimator="b") == 1
    assert np.isnan(cell(summary, "in_order", estimator="a"))


def test_order_and_invariance():
    chain = {
        "chain": "noise",
        "n_models": 3,
        "dim": 8,
        "n_items": 100,
        "step_nats_per_dim": 0.1,
        "seconds": 1.0,
    }
    chains = pd.DataFrame(
        [
            chain | {"estimator": "a", "aggregate": aggregate, "kendall_tau": tau, "in_order": tau == 1}
            | {"all_tied": False, "n_groups": 2}
            for aggregate, tau in [("mean", 1.0), ("mean", 0.5), ("median", -1.0)]
        ]
    )  # fmt: skip
    order = order_table(chains)
    assert cell(order, "kendall_tau", aggregate="mean") == pytest.approx(0.75)
    changes = pd.DataFrame(
        {
            "estimator": "a",
            "side": "source",
            "change": "rotated",
            "difference_nats_per_dim": [0.1, -0.3],
        }
    )
    invariance = invariance_table(changes)
    assert cell(invariance, "largest_difference_nats_per_dim", estimator="a") == pytest.approx(0.3)
    summary = summary_table(accuracy_table(ROWS), order, invariance)
    assert cell(summary, "in_order", estimator="a") == 0.5
    assert cell(summary, "source_rotation_nats_per_dim", estimator="a") == pytest.approx(0.3)
    assert np.isnan(cell(summary, "in_order", estimator="b"))


def test_tables_are_written_for_people_and_machines(tmp_path):
    write_table(ROWS, tmp_path / "rows.parquet")
    files = {"channels": [str(tmp_path / "rows.parquet")], "chains": [], "invariance": []}
    write_tables(files, tmp_path / "tables", tmp_path / "summary.csv")
    for name in ("accuracy", "order", "invariance"):
        people, machines = (read_table(tmp_path / "tables" / f"{name}.{kind}") for kind in ("csv", "parquet"))
        assert list(people) == list(machines) and len(people) == len(machines)
    assert set(read_table(tmp_path / "summary.csv")["estimator"]) == {"a", "b"}
    assert read_rows([]).empty
