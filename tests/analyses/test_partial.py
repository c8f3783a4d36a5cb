"""Partial correlation against the correlation of residuals, and its known cases."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, rankdata

from suffice.analyses.correlation import Bootstrap, draw_weights
from suffice.analyses.partial import partial_correlation, weighted_partial
from suffice.errors import DataError

QUICK = Bootstrap(n_resamples=100)


def table(n_models=30, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n_models, 2))
    x = z[:, 0] + 0.5 * rng.normal(size=n_models)
    y = z[:, 0] - z[:, 1] + 0.5 * rng.normal(size=n_models)
    names = [f"m{i:02d}" for i in range(n_models)]
    return pd.DataFrame({"x": x, "y": y, "z": z[:, 0], "w": z[:, 1]}, index=names)


def of_residuals(values):
    """The correlation of what a least-squares fit with intercept leaves of the first two columns."""
    design = np.column_stack([np.ones(len(values)), values[:, 2:]])
    left = values[:, :2] - design @ np.linalg.lstsq(design, values[:, :2], rcond=None)[0]
    return pearsonr(*left.T).statistic


@pytest.mark.parametrize("statistic", ["pearson", "spearman"])
def test_it_is_the_correlation_of_residuals(statistic):
    data = table()
    values = data.to_numpy()
    values = rankdata(values, axis=0) if statistic == "spearman" else values
    found = partial_correlation(data["x"], data["y"], data[["z", "w"]], QUICK, statistic)
    assert found.value == pytest.approx(of_residuals(values), abs=1e-10)


@pytest.mark.parametrize("statistic", ["pearson", "spearman"])
def test_resamples_are_those_of_the_written_out_rows(statistic):
    values = table(15).to_numpy()
    weights = draw_weights(15, 20, seed=3)
    for found, row in zip(weighted_partial(values, weights, statistic), weights.astype(int), strict=True):
        written = np.repeat(values, row, axis=0)
        written = rankdata(written, axis=0) if statistic == "spearman" else written
        assert found == pytest.approx(of_residuals(written), abs=1e-8)


def test_what_a_third_variable_explains_is_gone():
    data = table(2000)
    assert data["x"].corr(data["y"]) > 0.5
    # The standard error of a correlation of 0 with 2000 models is 0.022.
    assert abs(partial_correlation(data["x"], data["y"], data[["z"]], QUICK).value) < 0.08


def test_the_interval_holds_the_value():
    data = table()
    found = partial_correlation(data["x"], data["y"], data[["w"]], Bootstrap(n_resamples=300), "spearman")
    assert found.low < found.value < found.high
    assert found.n_models == 30


def test_nothing_left_is_no_value():
    data = table()
    for x, covariates in ((data["x"], data[["x"]]), (data["x"][:4], data[["z", "w"]])):
        found = partial_correlation(x, data["y"], covariates, QUICK)
        assert np.isnan(found.value) and "leave nothing" in found.note


@pytest.mark.parametrize(
    ("columns", "statistic", "words"), [(["z"], "kendall", "'kendall'"), ([], "pearson", "no covariate")]
)
def test_what_cannot_be_is_said(columns, statistic, words):
    data = table()
    with pytest.raises(DataError, match=words):
        partial_correlation(data["x"], data["y"], data[columns], QUICK, statistic)
