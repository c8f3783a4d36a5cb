"""The bridge: what hidden states tell, areas against another library, permutations against enumeration."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score

from suffice.errors import DataError
from suffice.estimators.items import divide_items
from suffice.kinds.saturation.bridge import (
    PROBES,
    Probe,
    draw_probes,
    jensen_shannon_nats,
    noisy_components,
    probe_pairs,
    states_and_outputs,
    taught_prefixes,
)
from suffice.kinds.saturation.bridge import _held_out_squares as held_out_squares
from suffice.kinds.saturation.bridge_tables import (
    auc_table,
    behaviour_table,
    floor_table,
    kind_table,
    unordered_pairs,
)
from suffice.kinds.saturation.compared import ComparisonJob, compare_networks
from suffice.kinds.saturation.languages import AnBn
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.prompts import make_prompts
from suffice.kinds.saturation.separation import Stratum, mantel_spearman, permutation_test, same_label_auc
from suffice.kinds.saturation.settings import BridgeSettings, LanguageChoice
from suffice.kinds.saturation.tokens import Vocabulary

SMALL = BridgeSettings(n_components=4, noise_sweep=(0.1, 0.3), n_items=150, n_permutations=100)
LABELS = np.array(["x", "x", "y", "y", "z"])


def symmetric(seed, n=5):
    values = np.random.default_rng(seed).normal(size=(n, n)).round(1)  # rounded, so that there are ties
    return values + values.T


def test_the_area_is_that_of_scikit_learn():
    upper = np.triu_indices(5, 1)
    for seed in range(20):
        similarity = symmetric(seed)
        same = LABELS[upper[0]] == LABELS[upper[1]]
        found = same_label_auc(Stratum(similarity, LABELS))
        assert found == pytest.approx(roc_auc_score(same, similarity[upper]))


def test_an_area_needs_pairs_of_one_arm_and_of_two():
    with pytest.raises(DataError, match="10 pairs of one arm and 0 of two"):
        same_label_auc(Stratum(symmetric(0), np.array(["x"] * 5)))


def test_kin_are_not_compared_and_change_places_only():
    """Networks 0 and 3 are kin, 1 and 4, 2 and 5: with the same states labels cannot be told."""
    labels, kin = np.array(["x"] * 3 + ["y"] * 3), np.array([0, 1, 2] * 2)
    states = np.random.default_rng(0).normal(size=(3, 2))[[0, 1, 2] * 2]
    similarity = -np.linalg.norm(states[:, None] - states[None], axis=2)
    assert permutation_test([Stratum(similarity, labels, kin)], 200, seed=0) == (0.5, 1.0)
    apart = (labels[:, None] == labels[None]).astype(float)
    found, p_value = permutation_test([Stratum(apart, labels, kin)], 4000, seed=0)
    assert found == 1 and p_value == pytest.approx(2 / 2**3, abs=0.03)  # all kin change places, or none


def test_a_similarity_that_is_not_finite_is_an_error():
    similarity = symmetric(0)
    similarity[0, 1] = similarity[1, 0] = np.nan
    with pytest.raises(DataError, match="1 similarities of pairs are not finite"):
        same_label_auc(Stratum(similarity, LABELS))


def test_permutations_are_those_of_an_enumeration():
    strata = [Stratum(symmetric(1), LABELS), Stratum(symmetric(2), LABELS)]
    orders = [list(order) for order in itertools.permutations(range(5))]
    areas = [
        np.array([same_label_auc(Stratum(stratum.similarity, LABELS[order])) for order in orders])
        for stratum in strata
    ]
    means = (areas[0][:, None] + areas[1][None, :]) / 2
    found, p_value = permutation_test(strata, 4000, seed=0)
    assert found == pytest.approx(np.mean([same_label_auc(stratum) for stratum in strata]))
    exact = (means >= found - 1e-12).mean()
    assert p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))


def test_rho_of_matrices_and_its_permutations():
    first, second = symmetric(3), symmetric(4)
    upper = np.triu_indices(5, 1)
    rho, p_value = mantel_spearman([first], [second], 4000, seed=0)
    assert rho == pytest.approx(spearmanr(first[upper], second[upper]).statistic)
    moved = [second[np.ix_(order, order)] for order in map(list, itertools.permutations(range(5)))]
    all_rho = np.array([spearmanr(first[upper], each[upper]).statistic for each in moved])
    exact = (np.abs(all_rho) >= abs(rho) - 1e-12).mean()
    assert p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))
    assert np.isnan(mantel_spearman([first], [np.ones((5, 5))], 100, seed=0)).all()


def test_probes_hold_what_they_are_said_to():
    language = AnBn(6)
    prompts = make_prompts(language, 4)
    inside, outside = draw_probes(language, prompts, 4000, seed=0)
    assert (inside.name, outside.name) == PROBES
    assert not any(map(language.is_in_distribution, outside.prefixes))
    assert {len(prefix) for prefix in outside.prefixes} <= {
        3,
        4,
        5,
        6,
    }  # few short ones
    assert {prefix for prefix in outside.prefixes if len(prefix) == 4} <= set(prompts.out_test)
    taught = taught_prefixes(language, prompts)
    first = prompts.out_train[0]
    assert {
        first,
        first + language.completion(first, True),
        first + language.completion(first, False),
    } <= taught
    assert not taught & set(outside.prefixes)
    shares = pd.Series(inside.prefixes).value_counts(normalize=True)
    weight = {
        prefix: sum(
            p
            for string, p in zip(language.support, language.probabilities, strict=True)
            if string.startswith(prefix)
        )
        for prefix in language.prefixes
    }
    total = sum(weight.values())
    for prefix, value in weight.items():
        expected = value / total
        assert shares[prefix] == pytest.approx(expected, abs=4 * np.sqrt(expected / 4000))


def test_states_are_those_of_each_prefix_alone():
    vocabulary = Vocabulary("ab")
    network = build_network("transformer-learned", NetworkSize(5, 12, 8, 1), 0).eval()
    prefixes = ["", "ab", "aab", "ab"]
    seen = states_and_outputs(network, prefixes, vocabulary)
    states, outputs = seen.states, seen.outputs
    alone = [states_and_outputs(network, [prefix], vocabulary) for prefix in prefixes]
    assert states == pytest.approx(np.concatenate([each.states for each in alone]), abs=1e-5)
    assert outputs == pytest.approx(np.concatenate([each.outputs for each in alone]), abs=1e-6)
    assert outputs.sum(1) == pytest.approx(1)


def test_components_keep_their_shape_and_have_the_wanted_noise():
    states = np.random.default_rng(0).normal(size=(4000, 6)) * [9, 5, 1, 1, 1, 1]
    clean, noisy = (noisy_components(states, 2, noise, seed=1) for noise in (1e-9, 0.1))
    assert clean.var(0).mean() == pytest.approx(1)
    assert clean.std(0)[0] / clean.std(0)[1] == pytest.approx(9 / 5, rel=0.1)
    assert (noisy - clean).std() == pytest.approx(0.1, rel=0.05)  # 8,000 draws


def test_divergence_and_ridge_are_those_of_other_libraries():
    rng = np.random.default_rng(0)
    first, second = rng.dirichlet(np.ones(4), 3), rng.dirichlet(np.ones(4), 3)
    assert jensen_shannon_nats(first, second) == pytest.approx(jensenshannon(first, second, axis=1) ** 2)
    certain = np.eye(2)[[0]]
    assert jensen_shannon_nats(certain, 1 - certain) == pytest.approx(np.log(2))  # 0 log 0 is 0
    smallest = np.array([[1.0, 5e-324]])
    assert jensen_shannon_nats(certain, smallest) == pytest.approx(0)
    source, target = rng.normal(size=(200, 3)), rng.normal(size=(200, 2))
    target[:, 0] += source[:, 1]
    plan = divide_items(200, seed=0)
    left, total = held_out_squares(source, target, plan)
    errors = np.zeros(2)
    for fold in range(plan.n_folds):
        train, test = plan.fold != fold, plan.fold == fold
        centred = source[train] - source[train].mean(0)
        penalty = 1e-3 * np.trace(centred.T @ centred) / 3
        fitted = Ridge(alpha=penalty).fit(source[train], target[train])
        errors += ((target[test] - fitted.predict(source[test])) ** 2).sum(0)
    assert left == pytest.approx(errors)
    assert left[0] / total[0] < 0.7 < left[1] / total[1]


@pytest.fixture(scope="module")
def compared():
    size = NetworkSize(5, 24, 8, 1)
    arms = ("likelihood", "adversarial", "adversarial-read-out")
    networks = {
        f"{arm}/{seed}": build_network("transformer", size, seed + 10 * place)
        for place, arm in enumerate(arms)
        for seed in range(2)
    }
    job = ComparisonJob("anbn", LanguageChoice(max_size=8, prompt_length=4), SMALL, factor=10.0, seed=0)
    pairs = compare_networks(job, networks).assign(language="anbn", architecture="transformer")
    cloud = pd.DataFrame(
        [
            {
                "language": "anbn", "architecture": "transformer", "arm": arm, "seed": seed,
                "excess_nats": 0.001 * seed, "ood_rule_1": float(arm == "likelihood") + 0.1 * seed,
            }
            for arm in arms
            for seed in range(2)
        ]
    )  # fmt: skip
    return pairs, cloud


def test_every_pair_has_every_measure(compared):
    pairs, _ = compared
    n_pairs = 8 * 7  # six networks and two twins
    counts = pairs.groupby(["probe", "measure"]).size()
    for probe in PROBES:
        assert counts[probe, "gaussian"] == counts[probe, "linear"] == 2 * n_pairs  # two levels of noise
        assert counts[probe, "cka"] == counts[probe, "ridge_r2"] == counts[probe, "output_js"] == n_pairs
    twins = pairs[
        (pairs["source"] == "likelihood/0") & pairs["target"].str.startswith(("permuted", "rescaled"))
    ]
    assert twins.loc[twins["measure"] == "output_js", "value"].max() < 1e-9
    assert twins.loc[twins["measure"] == "cka", "value"].min() > 0.9999


def test_tables_of_the_bridge(compared):
    pairs, cloud = compared
    unordered = unordered_pairs(pairs, cloud)
    assert not unordered["first"].str.startswith(("permuted", "rescaled")).any()
    assert (unordered["first"] < unordered["second"]).all()
    row = unordered[(unordered["measure"] == "ood_rule_1_difference")].iloc[0]
    assert (row["first"], row["second"]) == ("adversarial-read-out/0", "adversarial-read-out/1")
    assert row["value"] == pytest.approx(0.1)
    areas = auc_table(unordered, SMALL, 0)
    arms = areas[areas["contrast"] == "arms"].groupby("measure")
    assert arms["auc"].first()["ood_rule_1_difference"] == 1  # arms differ by 1, seeds by 0.1
    assert arms["n_networks"].first().eq(4).all() and arms.size()["gaussian"] == 2 * 2  # probes, noise
    behaviour = behaviour_table(unordered, SMALL, 0).set_index("measure")
    assert set(behaviour.index) == {"gaussian", "linear", "cka", "ridge_r2", "output_js", "loss_difference"}
    kinds = set(kind_table(unordered, SMALL)["kind"])
    assert {"likelihood - its own read-out", "adversarial-read-out - likelihood"} <= kinds
    floor = floor_table(pairs, SMALL)
    assert len(floor) == 4 and (floor["floor_nats"] > 0).all()


def test_a_network_that_cannot_be_rescaled_has_no_floor():
    job = ComparisonJob("anbn", LanguageChoice(max_size=8, prompt_length=4), SMALL, factor=10.0, seed=0)
    networks = {f"likelihood/{seed}": build_network("gru", NetworkSize(5, 24, 8, 1), seed) for seed in (0, 1)}
    pairs = compare_networks(job, networks)
    assert set(pairs["source"]) == {"likelihood/0", "likelihood/1"}
    assert floor_table(pairs.assign(language="anbn", architecture="gru"), SMALL).empty


def test_one_prefix_is_one_item_of_a_probe_as_well():
    with pytest.raises(Exception, match="groups"):
        probe_pairs(
            {f"likelihood/{seed}": build_network("gru", NetworkSize(5, 24, 8, 1), seed) for seed in (0, 1)},
            Probe("few", ("a", "ab") * 60), Vocabulary("ab"), SMALL, 0,
        )  # fmt: skip
