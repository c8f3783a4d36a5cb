"""Every figure: the points are the numbers given, nothing warns, and a rerun gives the same bytes."""

import re

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suffice import plots
from suffice.analyses.questions import (
    cost,
    few_labels,
    lost_directions,
    sample_size,
    smaller_pools,
    task_dependence,
)
from suffice.errors import DataError
from suffice.page.figures import view_figure
from suffice.plots import Evidence, Families
from suffice.plots.style import ON_DARK, ON_LIGHT

BRIGHTEST = "#fde725"  # the end of the colour scale of cells

pytestmark = pytest.mark.filterwarnings("error")


def evidence(study):
    return Evidence(study.results, study.mean_ranks, study.correlation)


DRAW = {
    "rank_bars": lambda s: plots.draw_rank_bars(s.ranking, Families.from_table(s.models)),
    "pair_matrix": lambda s: plots.draw_pair_matrix(s.pairs, Families.from_table(s.models)),
    "score_against_tasks": lambda s: plots.draw_score_against_tasks(
        s.ranking, evidence(s), Families.from_table(s.models), "linear"
    ),
    "ranking_by_items": lambda s: sample_size.draw_ranking_by_items(s.by_items, s.ranking),
    "model_graph": lambda s: plots.draw_model_graph(s.pairs, s.ranking),
    "predictors": lambda s: plots.draw_predictors(s.correlation),
    "checkpoint_curves": lambda s: plots.draw_checkpoint_curves(s.checkpoints, s.results),
    "pareto_front": lambda s: cost.draw_pareto_front(s.pareto, Families.from_table(s.models)),
    "pool_sensitivity": lambda s: smaller_pools.draw_pool_sensitivity(s.sensitivity),
    "task_dependence": lambda s: task_dependence.draw_task_dependence(s.dependence),
    "few_labels": lambda s: few_labels.draw_few_labels(s.trials),
    "lost_directions": lambda s: lost_directions.draw_lost_directions(s.explained),
}


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("n_models", [1, 2, 40])
def test_any_number_of_models_is_drawn_without_a_warning(name, n_models, study):
    drawn = DRAW[name](study(n_models))
    drawn.figure.draw_without_rendering()
    assert len(drawn.points) >= n_models or name in ("predictors", "ranking_by_items", "few_labels")


@pytest.mark.parametrize("name", DRAW)
def test_a_rerun_gives_the_same_bytes_without_date_and_version(name, study, tmp_path):
    first = plots.save_figure(DRAW[name](study(4)), tmp_path / "first")
    second = plots.save_figure(DRAW[name](study(4)), tmp_path / "second")
    assert [path.name for path in first] == ["first.pdf", "first.png", "first.csv", "first.svg"]
    assert len(list(tmp_path.iterdir())) == 8  # no temporary file is left
    for one, other in zip(first, second, strict=True):
        content = one.read_bytes()
        assert content == other.read_bytes()
        traces = (b"CreationDate", b"dc:date", b"atplotlib v", b"atplotlib.org", b"Software")
        assert not [trace for trace in traces if trace in content]
    image = view_figure("a figure", "", "", first[-1]).image
    assert set(re.findall('"(#[0-9a-f]{6})"', image)) <= {
        ON_DARK,
        ON_LIGHT,
        BRIGHTEST,
    }  # others are the page's


@pytest.mark.parametrize("name", DRAW)
def test_drawing_leaves_the_settings_of_others_alone(name, study):
    before = dict(matplotlib.rcParams)
    DRAW[name](study(3))
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", ["rank_bars", "model_graph"])
def test_the_settings_of_others_leave_the_figure_alone(name, study, tmp_path):
    plain = plots.save_figure(DRAW[name](study(3)), tmp_path / "plain")
    with matplotlib.rc_context({"font.size": 20.0, "axes.grid": True, "savefig.dpi": 40.0}):
        odd = plots.save_figure(DRAW[name](study(3)), tmp_path / "odd")
    assert plain[1].read_bytes() == odd[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("rank_bars", "ranking", "tie_group"),
        ("pair_matrix", "pairs", "nats_per_dim"),
        ("score_against_tasks", "results", "standard_error"),
        ("score_against_tasks", "mean_ranks", "mean_rank"),
        ("ranking_by_items", "by_items", "separated"),
        ("ranking_by_items", "ranking", "items_needed"),
        ("model_graph", "ranking", "score"),
        ("predictors", "correlation", "n_models"),
        ("checkpoint_curves", "checkpoints", "step"),
        ("pareto_front", "pareto", "on_front"),
        ("pool_sensitivity", "sensitivity", "beyond_ties"),
        ("task_dependence", "dependence", "solvability"),
        ("few_labels", "trials", "regret_at_1"),
        ("lost_directions", "explained", "high_items"),
    ],
)
def test_a_missing_column_and_an_empty_table_are_named(name, table, column, study):
    broken = study(3)
    setattr(broken, table, getattr(broken, table).drop(columns=column))
    with pytest.raises(DataError, match=rf"lacks the column\(s\) {column}"):
        DRAW[name](broken)
    empty = study(3)
    setattr(empty, table, getattr(empty, table).iloc[:0])
    with pytest.raises(DataError, match="has no rows"):
        DRAW[name](empty)


def test_rank_bars_show_the_ranking_from_first_to_last(study):
    ranking = study(7).ranking.sample(frac=1, random_state=1)
    drawn = plots.draw_rank_bars(ranking, Families.from_table(study(7).models))
    seen = [
        "model",
        "rank",
        "rank_low",
        "rank_high",
        "rank_low_pools",
        "rank_high_pools",
        "tie_group",
        "win_rate",
        "win_rate_low",
        "win_rate_high",
    ]
    expected = ranking.sort_values("rank")[seen].reset_index(drop=True)
    pd.testing.assert_frame_equal(drawn.points.drop(columns="position"), expected, check_dtype=False)
    scores, _, groups = drawn.figure.axes
    assert scores.get_ylim()[0] > scores.get_ylim()[1]  # the first model is at the top
    assert [text.get_text() for text in groups.texts] == ["tied for first (3)", "tied 4–6", "7"]


@pytest.mark.parametrize(("aggregate", "measure"), [("ranks", "win_rate"), ("mean", "score")])
def test_rank_bars_show_what_orders_the_models_also_without_intervals(study, aggregate, measure):
    data = study(3)
    data.ranking["aggregate"] = aggregate
    data.ranking[[f"{measure}_low", f"{measure}_high", "rank_low", "rank_high"]] = np.nan
    drawn = DRAW["rank_bars"](data)
    assert drawn.points[f"{measure}_low"].isna().all()
    assert drawn.points[measure].tolist() == data.ranking[measure].tolist()


def test_a_figure_of_the_caller_is_used(study):
    own = Figure(figsize=(3, 2), layout="constrained")
    drawn = plots.draw_rank_bars(study(3).ranking, Families.from_table(study(3).models), own)
    assert drawn.figure is own
    assert own.get_size_inches().tolist() == [3, 2]


def test_a_model_without_a_family_is_named(study):
    families = Families.from_table(study(3).models.iloc[:2])
    with pytest.raises(DataError, match="'model-2' has no row in the models table"):
        plots.draw_rank_bars(study(3).ranking, families)


def test_predictors_are_ordered_by_the_mean_rank_and_shown_as_given(study):
    correlation = study(5).correlation.sample(frac=1, random_state=0)
    drawn = plots.draw_predictors(correlation, "kendall")
    assert set(drawn.points["statistic"]) == {"kendall"}
    order = drawn.points.drop_duplicates("predictor").sort_values("position")["predictor"]
    assert order.tolist() == ["linear", "embed_dim", "rankme"]
    joined = drawn.points.merge(correlation, on=["predictor", "task", "statistic"], suffixes=("", "_given"))
    assert (joined["value"] == joined["value_given"]).all()
    assert len(joined) == len(drawn.points) == 12
    assert drawn.figure.axes[0].get_title(loc="left") == "mean rank"


def test_predictors_with_no_value_or_interval_leave_a_gap(study):
    data = study(3)
    data.correlation[["low", "high"]] = np.nan
    data.correlation.loc[data.correlation["predictor"] == "rankme", "value"] = np.nan
    drawn = DRAW["predictors"](data)
    assert drawn.points.loc[drawn.points["predictor"] == "rankme", "value"].isna().all()


def test_an_unknown_statistic_is_named(study):
    with pytest.raises(DataError, match="no rows of 'pearson'; it has kendall, spearman"):
        plots.draw_predictors(study(3).correlation, "pearson")


def test_checkpoint_curves_hold_score_and_tasks_of_the_checkpoints(study):
    data = study(6)
    data.checkpoints = data.checkpoints.iloc[:4]
    points = DRAW["checkpoint_curves"](data).points
    assert list(dict.fromkeys(points["panel"])) == ["win rate", *dict.fromkeys(data.results["task"])]
    rate = points[points["panel"] == "win rate"]
    assert rate["y"].tolist() == data.checkpoints["win_rate"].tolist()
    assert rate["step"].tolist() == [0, 100, 200, 400]
    topic = points[points["panel"] == "topic"].merge(data.results.query("task == 'topic'"), on="model")
    assert len(topic) == 4
    assert (topic["y"] == topic["value"]).all()
    np.testing.assert_allclose(topic["y_high"] - topic["y_low"], 2 * 1.96 * 0.01)  # exact but for rounding


def test_checkpoint_steps_are_logarithmic_with_zero_in_view(study):
    data = study(4)
    axes = plots.draw_checkpoint_curves(data.checkpoints).figure.axes[0]
    assert axes.get_xscale() == "symlog"
    assert axes.get_xlim()[0] < 0
    assert axes.get_xticks().tolist() == [0, 100, 200, 400]


def test_no_step_is_below_twice_the_width(study):
    data = study(3)
    data.ranking["embed_dim"] = [64, 768, 64]
    data.ranking["items_needed"] = [1536.0, 5000.0, np.nan]  # the first pair is distinguishable
    points = DRAW["ranking_by_items"](data).points
    assert points.loc[points["panel"] == "with more items", "n_items"].tolist() == [5000.0]


def test_steps_are_where_more_items_would_tell_neighbours_apart(study):
    data = study(5)
    data.ranking["items_needed"] = [500.0, 3000.0, np.inf, 2000.0, np.nan]
    points = DRAW["ranking_by_items"](data).points
    more = points[points["panel"] == "with more items"]
    assert more["n_items"].tolist() == [2000.0, 3000.0]
    assert more["y"].tolist() == [4.0, 5.0]  # three are told apart by the items there are
    assert more["label"].tolist()[1].startswith("model-1")
    apart = points[points["panel"] == "distinguishable neighbours"]
    assert apart["y"].tolist() == data.by_items["separated"].tolist()


def test_few_labels_show_the_mean_then_each_task_and_leave_out_what_could_not_be_tried(study):
    trials = study(1).trials
    points = DRAW["few_labels"](study(1)).points
    tasks = list(dict.fromkeys(trials["task"]))
    assert list(dict.fromkeys(points["panel"])) == ["mean over tasks", "mean loss of the pick", *tasks]
    assert points["n_labels"].max() == 100
    mean = points[points["panel"] == "mean over tasks"].set_index(["n_labels", "way"])["y"]
    assert mean[50, "logme"] == pytest.approx(0.35)
    loss = points[points["panel"] == "mean loss of the pick"].set_index(["n_labels", "way"])["y"]
    assert loss[100, "score"] == pytest.approx(0.04)
    one = points[(points["panel"] == tasks[0]) & (points["way"] == "logme")]
    assert one["y_high"].tolist() == pytest.approx([0.45, 0.45])


def test_few_labels_of_which_none_could_be_tried_give_an_empty_figure(study):
    data = study(1)
    data.trials = data.trials[data.trials["n_draws"] == 0]
    drawn = DRAW["few_labels"](data)
    drawn.figure.draw_without_rendering()
    assert drawn.points.empty


def test_lost_directions_have_a_panel_a_pair_and_the_texts_of_items_as_they_are(study):
    drawn = DRAW["lost_directions"](study(2))
    assert drawn.points["panel"].tolist() == [0, 0, 0, 1, 1, 1]
    assert drawn.points["position"].tolist() == [0, 1, 2, 0, 1, 2]
    labels = [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()]
    assert all("a $x$ | b" in label for label in labels)  # and no formula is made of it
    assert max(len(line) for label in labels for line in label.split("\n")) <= 60
    assert not any(label.get_parse_math() for label in drawn.figure.axes[0].get_yticklabels())


def test_names_of_a_front_keep_off_its_steps():
    front = np.array([[100.0, 0.9], [1.0, 0.5], [10.0, 0.8]])
    along = cost._along(front)
    assert along.shape == (40, 2)
    assert set(along[:20, 1]) == {0.5} and set(along[20:, 1]) == {0.8}
    np.testing.assert_allclose([along[0, 0], along[19, 0], along[20, 0], along[-1, 0]], [1, 10, 10, 100])
    assert len(cost._along(front[:1])) == 0


def test_numbers_of_items_are_short_from_ten_thousand_on(study):
    axes = DRAW["ranking_by_items"](study(4)).figure.axes[0]
    write = axes.xaxis.get_major_formatter()
    assert [write(value) for value in (9_680.0, 10_000.0, 574_000.0)] == ["9,680", "10k", "574k"]
