"""Kinds of generalisation: strings and entropies by brute force, behaviours, training and tables."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from suffice.errors import DataError, StudyError
from suffice.kinds.saturation.fitting import exact_loss_nats
from suffice.kinds.saturation.generalisation import ALPHABET, KINDS, RULE, get_kind
from suffice.kinds.saturation.generalisation_tables import (
    agreement_table,
    behaviour_shares,
    bias_table,
    chance_table,
    generalisation_tables,
    means_table,
    network_table,
    order_table,
    spearman,
)
from suffice.kinds.saturation.generalising import ANSWER_COLUMNS, KindJob, train_kind, write_kind
from suffice.kinds.saturation.networks import ARCHITECTURES
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.rule_tables import equivalence_within
from suffice.kinds.saturation.settings import FastFitting, GeneralisationSettings, NetworkSettings
from suffice.kinds.saturation.study import load_saturation
from suffice.kinds.saturation.tokens import Vocabulary

NAMES = list(KINDS)
HALF = "transformer-learned"


def words(letters, *lengths):
    """Every string of the letters of these lengths."""
    return ("".join(each) for n in lengths for each in itertools.product(letters, repeat=n))


def brute_compositional():
    found = {}
    for command in words("abcd23&", 1, 2, 3, 4, 5):
        if re.fullmatch("[abcd][23]?(&[abcd][23]?)?", command) and not re.search("c2|d3", command):
            actions = re.sub("([abcd])([23]?)", lambda m: m[1].upper() * int(m[2] or 1), command)
            found[f"{command}>{actions.replace('&', '')}"] = 1 / 200 if "&" in command else 1 / 20
    return found


def brute_systematic():
    strings = [
        word[:3] + ">" + answer
        for word in words("abcdefghij12", 3)
        for answer in "abcdefghij"
        if re.fullmatch("[a-h][a-fij][12]", word)
        and word[0] != word[1]
        and answer == (word[0] if word[2] == "1" else word[1])
    ]
    return dict.fromkeys(strings, 1 / (8 * 8 - 6) / 2)


def brute_symbolic():
    strings = [f"{w}>1" for w in words("abcdefgh", 3) if w[0] == w[2] != w[1]]
    strings += [f"{w}>2" for w in words("abcdefgh", 3) if w[1] == w[2] != w[0]]
    return dict.fromkeys(strings, 1 / (8 * 7 * 2))


def brute_rule():
    return {"a" * n + "b" * n: 1 / 8 for n in range(1, 9)}


BRUTE = {
    "compositional": (brute_compositional, np.log(2) + (np.log(10) + np.log(100)) / 2),
    "systematic": (brute_systematic, np.log(116)),
    "symbolic": (brute_symbolic, np.log(112)),
    "rule": (brute_rule, np.log(8)),
}


@pytest.mark.parametrize("name", NAMES)
def test_strings_and_entropies_by_brute_force(name):
    make, entropy = BRUTE[name]
    kind, brute = get_kind(name), make()
    assert len(kind.support) == len(set(kind.support))
    assert dict(zip(kind.support, kind.probabilities, strict=True)) == pytest.approx(brute)
    probabilities = np.array(list(brute.values()))
    assert kind.entropy_nats == pytest.approx(-(probabilities * np.log(probabilities)).sum())
    assert kind.entropy_nats == pytest.approx(entropy)


@pytest.mark.parametrize("name", NAMES)
def test_no_string_begins_with_a_new_prompt(name):
    kind = get_kind(name)
    assert set(kind.prompts) == {IN, *kind.splits}
    for part, prompts in kind.prompts.items():
        assert len(set(prompts)) == len(prompts) > 0
        for prompt in prompts:
            begins = any(string.startswith(prompt) for string in kind.support)
            assert begins == (part == IN), prompt
            assert RULE in kind.behaviours_of(prompt, kind.answer(prompt))
            assert len(prompt + kind.answer(prompt)) + 2 <= kind.context
    assert set("".join(itertools.chain(*kind.prompts.values()))) <= set(ALPHABET)


def test_numbers_of_new_prompts_by_hand():
    sizes = {name: [len(prompts) for prompts in get_kind(name).prompts.values()] for name in NAMES}
    assert sizes == {
        "compositional": [110, 2 + 144 - 100, 60],
        "systematic": [116, 12 + 12],
        "symbolic": [112, 12 * 2],
        "rule": [4, 60],
    }


def test_new_fillers_and_symbols_are_only_where_they_should_be():
    systematic = get_kind("systematic")
    first, second = ({string[place] for string in systematic.support} for place in (0, 1))
    for prompt in systematic.prompts["new role"]:
        asked = int(prompt[2]) - 1
        assert prompt[asked] not in (first, second)[asked] and prompt[asked] in (first, second)[1 - asked]
        assert prompt[1 - asked] in first & second
    symbolic = get_kind("symbolic")
    new = set("".join(symbolic.prompts["new symbols"])) - {">"}
    assert len(new) == 4 and not new & set("".join(symbolic.support))


@pytest.mark.parametrize(
    ("name", "prompt", "completion", "behaviours"),
    [
        ("compositional", "c2&b>", "CCB", (RULE,)),
        ("compositional", "c2&b>", "CB", ("modifier left out",)),
        ("compositional", "c2&b>", "CCCB", ("other modifier",)),
        ("compositional", "c2&b>", "AAB", ("other primitive",)),
        ("compositional", "c2&d3>", "CCCDD", ("other modifier",)),
        ("compositional", "c2&d3>", "CCCDDD", ()),
        ("compositional", "c2&b>", "B", ()),
        ("compositional", "a2&b&d>", "AABD", (RULE,)),
        ("compositional", "a2&b&d>", "AAB", ("stops short",)),
        ("compositional", "a2&b&d>", "AABB", ()),
        ("systematic", "ia1>", "i", (RULE,)),
        ("systematic", "ia1>", "a", ("other role",)),
        ("systematic", "ia1>", "g", ("familiar filler",)),
        ("systematic", "ia1>", "1", ()),
        ("systematic", "ag2>", "g", (RULE,)),
        ("systematic", "ag2>", "a", ("other role",)),
        ("symbolic", "iji>", "1", (RULE, "always 1")),
        ("symbolic", "iji>", "2", ("the opposite", "always 2")),
        ("symbolic", "ijj>", "2", (RULE, "always 2")),
        ("symbolic", "ijj>", "11", ()),
        ("rule", "aababa", "bb", (RULE,)),
        ("rule", "aababa", "", ("ends at once",)),
        ("rule", "babbaa", "", (RULE, "ends at once")),
        ("rule", "aababa", "b", ()),
        ("rule", "aababa", "bbA", ()),
    ],
)
def test_what_an_answer_means(name, prompt, completion, behaviours):
    assert get_kind(name).behaviours_of(prompt, completion) == behaviours
    assert set(behaviours) <= set(get_kind(name).behaviours)


def test_chance_is_drawn():
    chance = chance_table(NAMES, seed=0).set_index(["kind", "part", "baseline"])["accuracy"]
    assert chance["symbolic", "new symbols", "another answer"] == pytest.approx(0.5, abs=0.03)
    # a filler of one role stands beside 8 others there, and is then asked for in one of two questions
    assert chance["systematic", "new role", "another answer"] == pytest.approx(8 / 116, abs=0.02)
    balanced = sum(prompt.count("a") == 3 for prompt in get_kind("rule").prompts["new order"])
    assert chance["rule", "new order", "end at once"] == balanced / 60
    assert chance.xs("end at once", level="baseline").drop("rule").eq(0).all()
    uniform = chance.xs("uniform", level="baseline")
    assert uniform.drop("rule").lt(0.02).all() and 0 < uniform["rule", "new order"] < balanced / 60


def test_networks_of_a_seed_start_alike_for_every_kind():
    settings = NetworkSettings(width=8, n_layers=1)
    first, second = (KindJob(name, "gru", settings, 0).network(3) for name in ("rule", "symbolic"))
    assert all(torch.equal(*pair) for pair in zip(first.parameters(), second.parameters(), strict=True))
    other = KindJob("rule", "gru", settings, 0).network(4)
    assert not torch.equal(first.read_out.weight, other.read_out.weight)


@torch.no_grad()
def test_the_exact_loss_is_the_sum_over_strings():
    kind = get_kind("compositional")
    network = KindJob("compositional", "lstm", NetworkSettings(width=8), 0).network(0).eval()
    vocabulary = Vocabulary(ALPHABET)
    by_hand = 0.0
    for string, probability in zip(kind.support, kind.probabilities, strict=True):
        tokens = torch.tensor([[vocabulary.start, *vocabulary.encode(string), vocabulary.end]])
        logs = network(tokens[:, :-1]).double().log_softmax(-1)
        by_hand -= probability * float(logs[0].gather(1, tokens[0, 1:, None]).sum())
    assert exact_loss_nats(network, kind, vocabulary) == pytest.approx(by_hand, rel=1e-5)
    assert by_hand > kind.entropy_nats


def test_training_ends_near_the_entropy_and_never_below(tmp_path):
    fitting = FastFitting(target_excess_nats=0.05, max_steps=400)
    settings = NetworkSettings(n_seeds=2, width=32, n_layers=1, fitting=fitting)
    write_kind([KindJob("symbolic", HALF, settings, 0)], tmp_path)
    runs, answers = pd.read_csv(tmp_path / "runs.csv"), pd.read_parquet(tmp_path / "answers.parquet")
    assert runs["reached"].all() and runs["excess_nats"].between(0, 0.05).all()
    assert (runs["loss_nats"] - runs["excess_nats"]).tolist() == pytest.approx([np.log(112)] * 2)
    assert list(answers) == list(ANSWER_COLUMNS) and len(answers) == 2 * (112 + 24)
    networks = network_table(runs, agreement_table(answers), 0.8)
    assert networks.loc[networks["part"] == IN, "accuracy"].eq(1).all()
    assert networks.loc[networks["part"] == IN, "behaviour"].eq(RULE).all()


def made_up(accuracies, kind="symbolic", part="new symbols", excess=0.003):
    """Runs and answers of networks that are right on the first prompts, up to a share of them."""
    runs, answers = [], []
    prompts = get_kind(kind).prompts[part]
    for architecture, shares in accuracies.items():
        for seed, share in enumerate(shares):
            place = {"kind": kind, "architecture": architecture, "seed": seed}
            runs.append({**place, "excess_nats": excess + 1e-5 * seed, "reached": True})
            for name in (IN, part):
                asked = get_kind(kind).prompts[name]
                n_right = len(asked) if name == IN else round(share * len(prompts))
                answers += [
                    {
                        **place,
                        "part": name,
                        "prompt": prompt,
                        "completion": get_kind(kind).answer(prompt) if number < n_right else "x",
                        "finished": True,
                    }
                    for number, prompt in enumerate(asked)
                ]
    return pd.DataFrame(runs), pd.DataFrame(answers)


def networks_of(accuracies, kind="symbolic", part="new symbols"):
    runs, answers = made_up(accuracies, kind, part)
    return network_table(runs, agreement_table(answers), 0.8)


def test_an_unfinished_or_empty_answer():
    runs, answers = made_up({"lstm": [1.0]}, "rule", "new order")
    new = answers["part"] == "new order"
    cut = answers.assign(finished=~new)
    row = network_table(runs, agreement_table(cut), 0.8).set_index("part").loc["new order"]
    assert (row["accuracy"], row["behaviour"]) == (0, "does not end")
    empty = answers.assign(completion=answers["completion"].where(~new, None))  # as files have it
    row = network_table(runs, agreement_table(empty), 0.8).set_index("part").loc["new order"]
    assert row["behaviour"] == "ends at once" and 0 < row["accuracy"] < 0.5


def test_a_behaviour_needs_its_share_of_answers():
    networks = networks_of({"lstm": [1.0, 0.75, 0.0]})
    new = networks[networks["part"] != IN].set_index("seed")
    assert new["behaviour"].tolist() == [RULE, "mixed", "mixed"]
    assert new["accuracy"].tolist() == [1, 0.75, 0]
    shares = behaviour_shares(networks).set_index("behaviour")
    row = shares.loc["mixed"]
    # Wilson's interval by its formula, for 2 of 3
    z, n, p = stats.norm.ppf(0.975), 3, 2 / 3
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (row["low"], row["high"]) == pytest.approx((middle - half, middle + half))
    assert shares["share"].sum() == pytest.approx(1) and shares.loc["always 1", "n_with"] == 0


def test_means_and_equal_losses():
    runs, answers = made_up({"lstm": [1.0, 0.5, 0.0], "gru": [0.5, 0.5, 0.5]})
    means = means_table(network_table(runs, agreement_table(answers), 0.8))
    means = means.set_index(["architecture", "quantity", "part"])
    assert means.loc[("lstm", "accuracy", "new symbols"), "mean"] == pytest.approx(0.5)
    assert means.loc[("lstm", "excess_nats", ""), "n_seeds"] == 3
    assert equivalence_within(runs, ["kind"], "architecture", 0.005)["equivalent"].all()
    apart = runs.assign(excess_nats=runs["excess_nats"] + 0.01 * (runs["architecture"] == "gru"))
    tests = equivalence_within(apart, ["kind"], "architecture", 0.005)
    assert not tests["equivalent"].any() and tests["difference"].iloc[0] == pytest.approx(-0.01)


def orders_of(second):
    """The orders of two splits over three architectures of four seeds, the second with given accuracies."""
    first = {"lstm": [0.0, 0.1, 0.2, 0.3], "gru": [0.4, 0.5, 0.5, 0.6], "transformer": [0.7, 0.8, 0.9, 1.0]}
    both = [networks_of(first), networks_of(second, "systematic", "new role")]
    return order_table(pd.concat(both), 200, 0).set_index("among")


def test_splits_that_order_alike_and_the_other_way_round():
    alike = {"lstm": [0.0, 0.1, 0.3, 0.4], "gru": [0.5, 0.6, 0.6, 0.7], "transformer": [0.8, 0.85, 0.9, 1.0]}
    orders = orders_of(alike)
    assert orders["spearman"].tolist() == pytest.approx([1, 1]) and orders["n"].tolist() == [3, 3]
    assert orders["low"].tolist() == pytest.approx([1, 1])
    reverse = {name: [1 - each for each in values] for name, values in alike.items()}
    assert orders_of(reverse)["spearman"].tolist() == pytest.approx([-1, -1])
    seeds_only = {name: values[::-1] for name, values in alike.items()}
    assert orders_of(seeds_only)["spearman"].tolist() == pytest.approx([1, -1])
    constant = orders_of({**alike, "lstm": [0.5] * 4, "gru": [0.5] * 4, "transformer": [0.5] * 4})
    assert constant["spearman"].isna().all() and constant.loc["seeds", "n"] == 0


def test_what_the_architecture_decides():
    apart = bias_table(networks_of({"lstm": [0.0] * 5, "gru": [1.0] * 5}), 500, 0).iloc[0]
    assert apart["information_nats"] == pytest.approx(np.log(2))
    assert apart["share_of_variance"] == pytest.approx(1)
    # 2 of the 252 ways to divide ten networks separate them as well
    assert apart["p_information"] == pytest.approx(2 / 252, abs=0.01) == apart["p_variance"]
    alike = bias_table(networks_of({"lstm": [0.0, 1.0] * 2, "gru": [1.0, 0.0] * 2}), 500, 0).iloc[0]
    assert alike["information_nats"] == alike["share_of_variance"] == pytest.approx(0, abs=1e-9)
    assert alike["p_information"] == alike["p_variance"] == 1
    assert 0 < alike["chance_information_nats"] < np.log(2)
    # the share between groups for three values each, by hand: means 0.25 and 0.75 around 0.5
    mixed = bias_table(networks_of({"lstm": [0.0, 0.25, 0.5], "gru": [0.5, 0.75, 1.0]}), 100, 0).iloc[0]
    assert mixed["share_of_variance"] == pytest.approx(6 * 0.25**2 / (6 * 0.25**2 + 4 * 0.25**2))
    constant = bias_table(networks_of({"lstm": [0.5] * 3, "gru": [0.5] * 3}), 100, 0).iloc[0]
    assert np.isnan(constant["share_of_variance"]) and constant["p_variance"] == 1


def test_rank_correlation_with_ties_is_scipys():
    rng = np.random.default_rng(0)
    first, second = rng.integers(4, size=(2, 20, 6)).astype(float)
    expected = [stats.spearmanr(*pair).statistic for pair in zip(first, second, strict=True)]
    assert spearman(first, second) == pytest.approx(np.array(expected))
    assert np.isnan(spearman(np.zeros(4), np.arange(4.0)))


def test_all_tables_of_trained_networks():
    fitting = FastFitting(target_excess_nats=3.0, max_steps=25)
    settings = GeneralisationSettings(
        n_seeds=2, width=8, n_layers=1, fitting=fitting, architectures=("lstm", "gru"), n_resamples=100,
        kinds=("symbolic", "rule"),
    )  # fmt: skip
    made = [
        train_kind(KindJob(kind, architecture, settings, 0))
        for kind in settings.kinds
        for architecture in settings.architectures
    ]
    runs, answers = (
        pd.concat([getattr(each, name) for each in made], ignore_index=True) for name in ("runs", "answers")
    )
    tables = generalisation_tables(runs, answers, settings, 0.005, 0)
    assert len(tables["generalisation"]) == 2 * 2 * 2 * 2
    assert len(tables["generalisation_orders"]) == 2 and len(tables["generalisation_equivalence"]) == 2
    assert len(tables["generalisation_bias"]) == 2
    assert set(tables["generalisation_baselines"]["kind"]) == {"symbolic", "rule"}
    totals = tables["generalisation_behaviours"].groupby(["kind", "part", "architecture"])["share"].sum()
    assert totals.to_numpy() == pytest.approx(1)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"kinds": ["symbolc", "rule"]}, "unknown kind 'symbolc'; did you mean 'symbolic'"),
        ({"architectures": ["lstm", "gro"]}, "unknown architecture 'gro'; did you mean 'gru'"),
        ({"architectures": ["lstm"]}, "at least 2"),
        ({"behaviour_share": 0.4}, "greater than 0.5"),
    ],
)
def test_wrong_settings(project, part, message):
    scales = {"default": {"generalisation": part}}
    with pytest.raises(StudyError, match=message):
        load_saturation(project / "config" / "saturation", {"scales": scales})


def test_fitting_keeps_its_own_defaults_when_a_key_is_set():
    settings = GeneralisationSettings(fitting={"target_excess_nats": 0.01})
    assert settings.fitting.learning_rate == 1e-2 and settings.fitting.max_steps == 2500
    assert set(settings.architectures) <= set(ARCHITECTURES)


def test_a_kind_that_is_not_there():
    with pytest.raises(DataError, match="unknown kind 'rul'; did you mean 'rule'"):
        get_kind("rul")
