"""The matrix of pairs: order, colour scale and gaps."""

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.plots import Families, draw_pair_matrix
from suffice.plots.pair_matrix import cluster_models, pair_matrix
from suffice.plots.style import ON_DARK, ON_LIGHT


def two_kinds(n_models=8, seed=0):
    """Pairs of models of two kinds, told apart by even and odd numbers."""
    generator = np.random.default_rng(seed)
    names = [f"m{i}" for i in range(n_models)]
    rows = [
        (a, b, 3.0 if i == j else 0.2 + 0.3 * (i % 2 == j % 2) + 0.01 * generator.normal())
        for i, a in enumerate(names)
        for j, b in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=["source", "target", "nats_per_dim"])


def families(pairs):
    return Families({model: "one" for model in pairs["source"]})


def test_like_models_stand_side_by_side():
    order = cluster_models(pair_matrix(two_kinds())).order
    kinds = [int(name[1:]) % 2 for name in order]
    assert kinds in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)


def test_the_order_does_not_depend_on_the_diagonal():
    pairs = two_kinds()
    changed = pairs.assign(
        nats_per_dim=pairs["nats_per_dim"].where(pairs["source"] != pairs["target"], -50.0)
    )
    assert cluster_models(pair_matrix(pairs)).order == cluster_models(pair_matrix(changed)).order


def test_points_are_the_pairs_and_only_the_diagonal_is_beyond_the_scale():
    pairs = two_kinds()
    points = draw_pair_matrix(pairs, families(pairs)).points
    joined = points.merge(pairs, on=["source", "target"], suffixes=("", "_given"))
    assert len(joined) == len(pairs)
    assert (joined["nats_per_dim"] == joined["nats_per_dim_given"]).all()
    assert (points["beyond_scale"] == (points["source"] == points["target"])).all()
    assert ((points["row"] == points["column"]) == (points["source"] == points["target"])).all()


def test_a_far_outlier_does_not_set_the_colour_scale():
    pairs = two_kinds()
    pairs.loc[1, "nats_per_dim"] = -40.0
    points = draw_pair_matrix(pairs, families(pairs)).points
    beyond = points[points["beyond_scale"] & (points["source"] != points["target"])]
    assert beyond[["source", "target"]].to_numpy().tolist() == [["m0", "m1"]]


def test_a_pair_that_was_not_measured_is_a_gap():
    pairs = two_kinds().drop(index=1)
    points = draw_pair_matrix(pairs, families(pairs)).points
    assert len(points) == 64
    assert points.loc[points["nats_per_dim"].isna(), ["source", "target"]].to_numpy().tolist() == [
        ["m0", "m1"]
    ]


def test_a_pair_that_occurs_twice_is_refused():
    pairs = pd.concat([two_kinds(), two_kinds().iloc[[1]]])
    with pytest.raises(DataError, match="'m0', 'm1' occurs twice"):
        draw_pair_matrix(pairs, families(pairs))


def test_pairs_without_a_finite_value_are_refused():
    pairs = two_kinds().assign(nats_per_dim=np.nan)
    with pytest.raises(DataError, match="no pair has a finite value"):
        draw_pair_matrix(pairs, families(pairs))


def test_a_model_that_is_no_target_has_a_row_and_no_column():
    pairs = two_kinds()
    some = pairs[pairs["target"].isin(["m1", "m4", "m5"])]
    drawn = draw_pair_matrix(some, families(pairs))
    assert len(drawn.points) == 8 * 3
    assert set(drawn.points["target"]) == {"m1", "m4", "m5"}
    assert drawn.points["nats_per_dim"].notna().all()
    # The colours leave out a model with itself, wherever its cell is.
    assert (drawn.points["beyond_scale"] == (drawn.points["source"] == drawn.points["target"])).all()
    heat = drawn.figure.axes[0]
    assert [len(heat.get_yticks()), len(heat.get_xticks())] == [8, 3]


def test_letters_are_light_on_dark_cells_and_dark_on_light_ones():
    pairs = pd.DataFrame(
        [("a", "b", 0.0), ("b", "a", 1.0), ("a", "a", 2.0), ("b", "b", 2.0)],
        columns=["source", "target", "nats_per_dim"],
    )
    axes = draw_pair_matrix(pairs, families(pairs)).figure.axes[0]
    colors = {text.get_text(): text.get_color() for text in axes.texts}
    assert colors == {"0.00": ON_DARK, "1.00": ON_LIGHT, "2.00": ON_LIGHT}
