"""Rows: the numbers in them are those of the estimator and of the channel."""

import numpy as np
import pytest

from suffice import estimate
from suffice.kinds.calibration.chains import ChainSize
from suffice.kinds.calibration.channel import ChannelSize
from suffice.kinds.calibration.channels import draw_channel
from suffice.kinds.calibration.evaluate import evaluate_chain, evaluate_channel, evaluate_invariance
from suffice.kinds.calibration.measure import measure_group
from suffice.storage.store import ResultStore
from suffice.study.estimators import EstimatorChoice

LINEAR = EstimatorChoice("mine", "linear", {})
CAPPED = EstimatorChoice("capped", "linear", {"variance_floor": 0.9})
SIZE = ChannelSize(8, 6, 1000, 0.5)


def test_a_row_holds_truth_estimate_and_errors():
    row = evaluate_channel("gaussian", SIZE, LINEAR, seed=3)
    draw = draw_channel("gaussian", SIZE, seed=3)
    result = estimate(draw.source, draw.target, seed=3)
    assert row["estimator"] == "mine" and row["family"] == "Gaussian" and row["refused"] == ""
    assert row["truth_nats_per_dim"] == pytest.approx(0.5)
    assert row["estimate_nats_per_dim"] == result.nats_per_dim
    assert row["error_nats_per_dim"] == pytest.approx(result.nats_per_dim - 0.5)
    assert row["relative_error"] == pytest.approx(row["error_nats_per_dim"] / 0.5)
    assert row["own_error_nats_per_dim"] == pytest.approx(result.nats_per_dim - draw.linear_nats / 6)
    assert row["standard_error_nats_per_dim"] == pytest.approx(result.standard_error_nats / 6)
    assert row["seconds"] > 0


def test_covered_says_whether_the_interval_holds_the_truth():
    rows = [evaluate_channel("nearly-deterministic", SIZE, choice, seed=0) for choice in (LINEAR, CAPPED)]
    for row in rows:
        held = abs(row["error_nats_per_dim"]) <= 1.96 * row["standard_error_nats_per_dim"]
        assert row["covered"] == held
    assert not rows[1]["covered"]  # a cap at 0.05 nats per dimension
    assert "variance floor" in rows[1]["warnings"]


def test_independence_has_no_relative_error():
    row = evaluate_channel("gaussian", ChannelSize(4, 4, 500, 0.0), LINEAR, seed=0)
    assert row["relative_error"] is None and abs(row["estimate_nats_per_dim"]) < 0.02


def test_an_estimator_that_refuses_says_why():
    row = evaluate_channel("gaussian", ChannelSize(4, 4, 20, 0.5), LINEAR, seed=0)
    assert "20 items are too few" in row["refused"]
    assert "estimate_nats_per_dim" not in row


def test_a_chain_comes_out_in_order_and_rotations_tied():
    rows = evaluate_chain("noise", ChainSize(6, 16, 1500, 0.15), LINEAR, seed=0)
    assert [row["aggregate"] for row in rows] == ["mean", "median"]
    assert rows[0]["kendall_tau"] == pytest.approx(1) and rows[0]["in_order"]
    assert not rows[0]["all_tied"]
    (mean, _) = evaluate_chain("rotation", ChainSize(4, 16, 1500, 0.2), LINEAR, seed=0)
    assert mean["kendall_tau"] is None and mean["all_tied"]
    assert mean["score_spread_nats_per_dim"] < 0.05 < rows[0]["score_spread_nats_per_dim"]


def test_only_the_axes_of_the_target_matter_to_linear():
    rows = evaluate_invariance("gaussian", ChannelSize(8, 8, 1000, 0.5), LINEAR, seed=0)
    difference = {(row["side"], row["change"]): abs(row["difference_nats_per_dim"]) for row in rows}
    assert len(difference) == 4
    assert difference.pop(("target", "rotated")) > 1e-3
    # Rounding to single precision; a ridge penalty depends on the axes of the source, but is tiny here.
    assert max(difference.values()) < 1e-3


def test_what_is_measured_once_is_kept(tmp_path):
    store = ResultStore(tmp_path)
    settings = [
        {"name": "gaussian", "size": vars(SIZE), "draw": draw, "dim": 8, "n_items": 1000} for draw in (0, 1)
    ]
    first, n_first = measure_group("channels", settings[:1], LINEAR, 0, "cpu", store)
    both, n_both = measure_group("channels", settings, LINEAR, 0, "cpu", store)
    assert (n_first, n_both) == (1, 1)
    assert both["estimate_nats_per_dim"][0] == first["estimate_nats_per_dim"][0]
    assert both["estimate_nats_per_dim"].nunique() == 2  # draws have seeds of their own
    renamed, n_renamed = measure_group(
        "channels", settings, EstimatorChoice("other", "linear", {}), 0, "cpu", store
    )
    assert n_renamed == 0 and set(renamed["estimator"]) == {"other"}
    _, n_changed = measure_group("channels", settings, CAPPED, 0, "cpu", store)
    assert n_changed == 2


def test_chains_and_changes_are_measured_by_their_part(tmp_path):
    store = ResultStore(tmp_path)
    chain = {"name": "noise", "size": vars(ChainSize(3, 8, 200, 0.2)), "draw": 0, "dim": 8, "n_items": 200}
    change = {"name": "gaussian", "size": vars(SIZE), "draw": 0, "dim": 8, "n_items": 1000}
    chains, _ = measure_group("chains", [chain], LINEAR, 0, "cpu", store)
    changes, _ = measure_group("invariance", [change], LINEAR, 0, "cpu", store)
    assert set(chains["aggregate"]) == {"mean", "median"} and len(changes) == 4
    again, n_made = measure_group("chains", [chain], LINEAR, 0, "cpu", store)
    assert n_made == 0 and np.allclose(again["kendall_tau"], chains["kendall_tau"])
