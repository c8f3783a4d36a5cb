"""The figures of a study of equal test loss: which marks they draw, and what they refuse."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from suffice.errors import DataError
from suffice.kinds.saturation.designed import design
from suffice.kinds.saturation.figure_auc import draw_auc_bars
from suffice.kinds.saturation.figure_cloud import draw_cloud
from suffice.kinds.saturation.figure_design import draw_design
from suffice.kinds.saturation.figure_generalisation import draw_generalisation
from suffice.kinds.saturation.figure_kind_bridge import draw_kind_bridge
from suffice.kinds.saturation.figure_matrix import draw_state_matrix
from suffice.kinds.saturation.figure_practice import LABELS, draw_practice
from suffice.kinds.saturation.figure_tuning import draw_tuning_curves
from suffice.kinds.saturation.figure_twins import draw_twin_gap
from suffice.kinds.saturation.figures import FIGURES, draw_saturation_figures
from suffice.plots.style import save_figure

PLACE = {"language": "anbn", "architecture": "lstm"}


def cloud_table():
    rows = pd.DataFrame(
        [
            {**PLACE, "arm": arm, "seed": seed, "excess_nats": 0.003, "ood_rule_1": value, "id_rule_1": 1.0}
            for arm, value in (("likelihood", 0.5), ("oracle", 1.0))
            for seed in range(2)
        ]
    )
    return rows.assign(accepted_nats=0.02)


BASELINES = pd.DataFrame(
    [
        {
            "language": "anbn",
            "baseline": "end at once",
            "part": "out of distribution, test",
            "rule": "rule_1",
            "accuracy": 0.3,
        }
    ]
)
TWINS = pd.DataFrame(
    {"n_examples": [0, 8], "accuracy_mixture": [0.7, 0.9], "accuracy_twin": [0.2, 0.0], "chance": 0.1,
     "kl_nats": [0.1, 1e-9]}
)  # fmt: skip
PAIRS = pd.DataFrame(
    [
        {"arm": arm, "seed": seed, "n_examples": n, "accuracy": 0.5 + 0.1 * seed, "accuracy_mixture": 0.9}
        for arm in ("likelihood", "mislabelling")
        for seed in range(2)
        for n in (0, 8)
    ]
)
CURVES = pd.DataFrame(
    [
        {"optimiser": "sgd", "twin": twin, "learning_rate": 0.1, "step": step, "excess_nats": 3.0 - step,
         "low": 2.5 - step, "high": np.inf if step == 2 else 3.5 - step}
        for twin in ("unchanged", "permuted")
        for step in range(3)
    ]
)  # fmt: skip
DIRECTED = pd.DataFrame(
    [
        {**PLACE, "source": f"{first}/0", "target": f"{second}/0", "value": 2.0}
        for first in ("likelihood", "oracle")
        for second in ("likelihood", "oracle")
        if first != second
    ]
)
AREAS = pd.DataFrame(
    [
        {
            "contrast": contrast,
            "probe": probe,
            "noise": noise,
            "measure": measure,
            "auc": 0.8,
            "p_value": 0.01,
        }
        for contrast in ("arms", "read-out")
        for probe, noise, measure in (
            ("in distribution", 0.1, "gaussian"),
            ("out of distribution", 0.3, "gaussian"),
            ("both", np.nan, "loss_difference"),
        )
    ]
)
NETWORKS = pd.DataFrame(
    [
        {"kind": kind, "part": part, "architecture": architecture, "seed": seed, "accuracy": 0.5 * seed,
         "excess_nats": 0.003}
        for kind, new in (("symbolic", "new symbols"), ("rule", "new order"))
        for part in ("in distribution", new)
        for architecture in ("lstm", "gru")
        for seed in range(2)
    ]
)  # fmt: skip
CHANCE = NETWORKS[["kind", "part"]].drop_duplicates().assign(baseline="another answer", accuracy=0.25)
SHARES = pd.DataFrame(
    [
        {"kind": kind, "part": part, "architecture": architecture, "behaviour": behaviour, "share": share}
        for kind, part in (("symbolic", "new symbols"), ("rule", "new order"))
        for architecture in ("lstm", "gru")
        for behaviour, share in (("the rule", 0.5), ("always 1", 0.2), ("always 2", 0.2), ("mixed", 0.1))
    ]
)


DIFFERENCES = pd.DataFrame(
    [
        {"domain": domain, "question": question, "differing": kind, "mean": 0.3, "low": 0.2, "high": 0.4}
        for domain in ("test", "other package")
        for question in LABELS
        for kind in ("any", "first weights")
    ]
)
ENSEMBLES = pd.DataFrame(
    [
        {"domain": "test", "question": question, "n_members": n, "mean": 0.4 / n, "low": 0.1, "high": 0.5}
        for question in ("next token", "first choice")
        for n in (1, 2, 4)
    ]
)


RELATIONS = pd.DataFrame(
    [
        {"kind": kind, "part": part, "behaviour": behaviour, "probe": probe, "measure": measure,
         "spearman": rho, "low": -0.7, "high": 0.1, "p_value": 0.1, "n_strata": 5}
        for kind, part in (("symbolic", "new symbols"), ("rule", "new order"))
        for behaviour in ("different_answers", "accuracy_difference")
        for probe, measure, rho in (
            ("in distribution", "linear", -0.1), (part, "linear", -0.4), ("both", "loss_difference", np.nan)
        )
    ]
)  # fmt: skip


DESIGN = pd.DataFrame(
    [
        {"architecture": name, "accuracy": 0.5, "excess_nats": 0.03, "reached": reached, **row}
        for name in ("transformer", "transformer-learned")
        for row in design()
        for reached in (True, False)
    ]
)


def test_the_design_has_a_panel_per_factor_and_every_network_in_each():
    drawn = draw_design(DESIGN)
    assert len(drawn.points) == 2 * 16 and len(drawn.figure.axes) == 6
    for axes in drawn.figure.axes:
        assert sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None") == 32
    assert [label.get_text() for label in drawn.figure.axes[0].get_xticklabels()] == ["none", "learned"]


def test_models_of_text_have_a_bar_per_question_and_a_line_per_ensemble():
    drawn = draw_practice(DIFFERENCES, ENSEMBLES)
    left, right = drawn.figure.axes
    assert [bar.get_width() for bar in left.patches] == [0.3] * len(LABELS)
    assert [label.get_text() for label in left.get_yticklabels()] == list(LABELS.values())
    assert sum(line.get_marker() != "None" for line in right.lines) == 2
    assert len(drawn.points) == 2 * len(LABELS) + len(ENSEMBLES)  # held-out texts alone


def test_kinds_have_a_mark_per_network_and_bars_that_sum_to_one():
    drawn = draw_generalisation(NETWORKS, CHANCE, SHARES)
    marks, bars = (drawn.points[drawn.points["behaviour"].isna() == new] for new in (True, False))
    assert len(marks) == 2 * 2 * 2 and marks["baseline"].eq(0.25).all()
    assert set(bars["behaviour"]) == {"the rule", "another behaviour", "mixed"}
    others = bars[bars["behaviour"] == "another behaviour"]
    assert others["share"].to_numpy() == pytest.approx(0.4)
    above, below = drawn.figure.axes[0], drawn.figure.axes[2]
    drawn_marks = sum(len(line.get_xdata()) for line in above.lines if line.get_linestyle() == "None")
    assert drawn_marks == 2 * 2
    assert sum(bar.get_width() for bar in below.patches) == pytest.approx(2)
    assert [label.get_text() for label in above.get_yticklabels()] == ["lstm", "gru"]


def test_the_cloud_has_a_mark_a_network_and_the_baseline():
    drawn = draw_cloud(cloud_table(), BASELINES)
    assert len(drawn.points) == 4 and drawn.points["baseline"].eq(0.3).all()
    axes = drawn.figure.axes[0]
    marks = sum(len(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "None")
    assert marks == 4 and axes.get_xscale() == "log"
    assert [0.02, 0.02] in [list(line.get_xdata()) for line in axes.lines]  # what is accepted


def test_twins_are_drawn_against_divergence_and_pairs_with_their_range():
    points = draw_twin_gap(TWINS, PAIRS).points
    exact = points[points["panel"] == "exact"]
    assert sorted(exact["x"].unique()) == [1e-9, 0.1] and set(exact["model"]) == {"mixture", "twin"}
    trained = points[(points["panel"] == "trained") & (points["model"] == "likelihood")]
    assert trained["low"].tolist() == [0.5, 0.5] and trained["high"].tolist() == pytest.approx([0.6, 0.6])


def test_a_curve_that_diverges_leaves_a_gap():
    drawn = draw_tuning_curves(CURVES)
    assert drawn.points["high"].isna().sum() == 2
    assert "learning rate 0.1" in drawn.figure.axes[0].texts[0].get_text()


def test_the_matrix_leaves_the_diagonal_out():
    image = draw_state_matrix(DIRECTED).figure.axes[0].images[0]
    assert np.isnan(np.diag(image.get_array().filled(np.nan))).all()
    assert [label.get_text() for label in draw_state_matrix(DIRECTED).figure.axes[0].get_yticklabels()] == [
        "likelihood", "oracle",
    ]  # fmt: skip


def test_areas_have_a_panel_a_contrast():
    figure = draw_auc_bars(AREAS).figure
    assert len(figure.axes) == 2
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "information sufficiency, gaussian", "loss difference",
    ]  # fmt: skip


def test_no_label_is_cut_off_at_the_edge_of_the_image(tmp_path):
    paths = save_figure(draw_practice(DIFFERENCES, ENSEMBLES), tmp_path / "practice")
    image = imread(next(path for path in paths if path.suffix == ".png"))
    assert (image[:, 0] == 1).all() and (image[:, :40] < 0.5).any()  # white, then the longest label


def test_relations_have_a_panel_per_split_and_no_mark_where_there_is_none():
    drawn = draw_kind_bridge(RELATIONS)
    assert len(drawn.figure.axes) == 2 and len(drawn.points) == 2 * 3  # different answers alone
    for axes in drawn.figure.axes:
        marks = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        assert marks == [-0.1, -0.4]
    assert [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()] == [
        "information sufficiency, linear", "loss difference",
    ]  # fmt: skip


def test_every_figure_is_drawn_from_the_tables_of_a_study(tmp_path):
    tables = {
        "cloud": cloud_table(), "baselines": BASELINES, "twins": TWINS, "pairs": PAIRS, "curves": CURVES,
        "bridge_directed": DIRECTED, "bridge_auc": AREAS, "generalisation": NETWORKS,
        "generalisation_baselines": CHANCE, "generalisation_behaviours": SHARES,
    }  # fmt: skip
    tables |= {
        "generalisation_bridge": RELATIONS,
        "design": DESIGN,
        "practice_differences": DIFFERENCES,
        "practice_ensembles": ENSEMBLES,
    }
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    draw_saturation_figures(tmp_path, tmp_path)
    assert all(
        (tmp_path / f"{name}.{kind}").stat().st_size for name in FIGURES for kind in ("pdf", "png", "svg")
    )


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_cloud(cloud_table().drop(columns="arm"), BASELINES), "lacks the column"),
        (lambda: draw_twin_gap(TWINS.iloc[:0], PAIRS), "no rows"),
        (lambda: draw_auc_bars(AREAS.iloc[:0]), "no rows"),
        (lambda: draw_kind_bridge(RELATIONS.drop(columns="low")), "lacks the column"),
        (lambda: draw_practice(DIFFERENCES.drop(columns="low"), ENSEMBLES), "lacks the column"),
        (lambda: draw_generalisation(NETWORKS.drop(columns="seed"), CHANCE, SHARES), "lacks the column"),
    ],
)
def test_tables_that_cannot_be_drawn(draw, message):
    with pytest.raises(DataError, match=message):
        draw()
