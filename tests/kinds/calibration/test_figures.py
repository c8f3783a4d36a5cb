"""The figures of a calibration study draw what the table holds."""

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.kinds.calibration.figures import draw_figure
from suffice.kinds.calibration.study import FIGURES
from suffice.plots.lines import styles_of
from suffice.plots.style import save_figure


def row(estimator, channel, dim, nats, share, n_items=200):
    family = "Gaussian" if channel == "gaussian" else "classes"
    truth, estimate = nats, nats * share
    return {
        "estimator": estimator,
        "channel": channel,
        "family": family,
        "source_dim": dim,
        "target_dim": dim,
        "n_items": n_items,
        "nats_per_dim": nats,
        "truth_nats_per_dim": truth,
        "estimate_nats_per_dim": estimate,
        "error_nats_per_dim": estimate - truth,
    }


@pytest.fixture
def accuracy():
    return pd.DataFrame(
        [
            row(estimator, channel, dim, nats, share)
            for estimator, share in [("linear", 0.9), ("knife", 0.5)]
            for channel in ("gaussian", "mixture")
            for dim, all_nats in [(8, [0.0, 0.5, 1.0]), (64, [0.5])]
            for nats in all_nats
        ]
    )


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_and_saved_with_its_points(name, accuracy, tmp_path):
    drawn = draw_figure(name, accuracy)
    paths = save_figure(drawn, tmp_path / name)
    assert all(path.stat().st_size > 100 for path in paths)
    assert set(drawn.points["estimator"]) == {"linear", "knife"}
    labels = [text.get_text() for text in drawn.figure.legends[0].get_texts()]
    assert labels[:2] in (["linear", "knife"], ["Gaussian", "classes"])


def test_a_channel_is_shown_at_the_size_with_most_truths(accuracy):
    points = draw_figure("channel_curves", accuracy).points
    assert set(points["target_dim"]) == {8} and len(points) == 12


def test_relative_errors_are_at_nats_that_several_widths_have(accuracy):
    points = draw_figure("error_by_width", accuracy).points
    assert set(points["nats_per_dim"]) == {0.5} and set(points["target_dim"]) == {8, 64}
    by_estimator = points.groupby("estimator")["relative_error"].unique()
    assert by_estimator["linear"] == pytest.approx([-10]) and by_estimator["knife"] == pytest.approx([-50])


def test_an_estimator_that_refused_has_no_mark(accuracy):
    refused = (accuracy["estimator"] == "knife") & (accuracy["channel"] == "mixture")
    accuracy.loc[refused, ["estimate_nats_per_dim", "error_nats_per_dim"]] = np.nan
    for name in FIGURES:
        points = draw_figure(name, accuracy).points
        assert not ((points["estimator"] == "knife") & (points["channel"] == "mixture")).any()


def test_lines_lie_where_the_points_say(accuracy):
    drawn = draw_figure("estimate_against_truth", accuracy)
    line = max(drawn.figure.axes[0].lines, key=lambda each: len(each.get_xdata()))
    assert list(line.get_ydata()) == pytest.approx([0.0, 0.45, 0.9])


def test_a_table_without_independence_says_what_to_add(accuracy):
    with pytest.raises(DataError, match="add 0 to nats_per_dim"):
        draw_figure("independence", accuracy[accuracy["truth_nats_per_dim"] > 0])


def test_names_keep_their_style_by_place():
    styles = styles_of(["b", "a", "b"])
    assert list(styles) == ["b", "a"] and styles["a"].color != styles["b"].color
