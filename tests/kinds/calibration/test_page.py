"""The words of a calibration study's page."""

import numpy as np
import pandas as pd
import pytest

from suffice.kinds.calibration.page import FIGURE_WORDS, by_channel_table, details, headline
from suffice.kinds.calibration.study import FIGURES


@pytest.mark.parametrize(
    ("gaussian", "other", "said"),
    [
        ([0.1, 0.2], [0.1, 0.2], "a is closest to the truth."),
        ([0.1, 0.2], [0.3, 0.2], "a is closest to the truth on Gaussian channels, and b on the others."),
        ([np.nan, np.nan], [0.3, 0.2], "b is closest to the truth."),
        ([np.nan, np.nan], [np.nan, np.nan], "No setting was measured by all estimators."),
    ],
)
def test_the_headline_names_the_estimators_of_least_error(gaussian, other, said):
    summary = pd.DataFrame({"estimator": ["a", "b"], "gaussian_error": gaussian, "other_error": other})
    assert headline(summary) == said


def accuracy():
    setting = {"channel": "mixture", "family": "classes", "source_dim": 4, "target_dim": 4, "n_items": 100}
    setting |= {"nats_per_dim": 1.0, "truth_nats_per_dim": 1.0}
    rows = [
        setting | {"estimator": "a", "estimate_nats_per_dim": 0.8, "relative_error": 0.2},
        setting | {"estimator": "b", "estimate_nats_per_dim": 0.5, "relative_error": 0.5},
        setting | {"estimator": "a", "n_items": 999, "estimate_nats_per_dim": 0.9, "relative_error": 0.1},
    ]
    return pd.DataFrame(rows)


def test_details_say_on_how_many_settings_the_comparison_rests():
    summary = pd.DataFrame(
        {"estimator": ["a"], "gaussian_error": [np.nan], "other_error": [0.2], "seconds": [0.5]}
    )
    first, second = details(summary, accuracy())
    assert "at the 1 settings that all of them measured" in first
    assert second == "a: – on Gaussian channels, 20.0 % on others, 0.500 s per pair."


def test_channels_are_compared_at_common_settings():
    table = by_channel_table(accuracy())
    ((*_, first, second),) = table.rows
    assert (first.text, second.text) == ("20.0 %", "50.0 %")


def test_every_figure_has_words():
    assert list(FIGURE_WORDS) == list(FIGURES)
