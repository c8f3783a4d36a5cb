"""Pools: the population values are what large samples give."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from suffice.kinds.calibration.pools import DESIGNS, GAUSSIAN, LINEAR, TRUTH, draw_pool

EVERY = pytest.mark.parametrize("name", list(DESIGNS))


@EVERY
def test_the_linear_value_is_what_least_squares_converges_to(name):
    pool = draw_pool(replace(DESIGNS[name], n_items=40_000), seed=1)
    models = list(pool.embeddings.values())
    for source, target in [(0, 1), (2, 0), (5, 3)]:
        fit = LinearRegression().fit(models[source], models[target])
        left = (models[target] - fit.predict(models[source])).var(axis=0)
        found = -0.5 * np.log(left / models[target].var(axis=0)).mean()
        # Up to 0.003 of bias with 64 dimensions and 20,000 distinct items.
        assert found == pytest.approx(pool.population[LINEAR][source, target], abs=0.008)


@EVERY
def test_the_gaussian_value_is_that_of_the_covariances(name):
    pool = draw_pool(replace(DESIGNS[name], n_items=40_000), seed=1)
    source, target = (pool.embeddings[f"model-{place}"].astype(float) for place in (2, 4))
    dim = source.shape[1]
    correlation = np.corrcoef(np.hstack([source, target]).T)
    parts = [correlation[:dim, :dim], correlation[dim:, dim:], correlation]
    source_part, target_part, both = (np.linalg.slogdet(part)[1] for part in parts)
    n_distinct = len(np.unique(pool.groups))
    found = (source_part + target_part - both) / 2 / dim - dim / (2 * n_distinct)
    assert found == pytest.approx(pool.population[GAUSSIAN][2, 4], abs=0.008)


@EVERY
def test_the_first_two_models_are_equal_and_the_others_fall(name):
    pool = draw_pool(DESIGNS[name], seed=0)
    for family in (LINEAR, GAUSSIAN, TRUTH):
        scores = pool.scores(family, "mean")
        assert scores[0] == pytest.approx(scores[1], rel=1e-9)
        assert (np.diff(scores[1:]) < -0.01).all()


def test_copies_share_a_group():
    pool = draw_pool(DESIGNS["power-law, items in pairs"], seed=0)
    _, counts = np.unique(pool.groups, return_counts=True)
    assert set(counts) == {2}
    for values in pool.embeddings.values():
        assert (values[::2] == values[1::2]).all()


def test_only_bending_hides_information_from_second_moments():
    plain, bent = (draw_pool(DESIGNS[name], seed=0).population for name in ("gaussian", "heavy-tailed"))
    others = ~np.eye(6, dtype=bool)
    assert plain[GAUSSIAN][others] == pytest.approx(plain[TRUTH][others])
    assert (bent[GAUSSIAN][others] < bent[TRUTH][others] - 0.01).all()
