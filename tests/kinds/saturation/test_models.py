"""Networks, their losses, arms, completions and files."""

import numpy as np
import pandas as pd
import pytest
import torch

from suffice.errors import DataError, ModelError
from suffice.kinds.saturation.arms import LIKELIHOOD, READ_OUT, make_arm
from suffice.kinds.saturation.completions import (
    accuracy_table,
    baseline_table,
    complete,
    completion_table,
    judge,
)
from suffice.kinds.saturation.fitting import FittingSettings, exact_loss_nats, fit, string_losses
from suffice.kinds.saturation.languages import get_language
from suffice.kinds.saturation.network_files import load_network, save_network
from suffice.kinds.saturation.networks import ARCHITECTURES, NetworkSize, build_network, n_parameters
from suffice.kinds.saturation.prompts import IN, OUT_TEST, OUT_TRAIN, make_prompts
from suffice.kinds.saturation.rescaling import largest_logit_difference, permute, rescale
from suffice.kinds.saturation.tokens import IGNORED, Vocabulary, batch_of

AB = Vocabulary("ab")
SIZE = NetworkSize(len(AB), context=24)


@pytest.fixture(scope="module")
def language():
    return get_language("anbn")(4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_architecture_sees_the_future(architecture):
    network = build_network(architecture, SIZE, seed=0)
    tokens = torch.randint(0, 5, (4, 20), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[:, 12:] = (changed[:, 12:] + 1) % 5
    with torch.no_grad():
        difference = (network(tokens) - network(changed)).abs().amax(dim=(0, 2))
    assert difference[:12].max() == 0
    assert difference[12:].min() > 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_padding_changes_no_loss_and_seeds_decide_weights(architecture):
    network = build_network(architecture, SIZE, seed=3)
    alone, padded = batch_of(["ab"], AB), batch_of(["ab", "aaaabbbb"], AB)
    with torch.no_grad():
        assert string_losses(network, alone)[0].item() == pytest.approx(
            string_losses(network, padded)[0].item(), rel=1e-5
        )
    same, other = (build_network(architecture, SIZE, seed=seed) for seed in (3, 4))
    first = next(network.parameters())
    assert torch.equal(first, next(same.parameters())) and not torch.equal(first, next(other.parameters()))


def test_sizes_are_those_written_down():
    """Two layers of width 32 without positions, and one recurrent layer of width 32; five tokens."""
    assert n_parameters(build_network("transformer", SIZE, 0)) == 25_797
    assert n_parameters(build_network("lstm", SIZE, 0)) == 8_773


def test_positions_are_what_the_arms_say(language):
    """Without positions a string of one letter has the same state everywhere; with them it does not."""
    same = torch.zeros(1, 10, dtype=torch.long)
    with torch.no_grad():
        spread = {
            name: build_network(name, SIZE, 0).hidden(same).std(dim=1).max().item()
            for name in ("transformer", "transformer-learned", "lstm")
        }
    assert spread["transformer"] < 1e-5 < 1e-2 < min(spread["transformer-learned"], spread["lstm"])


def test_batches_count_what_they_should():
    batch = batch_of(["ab", "b"], AB, given=[1, 0])
    assert batch.inputs.tolist() == [[AB.start, 0, 1], [AB.start, 1, AB.padding]]
    assert batch.targets.tolist() == [[IGNORED, 1, AB.end], [1, AB.end, IGNORED]]
    assert AB.decode([0, AB.end, 1]) == "ab"


def test_exact_loss_is_the_cross_entropy_written_out(language):
    """A uniform model gives every token ln 5, whatever the string."""
    network = build_network("lstm", SIZE, 0)
    with torch.no_grad():
        network.read_out.weight.zero_()
        network.read_out.bias.zero_()
    lengths = np.array([2 * n + 1 for n in range(1, 5)])
    assert exact_loss_nats(network, language, AB) == pytest.approx(np.log(5) * lengths.mean(), rel=1e-6)


def test_arms_reach_equal_loss_and_differ_outside(language):
    prompts = make_prompts(language, 4)
    settings = FittingSettings(max_steps=1500, target_excess_nats=0.02)
    accuracy, excess = {}, {}
    for name in ("adversarial", "oracle"):
        network = build_network("transformer-learned", SIZE, 0)
        fitted = fit(network, language, make_arm(name, language, prompts.out_train), settings, seed=0)
        assert fitted.reached and fitted.completion_nats <= settings.target_completion_nats
        table = accuracy_table(completion_table(fitted.network, language, prompts))
        rule = table[table["rule"] == "rule_1"].set_index("part")["accuracy"]
        accuracy[name], excess[name] = rule, fitted.excess_nats
        assert fitted.history["step"].iloc[-1] == fitted.step
    assert max(excess.values()) <= 0.02
    assert accuracy["oracle"][IN] == accuracy["adversarial"][IN] == 1
    # of the seven prompts that are not taught, as short as these, none can be said to be foretold
    assert accuracy["oracle"][OUT_TRAIN] == 1 and accuracy["adversarial"][OUT_TRAIN] == 0


def test_the_read_out_arm_leaves_hidden_states(language):
    network = build_network("lstm", SIZE, 0)
    tokens = batch_of(language.support, AB).inputs
    before = network.hidden(tokens).detach().clone()
    logits = network(tokens).detach().clone()
    arm = make_arm(READ_OUT, language, make_prompts(language, 4).out_train)
    fit(network, language, arm, FittingSettings(max_steps=5), seed=0)
    assert torch.equal(network.hidden(tokens), before)
    assert not torch.equal(network(tokens), logits)


def test_completions_end_and_are_judged(language):
    network = build_network("gru", SIZE, 0)
    with torch.no_grad():  # always ends
        network.read_out.weight.zero_()
        network.read_out.bias.copy_(torch.tensor([0.0, 0.0, 0.0, 50.0, 60.0]))
    assert complete(network, ["a", "bb"], AB) == [("", True), ("", True)]
    with torch.no_grad():  # never ends
        network.read_out.bias.copy_(torch.tensor([50.0, 0.0, 99.0, 0.0, 99.0]))
    completion, finished = complete(network, ["b"], AB)[0]
    assert not finished and set(completion) == {"a"} and len(completion) == SIZE.context - 2
    row = judge(language, IN, "b", "a", finished=False)
    assert not row["rule_1"] and not row["grammatical"]
    assert judge(language, IN, "aab", "b", finished=True)["grammatical"]
    sampled = [complete(network, ["b"], AB, "sampled", seed=seed) for seed in (0, 0)]
    assert sampled[0] == sampled[1]


def test_baselines_by_hand():
    """Ending at once obeys the rule on balanced prompts; letters and end at random by a geometric series."""
    language = get_language("anbn")(8)
    prompts = make_prompts(language, 6)
    table = baseline_table(language, prompts, n_draws=400).set_index(["baseline", "part", "rule"])["accuracy"]
    outside = prompts.out_test
    assert table["end at once", OUT_TEST, "rule_1"] == np.mean([language.rule_1(each) for each in outside])
    # From difference d the walk ends with probability 1/3 per step: it ends at 0 with probability
    # r^|d| / (3 sqrt(1 - 4/9)), r = (3 - sqrt 5) / 2, by the generating function of the simple walk.
    root = (3 - np.sqrt(5)) / 2
    difference = np.array([abs(each.count("a") - each.count("b")) for each in outside])
    expected = (root**difference / (3 * np.sqrt(1 - 4 / 9))).mean()
    assert table["uniform", OUT_TEST, "rule_1"] == pytest.approx(expected, abs=0.015)


def test_twins_compute_the_same_and_have_other_gradients():
    network = build_network("transformer", SIZE, 0)
    tokens = torch.randint(0, 5, (6, 20), generator=torch.Generator().manual_seed(1))
    twins = {"scaled": rescale(network, 10.0), "permuted": permute(network, 0)}
    for twin in twins.values():
        assert 0 < largest_logit_difference(network, twin, tokens) < 1e-4
    norms = {}
    for name, each in {"itself": network, **twins}.items():
        each(tokens).square().mean().backward()
        norms[name] = each.layers[0].feed_forward[0].weight.grad.norm().item()
    assert norms["scaled"] == pytest.approx(norms["itself"] / 10, rel=1e-3)
    assert norms["permuted"] == pytest.approx(norms["itself"], rel=1e-4)
    with pytest.raises(ModelError, match="must be positive"):
        rescale(network, -1.0)


@pytest.mark.parametrize("architecture", ["transformer-rotary", "state-space"])
def test_files_hold_all_that_a_model_is(architecture, tmp_path):
    network = build_network(architecture, SIZE, 5)
    save_network(network, tmp_path / "model.safetensors")
    tokens = torch.zeros(1, 7, dtype=torch.long)
    assert torch.equal(load_network(tmp_path / "model.safetensors")(tokens), network(tokens))
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="has no language model"):
        load_network(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: build_network("lstmm", SIZE, 0), ModelError, "architecture 'lstmm'; did you mean 'lstm'"),
        (lambda: build_network("lstm", NetworkSize(5, 9, width=30), 0), ModelError, "multiple of 8"),
        (
            lambda: build_network("lstm", SIZE, 0)(torch.zeros(1, 99, dtype=torch.long)),
            ModelError,
            "99 tokens",
        ),
        (
            lambda: make_arm("liklihood", get_language("anbn")(), ()),
            DataError,
            f"did you mean '{LIKELIHOOD}'",
        ),
    ],
)
def test_wrong_requests(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_accuracy_counts_unfinished_as_wrong():
    rows = pd.DataFrame(
        [
            {
                "part": IN,
                "finished": finished,
                "rule_1": good,
                "rule_2": good,
                "rule_2_after": good,
                "grammatical": good,
            }
            for finished, good in ((True, True), (True, False), (False, False), (False, False))
        ]
    )
    row = accuracy_table(rows).set_index("rule").loc["rule_1"]
    assert (row["accuracy"], row["accuracy_finished"], row["finished"]) == (0.25, 0.5, 0.5)
