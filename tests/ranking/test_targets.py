"""Which models are targets: named, counted, chosen; and rankings with some targets only."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.errors import EstimationError
from suffice.ranking.targets import (
    check_targets,
    choose_targets,
    describe_targets,
    k_medoids,
    linear_cka,
    parse_targets,
    targets_within,
)


def kinds_of_models(n_items=400, seed=0):
    """Three kinds of embeddings; three, two and one near-duplicates of each, rotated and of other widths."""
    generator = np.random.default_rng(seed)
    embeddings = {}
    for kind, n_copies in (("a", 3), ("b", 2), ("c", 1)):
        base = generator.normal(size=(n_items, 6))
        for copy in range(n_copies):
            mixed = base @ np.linalg.qr(generator.normal(size=(8, 6)))[0].T
            embeddings[f"{kind}{copy}"] = mixed + 0.05 * generator.normal(size=mixed.shape)
    return embeddings


def test_near_duplicates_are_represented_once():
    chosen = choose_targets(kinds_of_models(), 3)
    assert [name[0] for name in chosen] == ["a", "b", "c"]


def test_the_choice_is_the_same_on_every_run_and_does_not_depend_on_the_order():
    embeddings = kinds_of_models()
    first = choose_targets(embeddings, 2, seed=5)
    assert choose_targets(embeddings, 2, seed=5) == first
    backwards = dict(reversed(embeddings.items()))
    assert set(choose_targets(backwards, 3)) <= set(embeddings)
    assert {name[0] for name in choose_targets(backwards, 3)} == {"a", "b", "c"}


def test_likeness_is_one_for_a_rotation_and_nought_for_strangers_of_any_width():
    generator = np.random.default_rng(0)
    base = generator.normal(size=(300, 5))
    base /= base.std(axis=0)
    rotation = np.linalg.qr(generator.normal(size=(5, 5)))[0]
    wide = generator.normal(size=(300, 500))
    cka = linear_cka([base, 3 * base + 1, base @ rotation, wide])
    assert cka[0, 1] == pytest.approx(1, abs=1e-5)
    assert cka[0, 2] > 0.95  # dimensions are scaled anew after the rotation
    assert abs(cka[0, 3]) < 0.05  # the biased form is 0.12 here
    np.testing.assert_allclose(np.diag(cka), 1, atol=1e-5)


def test_a_constant_dimension_and_a_constant_embedding_have_no_likeness():
    base = np.random.default_rng(0).normal(size=(100, 3))
    with_constant = np.c_[base, np.full(100, 7.0)]
    cka = linear_cka([base, with_constant, np.ones((100, 2))])
    assert cka[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.isfinite(cka).all()
    assert cka[0, 2] == 0


def test_medoids_have_the_least_total_distance():
    points = np.random.default_rng(3).normal(size=(9, 2))
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    every = [[i, j] for i in range(9) for j in range(i)]
    least = min(distance[pair].min(axis=0).sum() for pair in every)
    assert distance[k_medoids(distance, 2)].min(axis=0).sum() == pytest.approx(least)
    assert k_medoids(distance, 9) == list(range(9))


def test_rank_estimates_pairs_of_the_chosen_targets_only():
    embeddings = kinds_of_models()
    ranking = rank(embeddings, targets=3)
    targets = set(choose_targets(embeddings, 3))
    assert set(ranking.pairs["target"]) == targets
    assert len(ranking.pairs) == 3 * 6
    assert set(ranking.table["model"]) == set(embeddings)
    assert set(ranking.table.loc[ranking.table["is_target"], "model"]) == targets
    # A model is no target of itself.
    assert ranking.table.set_index("model")["n_targets"].to_dict() == {
        name: 2 if name in targets else 3 for name in embeddings
    }


def test_named_targets_give_the_same_pairs_as_all_do():
    embeddings = kinds_of_models()
    every, named = rank(embeddings).pairs, rank(embeddings, targets=["c0", "a1"]).pairs
    both = named.merge(every, on=["source", "target"], suffixes=("", "_all"))
    assert len(both) == len(named) == 12
    assert (both["nats"] == both["nats_all"]).all()


def test_as_many_targets_as_models_are_all():
    embeddings = kinds_of_models()
    pd.testing.assert_frame_equal(rank(embeddings).table, rank(embeddings, targets=6).table)


def test_a_budget_decides_the_number_of_targets():
    embeddings = kinds_of_models()
    assert len(rank(embeddings, budget=23).pairs) == 3 * 6
    assert targets_within(1000, 6, self_pairs=False) == 6
    assert targets_within(6, 6, self_pairs=True) == 1
    with pytest.raises(EstimationError, match="a budget of 11 pairs is too small for 6 models: .* 12 pairs"):
        rank(embeddings, budget=11)
    with pytest.raises(EstimationError, match=r"both targets \(2\) and a budget \(12\) are given"):
        rank(embeddings, budget=12, targets=2)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (["a0", "d0"], "target 'd0' is no model; .*there is: a0"),
        (["a0", "a0"], "a name stands twice in a0, a0"),
        (["a0"], "1 targets are too few: choose at least 2"),
        (1, "1 targets are too few: choose at least 2"),
        (0, "0 targets are too few"),
        (7, "7 targets are wanted, but only 6 models may be targets"),
        ("most", "targets 'most': write 'all', a whole number, or a list"),
    ],
)
def test_targets_that_cannot_be_had_are_named(targets, message):
    with pytest.raises(EstimationError, match=message):
        rank(kinds_of_models(), targets=targets)


def test_one_target_is_enough_if_it_counts_for_itself():
    check_targets(1, ["a", "b"], self_pairs=True)
    ranking = rank(kinds_of_models(), targets=["c0"], self_pairs=True)
    assert ranking.table["model"].iloc[0] == "c0"


def test_targets_as_words():
    assert parse_targets("all") == "all"
    assert parse_targets("12") == 12
    assert parse_targets("a, b,") == ["a", "b"]


def test_the_targets_are_told():
    embeddings = kinds_of_models()
    assert describe_targets(rank(embeddings).table) == "All 6 models are targets."
    few = describe_targets(rank(embeddings, targets=["a0", "b0"]).table)
    assert few.startswith("2 of 6 models are targets: a0, b0. These are too few")
    more = describe_targets(rank(embeddings, targets=["a0", "a1", "b0", "c0"]).table)
    assert more == "4 of 6 models are targets: a0, a1, b0, c0. Scores are relative to these."
