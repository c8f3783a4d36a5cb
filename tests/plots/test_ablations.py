"""The figure of a study's ablations: a panel for each thing that was varied."""

import pandas as pd
import pytest

from suffice.analyses.questions.ablations import draw_ablations
from suffice.errors import DataError


def pool(*ablations):
    rows = [(a, size, s, 0.5, 0.1, 0.4, 0.6, 9) for a in ablations for size in (4, 8) for s in ("kendall",)]
    names = ["ablation", "size", "statistic", "mean", "sd", "low", "high", "n_draws"]
    return pd.DataFrame(rows, columns=names)


def items(*sizes):
    rows = [(size, draw, "tasks", "kendall", 0.1 * draw) for size in sizes for draw in range(3)]
    return pd.DataFrame(rows, columns=["n_items", "draw", "against", "statistic", "value"])


def variants(*names):
    rows = [(name, "tasks", "kendall", 0.3, 0.1, 0.5, 9, "") for name in names]
    return pd.DataFrame(
        rows,
        columns=["variant", "against", "statistic", "value", "low", "high", "n_models", "note"],
    )


def test_a_panel_for_each_variation():
    drawn = draw_ablations(pool("n_models", "n_targets"), items(500, 1000), {"modes": variants("1", "8")})
    assert drawn.points["panel"].unique().tolist() == [
        "Fewer models",
        "Fewer targets",
        "Fewer items",
        "Estimator: modes",
    ]
    by_items = drawn.points[drawn.points["panel"] == "Fewer items"]
    assert by_items["value"].tolist() == pytest.approx([0.1, 0.1])
    assert by_items["high"].tolist() == pytest.approx([0.2, 0.2])


def test_what_is_no_number_or_did_not_vary_has_no_panel():
    drawn = draw_ablations(pool("n_targets"), items(500), {"kinds": variants("small", "large")})
    assert drawn.points["panel"].unique().tolist() == ["Fewer targets"]
    with pytest.raises(DataError, match="no ablation can be drawn"):
        draw_ablations(pool(), items(500), {})
