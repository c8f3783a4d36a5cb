"""Names, colours, labels and the saving of files."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suffice.errors import DataError
from suffice.plots import Drawn, Families, save_figure
from suffice.plots.labels import place_labels, settle
from suffice.plots.rank_bars import group_name
from suffice.plots.style import grid_shape, label_size, logarithmic, rank_ticks, short_names, short_number


def test_a_new_family_at_the_end_changes_no_colour():
    table = pd.DataFrame({"model": ["a", "b", "c"], "family": ["x", "y", "x"]})
    more = pd.concat([table, pd.DataFrame({"model": ["d"], "family": ["z"]})])
    small, large = Families.from_table(table), Families.from_table(more)
    for model in "abc":
        assert (small.color(model), small.marker(model)) == (large.color(model), large.marker(model))
    assert small.color("a") == small.color("c") != small.color("b")


def test_forty_two_families_look_different():
    families = Families({f"m{i}": f"f{i}" for i in range(42)})
    assert len({(families.color(f"m{i}"), families.marker(f"m{i}")) for i in range(42)}) == 42


def test_a_missing_family_is_named():
    with pytest.raises(DataError, match="model 'b' has no family"):
        Families.from_table(pd.DataFrame({"model": ["a", "b"], "family": ["x", None]}))


def test_short_names_stay_different():
    names = [f"{'x' * 30}{i}{'y' * 30}" for i in range(3)]
    short = short_names(names, 20)
    assert len(set(short)) == 3
    assert short_names(["abc", "y" * 40], 20)[0] == "abc"
    assert len(short_names(["abc", "y" * 40], 20)[1]) == 20


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_forty_points_do_not_overlap(seed):
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    points = np.random.default_rng(seed).uniform(size=(40, 2))
    axes.scatter(*points.T)
    settle(figure)
    labels = place_labels(axes, points, [f"some-model-{i}" for i in range(40)], points)
    boxes = [label.get_window_extent() for label in labels]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_label_covers_no_point_where_there_is_room():
    figure = Figure(figsize=(4, 4), layout="constrained")
    axes = figure.subplots()
    points = np.array([[0.5, 0.5], [0.6, 0.5]])
    axes.scatter(*points.T)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    settle(figure)
    (label,) = place_labels(axes, points[:1], ["a-model-name"], points)
    box = label.get_window_extent()
    assert not any(box.contains(*axes.transData.transform(point)) for point in points)


def test_a_failed_save_leaves_no_file(tmp_path):
    class Broken(pd.DataFrame):
        def rename(self, *args, **kwargs):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        save_figure(Drawn(Figure(), Broken({"x": [1]})), tmp_path / "figure")
    assert list(tmp_path.iterdir()) == []


def test_the_points_come_back_from_the_csv_file(tmp_path):
    points = pd.DataFrame({"model": ["a", "b"], "score": [0.1, 1 / 3]})
    paths = save_figure(Drawn(Figure(), points), tmp_path / "figure.v2")
    assert paths[2].name == "figure.v2.csv"
    pd.testing.assert_frame_equal(pd.read_csv(paths[2]), points, check_exact=True)


def test_importing_the_figures_leaves_pyplot_and_settings_alone():
    code = (
        "import sys, matplotlib; before = matplotlib.rcParams.copy(); from suffice.plots import *; "
        "assert matplotlib.rcParams.copy() == before; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("first", "last", "is_best", "name"),
    [
        (1, 1, True, "first"),
        (1, 4, True, "tied for first (4)"),
        (7, 7, True, "could be first"),
        (5, 5, False, "5"),
        (5, 7, False, "tied 5–7"),
    ],
)
def test_group_names(first, last, is_best, name):
    assert group_name(first, last, is_best) == name


@pytest.mark.parametrize(
    ("n_models", "ticks"), [(1, [1]), (5, [1, 2, 3, 4, 5]), (17, [1, 5, 10, 15]), (40, [1, 10, 20, 30, 40])]
)
def test_rank_ticks(n_models, ticks):
    assert rank_ticks(n_models) == ticks


def test_small_helpers():
    assert [grid_shape(n, 3) for n in (1, 3, 4, 6, 7)] == [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)]
    assert [short_number(n) for n in (0, 400, 1500, 20_000, 3e6)] == ["0", "400", "1.5k", "20k", "3M"]
    assert label_size(5) == 8.0 > label_size(30) > label_size(100) == 5.5


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((4, 40), ["5", "10", "20"]),
        ((16, 384), ["30", "100", "300"]),
        ((1e4, 3e7), ["10k", "100k", "1M", "10M"]),
        ((0.02, 90), ["0.1", "1", "10"]),
        ((5, 5), ["5"]),
    ],
)
def test_a_logarithmic_axis_has_a_few_round_numbers_in_view(values, labels):
    axes = Figure(figsize=(2.6, 2)).subplots()
    axes.plot(values, values)
    logarithmic(axes, pd.Series(values))
    low, high = axes.get_xlim()
    axes.figure.draw_without_rendering()
    shown = [t for t in axes.get_xticklabels() if low <= t.get_position()[0] <= high]
    assert set(labels) <= {label.get_text() for label in shown}
    assert len(shown) <= 6
