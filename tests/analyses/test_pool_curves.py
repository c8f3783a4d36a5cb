import numpy as np
import pandas as pd
import pytest

from suffice.analyses.pool_curves import (
    Summary,
    agreement_between_rankings,
    number_of_models_curve,
    reference_targets_curve,
)
from suffice.errors import DataError, EstimationError

N = 8


@pytest.fixture
def pairs():
    """What a source tells grows with its number, and a little with the target's; the rest is chance."""
    rng = np.random.default_rng(0)
    rows = [
        (f"m{source}", f"m{target}", source + 0.1 * target + 0.01 * rng.normal())
        for source in range(N)
        for target in range(N)
    ]
    return pd.DataFrame(rows, columns=["source", "target", "nats_per_dim"])


@pytest.fixture
def outcome():
    return pd.Series({f"m{model}": float(model) for model in range(N)})


def test_all_models_give_the_plain_correlation(pairs, outcome):
    curve = number_of_models_curve(pairs, outcome[::-1] * -1, [N], n_draws=3)
    assert curve.set_index("statistic")["mean"].to_dict() == pytest.approx(
        {"pearson": -1, "spearman": -1, "kendall": -1}, abs=0.01
    )
    assert curve["sd"].max() == pytest.approx(0, abs=1e-12)


def test_self_pairs_and_the_mean_are_as_asked(pairs, outcome):
    shifted = pairs.copy()
    own = shifted["source"] == shifted["target"]
    shifted.loc[own, "nats_per_dim"] = -100 * np.arange(N)  # turns the order round where it counts
    without = number_of_models_curve(shifted, outcome, [N], 2, Summary("mean"))
    within = number_of_models_curve(shifted, outcome, [N], 2, Summary("mean", self_pairs=True))
    spearman = [each.set_index("statistic").loc["spearman", "mean"] for each in (without, within)]
    assert spearman == pytest.approx([1, -1])


def test_a_model_without_an_outcome_is_a_target_but_has_no_say(pairs, outcome):
    known = outcome.drop("m0")
    curve = reference_targets_curve(pairs, known, [N], 2, Summary("median"))
    table = pairs[pairs["source"] != pairs["target"]].groupby("source")["nats_per_dim"].median()
    expected = table.drop("m0").corr(known, method="pearson")
    assert curve.set_index("statistic").loc["pearson", "mean"] == pytest.approx(expected)


@pytest.mark.parametrize("curve", [number_of_models_curve, reference_targets_curve])
def test_pools_of_two_estimators_are_ordered_by_the_pairs_of_both(pairs, outcome, curve):
    first, again = pairs.assign(estimator="first"), pairs.assign(estimator="second")
    twice = curve(pd.concat([first, again]), outcome, [4, N], 5)
    pd.testing.assert_frame_equal(twice, curve(pairs, outcome, [4, N], 5))
    against = again.assign(nats_per_dim=-again["nats_per_dim"])
    assert curve(pd.concat([first, against]), outcome, [N], 2)["mean"].isna().all()


def test_the_same_seed_gives_the_same_curve(pairs, outcome):
    first, second = (number_of_models_curve(pairs, outcome, [4, 6], 5, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert len(first) == 2 * 3 and (first["low"] <= first["high"]).all()


def test_agreement_between_rankings():
    first = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0})
    second = pd.Series({"a": 1.0, "b": 3.0, "c": 2.0, "e": 9.0})
    table = agreement_between_rankings({"one": first, "two": second}).set_index("statistic")
    assert table["n_models"].tolist() == [3, 3, 3]
    assert table.loc["spearman", "value"] == pytest.approx(0.5)
    assert table.loc["kendall", "value"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("sizes", "message"), [([3], "size 3 cannot be drawn; use a size from 4 to 8"), ([9], "size 9")]
)
def test_sizes_that_cannot_be(pairs, outcome, sizes, message):
    with pytest.raises(DataError, match=message):
        number_of_models_curve(pairs, outcome, sizes)


def test_missing_pairs_and_too_few_outcomes(pairs, outcome):
    with pytest.raises(EstimationError, match="the pair m0 -> m1 is missing"):
        number_of_models_curve(pairs.drop(index=1), outcome, [4])
    with pytest.raises(DataError, match="only 2 models have an outcome"):
        reference_targets_curve(pairs, outcome.iloc[:2], [1])
