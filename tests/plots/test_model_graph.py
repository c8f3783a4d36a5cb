"""The graph: communities, strongest sources, places."""

import itertools

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.plots import draw_model_graph
from suffice.plots.model_graph import _places, find_communities, strongest_sources, symmetric_weights


def blocks(n_models=10):
    """Two groups of models that predict their own group well and the other poorly."""
    names = [f"m{i}" for i in range(n_models)]
    half = np.arange(n_models) < n_models // 2
    values = 0.05 + 0.6 * (half[:, None] == half[None]) + 0.001 * np.arange(n_models)[:, None]
    return pd.DataFrame(values, index=names, columns=names)


def scores(matrix):
    return pd.Series(np.linspace(0, 1, len(matrix)), index=matrix.index)


def tidy(matrix):
    return (
        matrix.rename_axis("source")
        .reset_index()
        .melt("source", var_name="target", value_name="nats_per_dim")
    )


@pytest.mark.parametrize("seed", range(5))
def test_communities_are_found_and_numbered_by_their_best_model(seed):
    matrix = blocks()
    found = find_communities(symmetric_weights(matrix), scores(matrix), seed)
    assert found.tolist() == [2] * 5 + [1] * 5


def test_weights_are_symmetric_and_a_useless_source_makes_no_bond():
    matrix = blocks(4)
    matrix.iloc[0, 1] = matrix.iloc[1, 0] = -0.3
    matrix.iloc[2, 3] = np.nan
    weights = symmetric_weights(matrix)
    assert (weights == weights.T).all()
    assert weights[0, 1] == 0
    assert weights[2, 3] == matrix.iloc[3, 2]  # the other direction alone
    assert (np.diag(weights) == 0).all()


def test_each_target_has_its_strongest_other_sources():
    matrix = pd.DataFrame(
        [[9, 1, 2], [3, 9, -1], [4, 5, 9]], index=list("abc"), columns=list("abc"), dtype=float
    )
    edges = strongest_sources(matrix, 1).set_index("target")
    assert edges["source"].to_dict() == {"a": "c", "b": "c", "c": "a"}
    assert edges["nats_per_dim"].to_dict() == {"a": 4.0, "b": 5.0, "c": 2.0}
    assert len(strongest_sources(matrix, 2)) == 5  # b tells nothing of c


def test_points_hold_nodes_and_edges_as_given():
    matrix = blocks(6)
    ranking = scores(matrix).rename("score").rename_axis("model").reset_index()
    points = draw_model_graph(tidy(matrix), ranking, n_strongest=2).points
    nodes, edges = points[points["layer"] == "node"], points[points["layer"] == "edge"]
    assert nodes.set_index("model")["score"].to_dict() == scores(matrix).to_dict()
    assert len(edges) == 12
    assert all(matrix.loc[e.source, e.target] == e.nats_per_dim for e in edges.itertuples())


def test_no_two_nodes_lie_on_one_another(study):
    matrix = pd.DataFrame(np.full((40, 40), 0.3))
    places = _places(symmetric_weights(matrix))
    nearest = min(np.hypot(*(a - b)) for a, b in itertools.combinations(places, 2))
    assert nearest > 0.03  # a node is at most 16 points wide in a square of about 450


def test_a_model_without_a_score_is_named(study):
    data = study(3)
    with pytest.raises(DataError, match="'model-1' is in the pairs but not in the ranking"):
        draw_model_graph(data.pairs, data.ranking.drop(index=1))


def test_only_targets_are_drawn(study):
    data = study(5)
    targets = data.ranking["model"].iloc[:3].tolist()
    some = data.pairs[data.pairs["target"].isin(targets)]
    points = draw_model_graph(some, data.ranking).points
    assert set(points.loc[points["layer"] == "node", "model"]) == set(targets)
    assert set(points["source"].dropna()) <= set(targets)
