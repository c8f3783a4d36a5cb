"""Which models are targets: named, counted, drawn; and rankings with some targets only."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.errors import EstimationError
from suffice.ranking.targets import (
    check_targets,
    choose_targets,
    describe_targets,
    parse_targets,
    targets_within,
)

FAMILIES = {"a0": "a", "a1": "a", "a2": "a", "b0": "b", "b1": "b", "c0": "c"}


def kinds_of_models(n_items=400, seed=0):
    """Three kinds of embeddings of two signals each; three, two and one of each."""
    generator = np.random.default_rng(seed)
    embeddings = {}
    for kind, n_copies in (("a", 3), ("b", 2), ("c", 1)):
        base = generator.normal(size=(n_items, 6))
        for copy in range(n_copies):
            mixed = base @ np.linalg.qr(generator.normal(size=(8, 6)))[0].T
            embeddings[f"{kind}{copy}"] = mixed + 0.4 * generator.normal(size=mixed.shape)
    return embeddings


def test_every_family_has_a_target_before_any_has_two():
    for seed in range(20):
        assert sorted(FAMILIES[name] for name in choose_targets(list(FAMILIES), 3, FAMILIES, seed)) == [
            *"abc"
        ]
        five = [FAMILIES[name] for name in choose_targets(list(FAMILIES), 5, FAMILIES, seed)]
        assert sorted(five) == [*"aabbc"]


def test_the_draw_is_random_and_the_same_for_one_seed_in_any_order():
    drawn = {tuple(choose_targets(list(FAMILIES), 3, FAMILIES, seed)) for seed in range(40)}
    assert len(drawn) == 6  # three of a times two of b
    backwards = list(reversed(FAMILIES))
    assert choose_targets(backwards, 3, FAMILIES, 7) == choose_targets(list(FAMILIES), 3, FAMILIES, 7)


def test_without_families_any_models_are_drawn():
    times = pd.Series([name for seed in range(600) for name in choose_targets(list(FAMILIES), 2, None, seed)])
    # Each of six models in a third of 600 draws, with a standard deviation of 12.
    assert times.value_counts().between(150, 250).all()


def test_rank_estimates_pairs_of_the_drawn_targets_only():
    embeddings = kinds_of_models()
    ranking = rank(embeddings, targets=3, families=FAMILIES)
    targets = set(choose_targets(list(embeddings), 3, FAMILIES))
    assert set(ranking.pairs["target"]) == targets
    assert len(ranking.pairs) == 3 * 6
    assert set(ranking.table["model"]) == set(embeddings)
    assert set(ranking.table.loc[ranking.table["is_target"], "model"]) == targets
    # A model is not a target of itself.
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
        (["a0", "d0"], "target 'd0' is not a model; .*choices: a0"),
        (["a0", "a0"], "a name occurs twice in a0, a0"),
        (["a0"], "1 targets are too few: choose at least 2"),
        (1, "1 targets are too few: choose at least 2"),
        (0, "0 targets are too few"),
        (7, "7 targets are requested, but only 6 models can be targets"),
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


def ranking_of(targets, first, relatives="abcdef"):
    return pd.DataFrame(
        {
            "model": list("abcdef"),
            "is_target": [model in targets for model in "abcdef"],
            "relatives": list(relatives),
            "could_be_first_pools": pd.array(
                [None if first is None else m in first for m in "abcdef"], "boolean"
            ),
        }
    )


@pytest.mark.parametrize(
    ("ranking", "said"),
    [
        (
            ranking_of("abcdef", "c"),
            "All 6 models are targets. For other pools like this one, c could be first",
        ),
        (
            ranking_of("abcd", "cd"),
            "targets: a, b, c, d. For other pools like this one, either of 2 models could",
        ),
        (
            ranking_of("abcd", "abcdef"),
            "any of the models could be first (with 4 groups of related models as",
        ),
        (ranking_of("abcd", "c", "aabbcd"), "c could be first (with 2 groups"),
        (
            ranking_of("ab", None),
            "targets: a, b. Fewer than 3 groups of related models are targets, so nothing",
        ),
    ],
)
def test_targets_and_other_pools_in_words(ranking, said):
    assert said in describe_targets(ranking)
