"""Noise of pairs, critical values and the intervals of scores, against known truth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from suffice.estimators.result import block_standard_error
from suffice.ranking.arrays import PairArrays, arrays_of
from suffice.ranking.order import by_nats
from suffice.ranking.resampling import (
    OF_DIFFERENCES,
    block_deviations,
    certain_comparisons,
    certain_differences,
    draw_noise,
    for_few_blocks,
    narrowing_of_scores,
    score_deviations,
    score_interval,
    step_down,
)

SIX = {f"m{number}": 0.1 * number for number in range(6)}


def test_block_deviations_have_the_standard_error_of_a_pair(made_up_pairs):
    pairs = made_up_pairs(SIX, noise=0.3)
    items = np.random.default_rng(0).integers(0, 5, 100).astype(float)
    pairs["block_items"] = [items] * len(pairs)
    pairs["block_nats"] = [each * (items > 0) for each in pairs["block_nats"]]
    arrays = arrays_of(pairs)
    error = np.sqrt(np.square(block_deviations(arrays)).sum(axis=2))
    row = pairs[(pairs["source"] == "m2") & (pairs["target"] == "m4")].iloc[0]
    assert error[2, 4] == pytest.approx(block_standard_error(row["block_nats"] / 2, items, 0 * items))


def test_noise_that_blocks_share_is_shared_by_what_is_drawn():
    deviation = np.random.default_rng(0).normal(size=(2, 50))
    deviation[1] = 2 * deviation[0]
    noise = draw_noise(deviation, 300, seed=1)
    np.testing.assert_allclose(noise[1], 2 * noise[0])
    assert noise[0].std() == pytest.approx(np.linalg.norm(deviation[0]), rel=0.15)  # of 300 draws


def test_the_critical_value_is_that_of_the_maximum_of_independent_noise():
    rows, draws = 40, 20_000
    noise = np.random.default_rng(0).normal(size=(rows, draws))
    critical = step_down(np.ones(rows), lambda left: np.abs(noise[left]).max(axis=0), 10**6)
    exact = stats.norm.ppf((1 + 0.95 ** (1 / rows)) / 2)  # Šidák
    assert critical == pytest.approx(exact, abs=0.03)


def test_certain_differences_make_the_others_easier():
    noise = np.random.default_rng(0).normal(size=(40, 20_000))
    size = np.r_[np.full(38, 50.0), 1.0, 1.0]
    critical = step_down(size, lambda left: np.abs(noise[left]).max(axis=0), 10**6)
    assert critical == pytest.approx(stats.norm.ppf((1 + np.sqrt(0.95)) / 2), abs=0.03)


def test_few_blocks_ask_for_students_t():
    assert for_few_blocks(1.959964, 10) == pytest.approx(stats.t.ppf(0.975, 9))
    assert for_few_blocks(4.0, 100_000) == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize(("n_models", "own"), [(4, 1.0), (8, 0.5)])
def test_of_equal_models_nothing_is_certain_in_95_percent(n_models, own, made_up_pairs):
    """The simultaneous level and the maximum over all pairs: any certain comparison would be wrong."""
    wrong, n_runs = 0, 120
    for seed in range(n_runs):
        arrays = arrays_of(
            made_up_pairs(dict.fromkeys("abcdefgh"[:n_models], 0.5), noise=0.5, own=own, seed=seed), True
        )
        block_nats = arrays.block_nats.copy()
        block_nats[np.diag_indices(n_models)] -= 30.0  # self pairs are worth 3 nats more
        arrays = PairArrays(**{**vars_of(arrays), "block_nats": block_nats})
        matrix = arrays.matrix()
        beyond = np.abs(matrix[:, None] - matrix[None]) > certain_comparisons(arrays, 200, seed)
        wrong += bool(beyond.any())
    # 5 % of 120 runs, with a standard error of 2 %.
    assert 0.0 < wrong / n_runs < 0.11


def vars_of(arrays):
    names = PairArrays.__dataclass_fields__
    return {name: getattr(arrays, name) for name in names}


def test_differences_of_scores_hold_all_at_once():
    """Ten equal scores of independent noise: one of 45 differences is certain in 5 % of draws."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(10, 2000))
    wrong = [
        (np.abs(score[:, None] - score) > certain_differences(score, noise, np.ones((10, 10)), 10**6)).any()
        for score in generator.normal(size=(400, 10))
    ]
    assert 0.02 < np.mean(wrong) < 0.085


@pytest.mark.parametrize("how", ["mean", "median"])
def test_intervals_of_scores_hold_the_truth_in_95_percent(how, made_up_pairs):
    held = []
    for seed in range(60):
        arrays = arrays_of(made_up_pairs(SIX, noise=0.5, own=0.5, seed=seed))
        low, high = score_interval(arrays, how, score_deviations(arrays, how, 300, seed))
        truth = np.array(list(SIX.values()))
        held.append((low <= truth) & (truth <= high))
    # Scores of one run share nothing here: 360 intervals, a standard error of 1.2 %.
    assert 0.91 < np.mean(held) < 0.985


def test_the_excess_of_blocks_is_taken_off_all_errors(made_up_pairs):
    """Half of the variance of every pair and of all that they have in common is excess."""
    arrays = arrays_of(made_up_pairs(SIX, noise=0.5, own=0.5))
    half = np.sqrt(0.5) * (arrays.block_nats - arrays.matrix()[..., None] * arrays.block_items)
    less = replace(arrays, block_excess_nats=np.nan_to_num(half))
    for threshold_of, left in (
        (lambda of: certain_comparisons(of, 200, 0), 1 - OF_DIFFERENCES / 2),
        (lambda of: by_nats(of, "mean", 200, 0).threshold, 1 - OF_DIFFERENCES / 2),
        (lambda of: np.diff(score_interval(of, "mean", score_deviations(of, "mean", 200, 0)), axis=0), 0.5),
    ):
        # Which differences are certain, and so the critical value, changes a little.
        before, after = threshold_of(arrays), threshold_of(less)
        compared = (before > 0) & np.isfinite(before)
        assert np.median(after[compared] / before[compared]) == pytest.approx(np.sqrt(left), rel=0.05)


def test_an_excess_that_two_models_have_in_common_is_not_in_their_difference(made_up_pairs):
    arrays = arrays_of(made_up_pairs(SIX, noise=0.5), self_pairs=True)
    common = np.random.default_rng(0).normal(size=arrays.n_blocks) * 4
    block_nats = arrays.block_nats + common - common.mean()
    with_common = replace(arrays, block_nats=block_nats)
    excess = np.broadcast_to(common - common.mean(), block_nats.shape)
    for how in ("mean", "median"):
        plain = by_nats(with_common, how, 200, 0).threshold
        np.testing.assert_allclose(
            by_nats(replace(with_common, block_excess_nats=excess), how, 200, 0).threshold, plain
        )
    of_one = excess * (np.arange(6) == 2)[:, None, None]
    assert (narrowing_of_scores(replace(with_common, block_excess_nats=of_one))[1][2, [0, 1, 3]] < 0.95).all()


def test_an_interval_stays_within_what_blocks_give(made_up_pairs):
    pairs = made_up_pairs({"a": 0.5, "b": 0.2, "c": 0.3}, noise=0.0)
    for row in pairs.itertuples():
        row.block_nats[:97] = 0.0
        row.block_items[3:] = 0.0
        row.block_nats[3:] = 0.0
        row.block_nats[:3] = np.array([0.1, 0.2, 6.9]) * 2 * 10  # three blocks, of which one is far out
    arrays = arrays_of(pairs)
    low, high = score_interval(arrays, "mean", score_deviations(arrays, "mean", 500, 0))
    assert (low >= 0.1 - 1e-9).all()
    assert (high <= 6.9 + 1e-9).all()
    assert (low < 2.4).all()
