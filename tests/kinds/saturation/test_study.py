"""The study of equal test loss: settings, jobs, tables and verdict."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from suffice.errors import DataError, ModelError, StudyError
from suffice.kinds.saturation.arms import LIKELIHOOD, READ_OUT, make_arm
from suffice.kinds.saturation.extrapolation import Group, GroupJob, language_tables, write_group
from suffice.kinds.saturation.fine_tuning import FineTuningSettings, tuning_strings
from suffice.kinds.saturation.fitting import FittingSettings, exact_loss_nats, fit, string_losses
from suffice.kinds.saturation.generalisation_tables import means_table
from suffice.kinds.saturation.languages import AnBn
from suffice.kinds.saturation.network_files import load_network, save_network
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.prompts import make_prompts
from suffice.kinds.saturation.read_out import fit_read_out
from suffice.kinds.saturation.rule_tables import (
    WITHIN,
    arm_table,
    cloud_table,
    equivalence_within,
    loss_tells,
    mean_interval,
    network_accuracies,
    separated,
)
from suffice.kinds.saturation.settings import (
    LanguageChoice,
    NetworkSettings,
    SaturationSettings,
    Scale,
    TwinSettings,
)
from suffice.kinds.saturation.study import load_saturation
from suffice.kinds.saturation.tokens import Vocabulary, batch_of
from suffice.kinds.saturation.tuned_twins import (
    COMMON,
    OWN_BEST,
    function_differences,
    tuning_contrasts,
    twins_of,
    write_tuned_twins,
)
from suffice.kinds.saturation.twins import pair_differences, write_trained_pair
from suffice.kinds.saturation.verdict import headline, verdict_table

CUT = LanguageChoice(max_size=6, prompt_length=4)
FAST = FittingSettings(max_steps=60, check_every=20)


@pytest.fixture(scope="module")
def folder(project):
    return project / "config" / "saturation"


def test_every_scale_of_the_study_can_be_read(folder):
    study = load_saturation(folder)
    assert study.settings.scale == "default"
    assert set(study.settings.scales) == {"quick", "default", "extended"}
    assert len(study.groups()) == 3 * 4 and study.scale.n_seeds == 10
    assert len(study.published_files()) == 2
    for scale in study.settings.scales:
        assert load_saturation(folder, {"scale": scale}).groups()
    assert len(load_saturation(folder, {"scale": "extended"}).scale.languages) == 6


def test_the_read_out_arm_starts_from_likelihood(folder):
    study = load_saturation(folder, {"scale": "quick"})
    starts = study.starts("r", Group("anbn", "transformer-learned", READ_OUT))
    assert starts == [f"r/models/anbn/transformer-learned/likelihood/{seed}.safetensors" for seed in range(2)]
    assert study.starts("r", Group("anbn", "transformer-learned", "oracle")) == []
    assert study.tuned_models("r")[0] == "r/models/anbn/transformer-learned/likelihood/0.safetensors"


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"languages": {"anbm": {}}}, "unknown language 'anbm'; did you mean 'anbn'"),
        ({"architectures": ["lstn"]}, "unknown architecture 'lstn'; did you mean 'lstm'"),
        ({"arms": ["oracle"]}, "arms must include 'likelihood'"),
        ({"tuned_architecture": "lstm"}, "unknown tuned_architecture 'lstm'"),
        ({"architectures": ["lstm"]}, "fine-tuning starts from networks of 'anbn'"),
        ({"bridge": {"n_components": 64}}, "n_components is 64, more than the width 32"),
        ({"in_context": {"asked_examples": [1, 2]}}, "must contain 0"),
        ({"languages": {"anbn": {"prompt_length": 20}}}, "prompts of 20 letters are too long"),
    ],
)
def test_wrong_scales(tmp_path, scale, message):
    import yaml

    content = {"title": "t", "kind": "saturation", "scale": "one", "scales": {"one": scale}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises((StudyError, DataError), match=message):
        load_saturation(tmp_path)


def test_a_scale_that_is_not_there(folder):
    with pytest.raises(StudyError, match="unknown scale 'quik'; did you mean 'quick'"):
        load_saturation(folder, {"scale": "quik"})


def test_a_groups_networks_are_stored_as_they_were_trained(tmp_path):
    settings = NetworkSettings(n_seeds=2, width=8, n_layers=1, fitting=FAST)
    job = GroupJob(Group("anbn", "gru", LIKELIHOOD), CUT, settings, seed=0)
    write_group(job, [], tmp_path / "likelihood")
    runs = pd.read_csv(tmp_path / "likelihood" / "runs.csv")
    assert runs["seed"].tolist() == [0, 1] and runs["excess_nats"].nunique() == 2
    language = AnBn(6)
    vocabulary = Vocabulary("ab")
    for row in runs.itertuples():
        network = load_network(tmp_path / "likelihood" / f"{row.seed}.safetensors")
        assert exact_loss_nats(network, language, vocabulary) == pytest.approx(row.loss_nats, abs=1e-6)
        assert row.loss_nats - row.excess_nats == pytest.approx(np.log(6))
    completions = pd.read_parquet(tmp_path / "likelihood" / "completions.parquet")
    assert len(completions) == 2 * 2**4 and set(completions["arm"]) == {LIKELIHOOD}

    starts = [tmp_path / "likelihood" / f"{seed}.safetensors" for seed in range(2)]
    other = GroupJob(Group("anbn", "gru", READ_OUT), CUT, settings, seed=0)
    write_group(other, starts, tmp_path / "read-out")
    first, second = (load_network(tmp_path / arm / "0.safetensors") for arm in ("likelihood", "read-out"))
    batch = batch_of(language.support, vocabulary)
    assert torch.equal(first.hidden(batch.inputs), second.hidden(batch.inputs))
    assert not torch.equal(first.read_out.weight, second.read_out.weight)


def test_a_read_out_meets_both_targets_where_hidden_states_allow_it():
    language = AnBn(6)
    prompts = make_prompts(language, 4)
    settings = FittingSettings(max_steps=1500, target_excess_nats=0.02)
    network = build_network("lstm", NetworkSize(5, 18, 32, 1), 0)
    fit(network, language, make_arm(LIKELIHOOD, language, prompts.out_train), settings, 0)
    arm = make_arm(READ_OUT, language, prompts.out_train)
    fitted = fit_read_out(network, language, arm, settings)
    assert fitted.reached and fitted.completion_nats <= 0.05
    vocabulary = Vocabulary("ab")
    excess = exact_loss_nats(network, language, vocabulary) - language.entropy_nats
    assert excess == pytest.approx(fitted.excess_nats, abs=1e-5) and excess <= 0.02
    batch = arm.batch(vocabulary)
    with torch.no_grad():
        taught = float((string_losses(network, batch) * batch.weights).sum())
    assert taught == pytest.approx(fitted.completion_nats, abs=1e-4)
    with pytest.raises(DataError, match="nothing to learn"):
        fit_read_out(network, language, make_arm(LIKELIHOOD, language, prompts.out_train), settings)


def test_prompts_and_baselines_of_languages():
    prompts, baselines = language_tables(Scale(), seed=0)
    assert len(prompts) == 2**6 and prompts["entropy_nats"].iloc[0] == pytest.approx(np.log(16))
    at_once = baselines[(baselines["baseline"] == "end at once") & (baselines["rule"] == "rule_1")]
    out = at_once[at_once["part"] != "in distribution"]
    balanced = (out["accuracy"] * out["n_prompts"]).sum() / out["n_prompts"].sum()
    assert balanced == pytest.approx(19 / 60)  # of 20 balanced prompts one is in distribution


def made_up_runs():
    rows, completions = [], []
    for arm, share in (("likelihood", 0.5), ("adversarial", 0.0), ("oracle", 1.0)):
        for seed in range(10):
            key = {"language": "anbn", "architecture": "lstm", "arm": arm, "seed": seed}
            rows.append({**key, "excess_nats": 0.003 + 0.0001 * seed, "reached": True})
            for part, right in (("in distribution", 1.0), ("out of distribution, test", share)):
                for number in range(4):
                    obeys = number < 4 * right
                    judged = {"rule_1": obeys, "rule_2": obeys, "rule_2_after": True, "grammatical": obeys}
                    completions.append({**key, "part": part, "finished": True, **judged})
    return pd.DataFrame(rows), pd.DataFrame(completions)


def test_tables_of_arms():
    runs, completions = made_up_runs()
    accuracies = network_accuracies(completions)
    arms = arm_table(runs, accuracies).set_index(["arm", "quantity", "part"])
    assert arms.loc[("likelihood", "rule_1", "out of distribution, test"), "mean"] == 0.5
    assert arms.loc[("oracle", "excess_nats", ""), "mean"] == pytest.approx(0.00345)
    cloud = cloud_table(runs, accuracies)
    assert cloud.groupby("arm")["ood_rule_1"].first().to_dict() == {
        "adversarial": 0.0, "likelihood": 0.5, "oracle": 1.0,
    }  # fmt: skip
    assert equivalence_within(runs, WITHIN, "arm", 0.005)["equivalent"].all()
    tells = loss_tells(cloud).set_index("among")
    assert np.isnan(tells.loc["seeds of likelihood", "spearman"])  # all of one accuracy
    assert tells.loc["all arms", "spearman"] == pytest.approx(0)
    apart = separated(arms.reset_index(), ("likelihood", "adversarial", "oracle"))
    assert apart["gap"].tolist() == [0.5, 0.5] and apart["apart"].all()


def test_an_interval_is_students():
    values = pd.Series([1.0, 2.0, 4.0, np.nan])
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 2, loc=7 / 3, scale=stats.sem([1.0, 2.0, 4.0]))
    assert (found["low"], found["high"]) == pytest.approx((low, high))
    assert (found["least"], found["most"], found["n_seeds"]) == (1, 4, 3)
    assert np.isnan(mean_interval(pd.Series([1.0]))["low"])


def test_a_trained_pair_and_its_differences(tmp_path):
    training = {"document_tokens": 48, "n_held_out": 20, "max_steps": 2, "check_every": 1}
    settings = TwinSettings(n_prompts=20, width=8, asked_examples=(0, 2), training=training)
    for seed in range(2):
        write_trained_pair(settings, 0, seed, tmp_path / str(seed))
    pairs = pd.concat([pd.read_csv(tmp_path / str(seed) / "pair.csv") for seed in range(2)])
    assert len(pairs) == 2 * 2 * 2 and (tmp_path / "0" / "mislabelling.safetensors").exists()
    assert pairs.groupby(["seed", "n_examples"])["accuracy_mixture"].nunique().eq(1).all()  # same prompts
    differences = pair_differences(pairs, 0.005)
    loss = differences.iloc[0]
    by_arm = pairs.groupby("arm")["excess_nats"].mean()
    assert loss["mean"] == pytest.approx(by_arm["likelihood"] - by_arm["mislabelling"])
    assert differences["n_examples"].tolist()[1:] == [0, 2]


def test_tuned_twins(tmp_path):
    network = build_network("transformer", NetworkSize(5, 40, 8, 1), 0)
    twins = twins_of(network, (0.1, 1.0, 10.0), seed=0)
    assert list(twins) == ["unchanged", "permuted", "rescaled 0.1", "rescaled 10"]
    differences = function_differences(twins, batch_of(tuning_strings(3), Vocabulary("ab")))
    assert differences["logit_difference"].max() < 1e-4 and differences["logit_difference"].iloc[0] == 0
    with pytest.raises(ModelError, match="a GatedRecurrentUnit has no function-preserving twins"):
        twins_of(build_network("gru", NetworkSize(5, 40, 8, 1), 0), (1.0,), 0)
    settings = FineTuningSettings(
        max_size=3, steps=4, rates={"adam": (1e-3, 1e-2)}, common_rates={"adam": 1e-3}, factors=(10.0,)
    )
    save_network(network, tmp_path / "model.safetensors")
    write_tuned_twins(tmp_path / "model.safetensors", settings, "ab", 0, tmp_path / "3")
    tuning = pd.read_csv(tmp_path / "3" / "tuning.csv")
    assert set(tuning["seed"]) == {3} and len(tuning) == 3 * 2


def test_contrasts_are_paired_by_seed():
    rows = [
        {
            "twin": twin, "optimiser": "sgd", "learning_rate": rate, "is_common": rate == 0.1, "seed": seed,
            "steps_to_threshold": steps + 10 * seed, "mean_excess_nats": rate * steps + seed, "reached": True,
        }
        for twin, steps in (("unchanged", 4), ("rescaled 10", 2))
        for rate in (0.1, 0.01)
        for seed in range(3)
    ]  # fmt: skip
    found = tuning_contrasts(pd.DataFrame(rows)).set_index(["twin", "rate", "measure"])
    steps = found.loc[("rescaled 10", COMMON, "steps_to_threshold")]
    assert (steps["mean"], steps["low"], steps["high"]) == (-2, -2, -2)  # seeds differ by 10, twins never
    assert steps["quotient"] == pytest.approx(12 / 14)
    best = found.loc[("unchanged", OWN_BEST, "mean_excess_nats")]
    assert best["value"] == pytest.approx(1 + 0.04) and best["at_edge"] == 1


def made_up_kinds():
    """Networks of two architectures with ten seeds; one obeys the rule on new prompts, the other does not."""
    rows = [
        {
            "kind": "symbolic", "architecture": architecture, "seed": seed, "part": part, "reached": True,
            "excess_nats": 0.003 + 1e-5 * seed, "accuracy": 1.0 if part == "in distribution" else accuracy,
        }
        for architecture, accuracy in (("lstm", 0.2), ("gru", 0.9))
        for seed in range(10)
        for part in ("in distribution", "new symbols")
    ]  # fmt: skip
    networks = pd.DataFrame(rows)
    once = networks[networks["part"] == "in distribution"]
    return {
        "generalisation": networks,
        "generalisation_means": means_table(networks),
        "generalisation_equivalence": equivalence_within(once, ["kind"], "architecture", 0.005),
    }


def made_up_practice():
    """Two models of equal loss that choose differently on a fifth of prompts."""
    asked = {"domain": "test", "question": "first choice", "differing": "any"}
    return {
        "practice_models": pd.DataFrame({"reached": [True, True]}),
        "practice_equivalence": pd.DataFrame({"difference": [-0.002], "equivalent": [True]}),
        "practice_differences": pd.DataFrame([{**asked, "mean": 0.2, "low": 0.15, "high": 0.25}]),
    }


def made_up_tables():
    runs, completions = made_up_runs()
    accuracies = network_accuracies(completions)
    pairs = pd.DataFrame(
        [
            {
                "arm": arm, "seed": seed, "n_examples": n, "accuracy_mixture": 0.9,
                "accuracy": 0.7 if arm == "likelihood" or n == 0 else 0.0, "excess_nats": 0.05 + 1e-4 * seed,
            }
            for arm in ("likelihood", "mislabelling")
            for seed in range(3)
            for n in (0, 8)
        ]
    )  # fmt: skip
    twins = pd.DataFrame(
        {
            "n_examples": [1, 8], "accuracy_mixture": [0.8, 0.95], "accuracy_twin": [0.1, 0.05],
            "chance": 1 / 12, "kl_nats": [1e-2, 1e-6], "kl_max_nats": [1e-2, 1e-6],
        }
    )  # fmt: skip
    tuning = pd.DataFrame(
        [
            {
                "twin": twin, "optimiser": "adam", "learning_rate": 1e-3, "is_common": True, "seed": seed,
                "steps_to_threshold": steps, "mean_excess_nats": 0.01 * steps, "reached": True,
            }
            for twin, steps in (("unchanged", 90), ("permuted", 90), ("rescaled 10", 30))
            for seed in range(3)
        ]
    )  # fmt: skip
    return {
        "cloud": cloud_table(runs, accuracies),
        "arms": arm_table(runs, accuracies),
        "equivalence": equivalence_within(runs, WITHIN, "arm", 0.005),
        "twins": twins,
        "pair_differences": pair_differences(pairs, 0.005),
        "functions": pd.DataFrame({"logit_difference": [0.0, 1e-6], "loss_difference_nats": [0.0, 1e-7]}),
        "tuning_contrasts": tuning_contrasts(tuning),
        **made_up_kinds(),
        **made_up_practice(),
    }


SETTINGS = SaturationSettings(title="t", kind="saturation", scale="one", scales={"one": Scale()})


def test_a_study_that_shows_all_is_told_so():
    verdict = verdict_table(made_up_tables(), SETTINGS)
    assert verdict["shown"].all(), verdict[~verdict["shown"]].to_string()
    assert headline(verdict) == f"{len(verdict)} of {len(verdict)} requirements were met."
    assert len(verdict) == 4 + 3 + 3 + 1 + 2 + 4 + 2


@pytest.mark.parametrize(
    ("table", "column", "value", "failing"),
    [
        ("cloud", "excess_nats", 0.02, "the excess of every network"),
        ("cloud", "id_rule_1", 0.75, "every network obeys rule 1 on all prompts"),
        ("equivalence", "equivalent", False, "losses of arms differ by less than"),
        ("arms", "n_seeds", 3, "95 % intervals of arms for rule 1"),
        ("arms", "low", 0.0, "95 % intervals of arms for rule 1"),
        ("practice_equivalence", "equivalent", False, "test losses of positions"),
        ("practice_differences", "low", 0.05, "two models choose differently"),
        ("twins", "accuracy_twin", 0.5, "the gap with 8 examples"),
        ("twins", "accuracy_twin", 0.5, "twin at most at chance"),
        ("twins", "kl_nats", 0.5, "KL falls by orders of magnitude"),
        ("pair_differences", "largest", 0.5, "losses differ by less than 0.005 nats per token"),
        ("pair_differences", "mean", 0.1, "accuracy with 8 examples differs"),
        ("pair_differences", "mean", 0.1, "accuracy without examples differs"),
        ("functions", "logit_difference", 1.0, "logits of twins differ"),
        ("tuning_contrasts", "quotient", 1.1, "steps to the threshold differ"),
        ("generalisation", "excess_nats", 0.02, "the excess of every network"),
        ("generalisation", "accuracy", 0.99, "every network answers all prompts"),
        ("generalisation_equivalence", "equivalent", False, "losses of architectures differ by less"),
        ("generalisation_means", "n_seeds", 3, "95 % intervals of the best and the worst"),
        ("generalisation_means", "low", 0.0, "95 % intervals of the best and the worst"),
    ],
)
def test_each_number_can_fail(table, column, value, failing):
    tables = made_up_tables()
    tables[table] = tables[table].assign(**{column: value})
    verdict = verdict_table(tables, SETTINGS)
    missed = verdict.loc[~verdict["shown"], "asked"]
    assert missed.str.startswith(failing).any()


def test_a_permuted_twin_that_differs_is_told():
    tables = made_up_tables()
    contrasts = tables["tuning_contrasts"]
    permuted = contrasts["twin"] == "permuted"
    tables["tuning_contrasts"] = contrasts.assign(
        mean=contrasts["mean"].where(~permuted, 0.5),
        low=contrasts["low"].where(~permuted, 0.4),
        high=contrasts["high"].where(~permuted, 0.6),
    )
    verdict = verdict_table(tables, SETTINGS)
    assert verdict.loc[~verdict["shown"], "asked"].str.startswith("a new order of units").all()
