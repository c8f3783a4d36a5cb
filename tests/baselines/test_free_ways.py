"""Other ways to choose from vectors at hand: each says what its own function says."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.baselines.free_ways import consensus, ways_from_vectors
from suffice.baselines.geometry import rankme
from suffice.baselines.registry import baselines_of_pool
from suffice.baselines.self_retrieval import self_retrieval


@pytest.fixture(scope="module")
def looks():
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(400, 6))
    noises = {"clear": 0.3, "noisy": 3.0}
    return [
        {name: shared + noise * generator.normal(size=shared.shape) for name, noise in noises.items()}
        | {"wide": generator.normal(size=(400, 20))}
        for _ in range(2)
    ]


def test_each_way_is_that_of_its_own_function(looks):
    first, second = looks
    ranking = rank(first, second, ["linear", "neighbours"])
    ways = ways_from_vectors(ranking.pairs, first, second).pivot(
        index="model", columns="predictor", values="value"
    )
    assert set(ways) == {"rankme", "embed_dim", "consensus", "self_retrieval", "linear", "neighbours"}
    assert ways["embed_dim"].to_dict() == {"clear": 6, "noisy": 6, "wide": 20}
    assert ways.loc["wide", "rankme"] == pytest.approx(rankme(first["wide"]))
    assert ways.loc["clear", "self_retrieval"] == pytest.approx(
        self_retrieval(first["clear"], second["clear"])
    )
    pool = baselines_of_pool(first).set_index("model")
    assert ways["consensus"].to_dict() == pool["consensus"].to_dict()
    assert (
        ways["self_retrieval"].idxmax() == ways["linear"].idxmax() == ways["neighbours"].idxmax() == "clear"
    )


def test_one_look_by_one_estimator_leaves_what_the_vectors_have_by_themselves(looks):
    first, _ = looks
    ways = ways_from_vectors(rank(first).pairs, first)
    assert set(ways["predictor"]) == {"rankme", "embed_dim", "consensus"}


def test_two_models_and_a_few_items_have_no_consensus(looks):
    first = looks[0]
    two = {name: first[name] for name in ("clear", "noisy")}
    few = {name: vectors[:11] for name, vectors in first.items()}
    assert consensus(two) is None and consensus(few) is None
    assert consensus({name: vectors[:12] for name, vectors in first.items()}) is not None


def test_vectors_without_a_rankme_have_no_value_and_stop_nothing():
    pairs = pd.DataFrame({"estimator": ["linear"]})
    ways = ways_from_vectors(pairs, {"zero": np.zeros((60, 3)), "one": np.ones((60, 3))})
    assert ways.loc[(ways["model"] == "zero") & (ways["predictor"] == "rankme"), "value"].isna().all()
