"""The bridge of kinds of generalisation: rotated networks, mates, differences in behaviour, and relations."""

import numpy as np
import pandas as pd
import pytest

from suffice.kinds.saturation.bridge import SeenStates, compare_states
from suffice.kinds.saturation.bridge_tables import without_direction
from suffice.kinds.saturation.generalisation import get_kind
from suffice.kinds.saturation.generalising import KindJob
from suffice.kinds.saturation.kind_bridge import (
    ACCURACY,
    ANSWERS,
    TWO_LOOKS,
    compare_kinds,
    compare_two_looks,
    kind_pairs,
    kind_relations,
    mates,
)
from suffice.kinds.saturation.separation import jackknife_interval, relation_of_matrices
from suffice.kinds.saturation.settings import BridgeSettings, NetworkSettings

SETTINGS = BridgeSettings(n_components=4, noise_sweep=(), n_items=400, n_permutations=200)
N_PROMPTS = 40


def rotated_functions(n_functions=3, n_rotations=2):
    """States of networks that are rotations of a few functions, function by function."""
    rng = np.random.default_rng(0)
    found = {}
    for function in range(n_functions):
        states, outputs = rng.normal(size=(N_PROMPTS, 6)), rng.dirichlet(np.ones(3), N_PROMPTS)
        for number in range(n_rotations):
            rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
            name = f"likelihood/{function * n_rotations + number}"
            found[name] = SeenStates(states @ rotation, outputs)
    return found


def same_function(first, second):
    return int(first.rpartition("/")[2]) // 2 == int(second.rpartition("/")[2]) // 2


@pytest.fixture(scope="module")
def compared():
    """Pairs of rotated functions; each function answers in its own way."""
    items = np.resize(np.arange(N_PROMPTS), SETTINGS.n_items)
    seen = {
        name: SeenStates(each.states[items], each.outputs[items])
        for name, each in rotated_functions().items()
    }
    pairs = compare_states(seen, items.tolist(), SETTINGS, 0, "new symbols")
    two = np.arange(N_PROMPTS).reshape(-1, 2)
    states = {name: np.repeat(each.states[::2], 2, axis=0) for name, each in rotated_functions().items()}
    looks = compare_two_looks(states, two, SETTINGS, 0, "new symbols")  # mates have equal states
    place = {"kind": "symbolic", "architecture": "gru"}
    return pd.concat([pairs, looks], ignore_index=True).assign(**place)


@pytest.mark.parametrize("measure", ["linear", "gaussian", "cka", "ridge_r2", TWO_LOOKS])
def test_measures_of_states_do_not_see_a_rotation(compared, measure):
    one = without_direction(compared.rename(columns={"kind": "language"}))
    one = one[one["measure"] == measure]
    same = np.array([same_function(*ends) for ends in zip(one["first"], one["second"], strict=True)])
    assert same.sum() == 3 and one.loc[same, "value"].min() > one.loc[~same, "value"].max()
    if measure == "cka":
        assert one.loc[same, "value"].min() > 0.95  # not 1, because dimensions are standardised


def behaving(groups):
    """Networks and answers: those of one group answer alike, and each group is right on other prompts."""
    prompts = get_kind("symbolic").prompts["new symbols"]
    networks, answers = [], []
    for seed, group in enumerate(groups):
        place = {"kind": "symbolic", "architecture": "gru", "seed": seed}
        for part in ("in distribution", "new symbols"):
            accuracy = 1.0 if part == "in distribution" else group / 4
            networks.append({**place, "part": part, "accuracy": accuracy, "excess_nats": 0.003 + 1e-5 * seed})
        answers += [
            {**place, "part": "new symbols", "prompt": prompt, "completion": str(group), "finished": True}
            for prompt in prompts
        ]
    return pd.DataFrame(networks), pd.DataFrame(answers)


def test_similar_states_go_with_similar_answers_if_states_decide_them(compared):
    pairs = kind_pairs(compared, *behaving([0, 0, 1, 1, 2, 2]))
    alike = pairs[pairs["measure"] == ANSWERS]
    expected = [float(not same_function(*ends)) for ends in zip(alike["first"], alike["second"], strict=True)]
    assert alike["value"].tolist() == expected and len(expected) == 15
    accuracy = pairs[(pairs["measure"] == ACCURACY) & (pairs["probe"] == "new symbols")]
    assert accuracy.set_index(["first", "second"])["value"]["likelihood/1", "likelihood/4"] == 0.5
    found = kind_relations(pairs, SETTINGS, 0).set_index(["behaviour", "measure"])
    # of 15 pairs 3 are alike; their ranks by the measure are the first, so only ties within 12 weaken rho
    assert found.loc[(ANSWERS, "cka"), "spearman"] == pytest.approx(-0.69, abs=0.02)
    assert found.loc[(ANSWERS, "linear"), "p_value"] < 0.1  # 15 ways to form three pairs, two-sided
    assert found.loc[(ANSWERS, "output_js"), "spearman"] < -0.6
    assert set(found["part"]) == {"new symbols"} and set(found["n_networks"]) == {6}


def test_behaviour_that_does_not_go_with_states_is_not_related(compared):
    pairs = kind_pairs(compared, *behaving([0, 1, 2, 0, 1, 2]))
    found = kind_relations(pairs, SETTINGS, 0).set_index(["behaviour", "measure"]).loc[ANSWERS]
    assert found.loc["cka", "spearman"] > 0  # no two rotations of one function answer alike
    same = kind_pairs(compared, *behaving([1] * 6))
    unknown = kind_relations(same, SETTINGS, 0)
    assert unknown["spearman"].isna().all() and unknown["n_strata"].eq(0).all()


def test_mates_have_one_answer_and_are_in_one_pair():
    kind = get_kind("systematic")
    prompts = kind.prompts["new role"]
    pairs = mates(kind, prompts, 0)
    assert len(set(pairs.ravel())) == 2 * len(pairs) == 24
    assert all(kind.answer(prompts[i]) == kind.answer(prompts[j]) for i, j in pairs)
    assert mates(get_kind("compositional"), ["a>", "b>"], 0).shape == (0, 2)


def test_networks_are_compared_after_every_part_with_enough_prompts():
    settings = NetworkSettings(width=8, n_layers=1)
    networks = {
        (name, "gru"): {str(number): KindJob(name, "gru", settings, 0).network(number) for number in range(2)}
        for name in ("rule", "symbolic", "compositional")
    }
    found = compare_kinds(networks, SETTINGS, 0)
    probes = {name: set(rows["probe"]) for name, rows in found.groupby("kind")}
    assert probes["rule"] == {"new order"}  # four prompts in distribution are too few
    assert probes["symbolic"] == {"in distribution", "new symbols"} and len(probes["compositional"]) == 3
    with_looks = set(found.loc[found["measure"] == TWO_LOOKS, "kind"])
    assert with_looks == {"rule", "symbolic"}  # commands have answers of their own


def made_up_strata(rng, n_strata=3, n=10):
    """Similarity and distance of networks that share a hidden place, with rho of about -0.6."""
    strata = []
    for _ in range(n_strata):
        places = rng.normal(size=n)
        seen, done = (places + 0.3 * rng.normal(size=n) for _ in range(2))
        strata.append((-np.abs(seen[:, None] - seen), np.abs(done[:, None] - done)))
    return [list(each) for each in zip(*strata, strict=True)]


def test_intervals_cover_the_truth_and_strata_without_variation_are_left_out():
    rng = np.random.default_rng(0)
    draws = [made_up_strata(rng) for _ in range(40)]
    found = [relation_of_matrices(*draw, 1, 0)["spearman"] for draw in draws]
    truth = np.mean(found)
    ends = np.array([jackknife_interval(*draw) for draw in draws])
    covered = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()
    assert covered >= 0.86  # 95 % less two standard errors of 40 draws, and that of their mean
    assert np.ptp(ends, axis=1).mean() < 6 * np.std(found)
    similarity, distance = draws[0]
    extra = relation_of_matrices([*similarity, similarity[0]], [*distance, np.zeros((10, 10))], 50, 0)
    assert extra == relation_of_matrices(similarity, distance, 50, 0) and extra["n_strata"] == 3
