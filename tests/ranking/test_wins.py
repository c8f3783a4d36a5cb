"""Win rates, and what open comparisons leave of their differences."""

from itertools import permutations

import numpy as np
import pytest

from suffice.ranking.arrays import PairArrays, aggregate
from suffice.ranking.wins import (
    least_differences,
    observed_wins,
    rate_bounds,
    stands_above,
    transitive,
    win_rates,
    win_shares,
)


def arrays_from(matrix, relatives=None, two_looks=False, targets=None):
    """Pairs of one block, whose targets are all models unless places are given."""
    n_models, n_columns = matrix.shape
    places = list(range(n_columns)) if targets is None else targets
    names = [f"m{place:02}" for place in range(n_models)]
    counted = np.arange(n_models)[:, None] != np.array(places)
    return PairArrays(
        names,
        [names[place] for place in places],
        [""] * n_columns,
        matrix[..., None],
        np.zeros((n_models, n_columns, 1)),
        np.ones((n_columns, 1)),
        counted | two_looks,
        1,
        relatives or names,
    )


def random_pool(generator, most=5):
    n_models = int(generator.integers(3, most))
    strength = generator.normal(size=(n_models, 1)) * generator.choice([0.0, 0.5, 2.0])
    relatives = [f"r{group}" for group in generator.integers(0, 3, n_models)]
    matrix = strength + generator.normal(size=(n_models, n_models))
    return arrays_from(
        matrix, relatives if generator.random() < 0.5 else None, two_looks=bool(generator.random() < 0.5)
    )


def test_a_win_rate_is_the_share_of_won_comparisons():
    matrix = np.array([[9.0, 2.0, 3.0], [1.0, 9.0, 1.0], [2.0, 1.0, 9.0]])
    # a beats b on c and c on b; b and c meet on a alone, where c wins.
    np.testing.assert_allclose(win_rates(arrays_from(matrix), matrix_of(matrix)), [1.0, 0.0, 0.5])


def matrix_of(matrix):
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)


def test_with_shared_targets_win_rates_order_as_mean_ranks_within_targets():
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(7, 7))
    arrays = arrays_from(matrix, two_looks=True)
    ranks = (matrix[:, None] > matrix[None]).sum(axis=1).mean(axis=1)
    np.testing.assert_allclose(win_rates(arrays, arrays.matrix()), ranks / 6)


def test_the_plain_aggregate_is_the_win_rate_of_models_without_relatives():
    matrix = np.random.default_rng(1).normal(size=(6, 6))
    arrays = arrays_from(matrix)
    np.testing.assert_allclose(aggregate(arrays.matrix(), "ranks"), win_rates(arrays, arrays.matrix()))
    many = np.stack([arrays.matrix(), -arrays.matrix()])
    np.testing.assert_allclose(aggregate(many, "ranks").sum(axis=0), 1.0)


@pytest.mark.parametrize("two_looks", [True, False])
def test_who_wins_on_every_common_target_never_has_the_lower_win_rate(two_looks):
    generator = np.random.default_rng(2)
    seen = 0
    for _ in range(300):
        n_models = int(generator.integers(3, 9))
        groups = [f"r{group}" for group in generator.integers(0, 3, n_models)]
        matrix = generator.normal(size=(n_models, n_models)) + generator.normal(size=(n_models, 1))
        arrays = arrays_from(matrix, groups if two_looks else None, two_looks)
        rates = win_rates(arrays, arrays.matrix())
        difference = arrays.matrix()[:, None] - arrays.matrix()[None]
        always = (np.nan_to_num(difference, nan=1.0) > 0).all(axis=2) & ~np.eye(n_models, dtype=bool)
        assert (rates[:, None] - rates)[always].min(initial=0.0) > -1e-12
        seen += int(always.sum())
    assert seen > 300


def test_pairs_that_share_no_target_are_half_a_win_each():
    matrix = np.array([[9.0, 1.0], [2.0, 9.0]])
    arrays = arrays_from(matrix)
    np.testing.assert_allclose(win_rates(arrays, arrays.matrix()), [0.5, 0.5])
    assert not stands_above(win_shares(arrays), np.zeros((2, 2, 2), dtype=np.int8), np.full(2, 0.5)).any()


@pytest.mark.parametrize("copied", [0, 4, 9])
@pytest.mark.parametrize("n_copies", [1, 3])
def test_a_relative_that_is_a_copy_leaves_the_order_of_the_others(copied, n_copies):
    generator = np.random.default_rng(3)
    matrix = np.linspace(1, 0, 10)[:, None] + 0.2 * generator.normal(size=(10, 10))
    place = np.r_[np.arange(10), np.full(n_copies, copied)]
    groups = [f"g{group}" for group in place]
    before = arrays_from(matrix, two_looks=True)
    after = arrays_from(matrix[place][:, place], groups, two_looks=True)
    old, new = win_rates(before, before.matrix()), win_rates(after, after.matrix())
    others = [model for model in range(10) if model != copied]
    np.testing.assert_allclose(new[others], old[others])
    # The copied model ties with its copies: its win rate moves towards one half, by less than half a rank.
    assert abs(new[copied] - old[copied]) * 9 < 0.5
    assert abs(new[copied] - 0.5) <= abs(old[copied] - 0.5)


def completions(arrays, known, column):
    """What every order of the models on a column that known comparisons allow adds to each win rate."""
    shares = win_shares(arrays)
    present = np.flatnonzero(arrays.counted[:, column])
    for order in permutations(present):
        place = {model: position for position, model in enumerate(order)}
        if all(known[a, b, column] <= 0 or place[a] < place[b] for a in present for b in present):
            won = np.zeros(shares.share.shape[:2])
            for one in present:
                won[one, [other for other in present if place[one] < place[other]]] = 1.0
            yield (shares.share[:, :, column] * won).sum(axis=1)


def test_the_least_difference_is_that_of_the_worst_completion():
    generator = np.random.default_rng(4)
    for _ in range(60):
        arrays = random_pool(generator)
        shares, matrix = win_shares(arrays), arrays.matrix()
        difference = np.nan_to_num(matrix[:, None] - matrix[None])
        known = (np.sign(difference) * (np.abs(difference) > generator.choice([0.3, 1.0, 2.0]))).astype(
            np.int8
        )
        by_column = [np.array(list(completions(arrays, known, column))) for column in range(len(matrix))]
        low, high = rate_bounds(shares, known)
        rates = shares.rates(observed_wins(matrix))
        assert ((low <= rates + 1e-12) & (rates <= high + 1e-12)).all()
        assert low.min() >= -1e-12
        assert high.max() <= 1 + 1e-12
        for one in range(len(matrix)):
            others = np.array([other for other in range(len(matrix)) if other != one])
            found = least_differences(shares, known[one], known[others], one, others)
            worst = sum((each[:, [one]] - each[:, others]).min(axis=0) for each in by_column)
            np.testing.assert_allclose(
                found, worst + shares.constant[one] - shares.constant[others], atol=1e-12
            )


def test_what_follows_from_statements_is_stated():
    above = np.zeros((4, 4), dtype=bool)
    above[0, 1] = above[1, 2] = above[2, 3] = True
    assert (transitive(above) == np.triu(np.ones((4, 4), dtype=bool), 1)).all()
