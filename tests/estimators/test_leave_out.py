"""What leaving out a unit does to residuals, against fits without it."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg

from suffice.estimators.regression.leave_out import Moment, leave_out_of


@pytest.mark.parametrize("unit_items", [3, 30])  # fewer and more items than coefficients
def test_residuals_without_a_unit_are_those_of_a_fit_without_it(unit_items):
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(120, 8)).astype(np.float32)
    rows -= rows.mean(axis=0)
    target = (rows @ generator.normal(size=(8, 2)) + generator.normal(size=(120, 2))).astype(np.float32)
    target -= target.mean(axis=0)
    penalty = 2.0
    factor = scipy.linalg.cholesky(rows.T @ rows + penalty * np.eye(8), lower=True)
    bounds = np.array([0, unit_items, 2 * unit_items])
    leave_out = leave_out_of(rows[: 2 * unit_items], bounds, Moment(factor, 120))
    residual = target - rows @ np.linalg.solve(rows.T @ rows + penalty * np.eye(8), rows.T @ target)

    design = np.hstack([np.ones((120, 1)), rows])
    shrinkage = np.diag([0.0] + [penalty] * 8)
    for unit, (start, stop) in enumerate(pairwise(bounds)):
        others = np.r_[0:start, stop:120]
        weights = np.linalg.solve(
            design[others].T @ design[others] + shrinkage, design[others].T @ target[others]
        )
        expected = target[start:stop] - design[start:stop] @ weights
        found = leave_out.apply(unit, rows[start:stop], residual[start:stop])
        # Leverages are scaled by 1 - 1e-5.
        np.testing.assert_allclose(found, expected, atol=2e-4)


def test_an_item_that_alone_spans_a_dimension_gives_a_finite_residual():
    rows = np.zeros((50, 2), dtype=np.float32)
    rows[:, 0] = np.random.default_rng(0).normal(size=50)
    rows[0, 1] = 7.0
    factor = scipy.linalg.cholesky(rows.T @ rows + 1e-9 * np.eye(2), lower=True)
    leave_out = leave_out_of(rows[:3], np.array([0, 1, 3]), Moment(factor, 50))
    assert np.isfinite(leave_out.flat).all()
