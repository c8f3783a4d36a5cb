"""The scatter: line, interval, words."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress, t

from suffice.errors import DataError
from suffice.plots import Evidence, Families, draw_score_against_tasks
from suffice.plots.score_against_tasks import describe, fitted_line


def test_the_line_and_its_interval_are_those_of_least_squares():
    generator = np.random.default_rng(0)
    x = generator.normal(size=12)
    points = pd.DataFrame({"x": x, "y": 2 * x + generator.normal(size=12)})
    line = fitted_line(points)
    fit = linregress(points["x"], points["y"])
    np.testing.assert_allclose(line["y"], fit.intercept + fit.slope * line["x"], rtol=1e-9)  # rounding
    # slope's standard error times the distance from the mean, plus the error at the mean, in quadrature
    residual = points["y"] - fit.intercept - fit.slope * points["x"]
    at_mean = np.sqrt((residual**2).sum() / 10 / 12)
    half = t.ppf(0.975, 10) * np.hypot(at_mean, fit.stderr * (line["x"] - x.mean()))
    np.testing.assert_allclose(line["y_high"] - line["y"], half, rtol=1e-9)  # rounding


@pytest.mark.parametrize("x", [[1.0, 2.0], [1.0, 1.0, 1.0]])
def test_there_is_no_line_through_too_little(x):
    assert fitted_line(pd.DataFrame({"x": x, "y": x})).empty


def test_points_are_scores_and_results(study):
    data = study(9)
    evidence = Evidence(data.results, data.mean_ranks, data.correlation)
    drawn = draw_score_against_tasks(data.ranking, evidence, Families.from_table(data.models), "linear")
    points = drawn.points[drawn.points["layer"] == "model"]
    assert list(dict.fromkeys(points["panel"])) == ["mean rank", *dict.fromkeys(data.results["task"])]
    joined = points.merge(data.results, left_on=["panel", "model"], right_on=["task", "model"])
    assert len(joined) == 27
    assert (joined["y"] == joined["value"]).all()
    assert (points.merge(data.ranking, on="model").eval("x == win_rate and x_low == win_rate_low")).all()
    axes = drawn.figure.axes[0]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the best mean rank is at the top
    assert "ρ = 0.80 [0.50, 0.95], n = 9" in [text.get_text() for text in axes.texts]


def test_a_model_without_a_result_is_left_out_of_that_panel_only(study):
    data = study(6)
    results = data.results.drop(index=0)
    evidence = Evidence(results, data.mean_ranks, data.correlation)
    points = draw_score_against_tasks(
        data.ranking, evidence, Families.from_table(data.models), "linear"
    ).points
    counts = points[points["layer"] == "model"].groupby("panel", sort=False).size()
    assert counts.tolist() == [6, 5, 6, 6]


def test_words_for_what_is_missing(study):
    table = study(3).correlation.assign(low=np.nan, high=np.nan, value=-0.25)
    assert describe(table, "linear", "topic") == "ρ = −0.25, n = 3"
    assert describe(table.assign(value=np.nan), "linear", "topic") == "ρ not defined, n = 3"
    with pytest.raises(DataError, match="0 rows for spearman of 'knife' with 'topic'"):
        describe(table, "knife", "topic")
