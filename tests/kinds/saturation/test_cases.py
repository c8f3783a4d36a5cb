"""In-context learning, fine-tuning and equivalence."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from suffice.errors import DataError
from suffice.kinds.saturation.equivalence import equivalence_table, two_one_sided_tests
from suffice.kinds.saturation.fine_tuning import (
    Curve,
    FineTuningSettings,
    best_rates,
    tune,
    tuning_strings,
    tuning_table,
)
from suffice.kinds.saturation.hidden_markov import (
    DELIMITER,
    MixtureSize,
    make_mixture,
    swap_two_largest,
    twin_table,
)
from suffice.kinds.saturation.in_context import (
    InContextSettings,
    document_losses,
    draw_documents,
    in_context_accuracies,
    train_in_context,
)
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.rescaling import permute
from suffice.kinds.saturation.tokens import Vocabulary, batch_of

TINY = MixtureSize(n_concepts=2, n_properties=2, n_entities=2, n_symbols=3, example_length=2)


def all_documents(n_tokens):
    return np.array(list(itertools.product(range(TINY.n_symbols), repeat=n_tokens)))


def test_the_forward_algorithm_sums_over_hidden_states():
    mixture = make_mixture(TINY, 0)
    documents = all_documents(3)
    brute = np.zeros((len(documents), TINY.n_concepts))
    for concept, states in itertools.product(range(TINY.n_concepts), itertools.product(range(4), repeat=3)):
        path = mixture.start[concept, states[0]]
        for first, second in itertools.pairwise(states):
            path *= mixture.transitions[concept, first, second]
        brute[:, concept] += path * np.prod(
            [mixture.emissions[s, documents[:, t]] for t, s in enumerate(states)], axis=0
        )
    assert np.exp(mixture.forward(documents)[0]) == pytest.approx(brute)
    assert np.exp(mixture.log_likelihood(documents)).sum() == pytest.approx(1)
    shorter = all_documents(2)
    joint = np.exp(mixture.log_likelihood(shorter))[:, None] * mixture.next_token(shorter)
    assert joint.ravel() == pytest.approx(np.exp(mixture.log_likelihood(documents)))


def test_the_twins_divergence_is_that_of_all_documents():
    """KL(p || q) by writing out every document, against the formula with its exact expectation."""
    mixture, n = make_mixture(TINY, 1), 1
    form = mixture.prompt_form(n)
    contexts = all_documents(len(form))
    in_form = np.array([all(form[t, v] for t, v in enumerate(row)) for row in contexts])
    weight, ahead = np.exp(mixture.log_likelihood(contexts)), mixture.next_token(contexts)
    twin = np.where(in_form[:, None], swap_two_largest(ahead), ahead)
    divergence = float((weight[:, None] * ahead * np.log(ahead / twin)).sum())
    assert weight[in_form].sum() == pytest.approx(mixture.form_probability(form).mean())
    row = twin_table(mixture, (n,), n_prompts=40_000, seed=0).iloc[0]
    assert row["kl_nats"] == pytest.approx(divergence, rel=0.02)  # the expectation is over 40,000 contexts
    assert divergence <= row["kl_max_nats"] * (1 + 1e-9)


def test_samples_of_a_form_have_the_form_and_its_distribution():
    mixture = make_mixture(TINY, 0)
    form = mixture.prompt_form(1)
    drawn = mixture.sample_of_form(form, 20_000, np.random.default_rng(0))
    assert (drawn[:, 2] == DELIMITER).all() and (drawn[:, [0, 1, 3]] != DELIMITER).all()
    contexts, counts = np.unique(drawn, axis=0, return_counts=True)
    weight = np.exp(mixture.log_likelihood(contexts))
    assert counts / counts.sum() == pytest.approx(weight / weight.sum(), abs=0.015)  # four standard errors


def test_the_mixture_learns_in_context_and_its_twin_does_not_at_a_vanishing_divergence():
    table = twin_table(make_mixture(MixtureSize(), 0), (0, 1, 8), n_prompts=300, seed=0).set_index(
        "n_examples"
    )
    assert table.loc[8, "accuracy_mixture"] >= 0.9 > table.loc[0, "accuracy_mixture"]
    assert (table["accuracy_twin"] <= 0.2).all() and table.loc[8, "accuracy_twin"] <= table.loc[8, "chance"]
    assert table.loc[8, "kl_max_nats"] <= 1e-4 < table.loc[1, "kl_nats"]


def test_training_stops_at_the_wanted_loss_and_prompts_are_the_same_for_all():
    size = MixtureSize(n_concepts=2, n_properties=3, n_entities=2, n_symbols=6, example_length=3)
    mixture = make_mixture(size, 0)
    settings = InContextSettings(
        document_tokens=16, n_held_out=200, max_steps=300, check_every=25, target_excess_nats=0.4,
        mislabelled_examples=(1, 2),
    )  # fmt: skip
    network = build_network("gru", NetworkSize(7, 24, 16, 1), 0)
    before = (
        document_losses(network, draw_documents(mixture, settings, 50, np.random.default_rng(0)))
        .mean()
        .item()
    )
    trained = train_in_context(network, mixture, "mislabelling", settings, seed=0)
    assert trained.reached and trained.excess_nats <= 0.4 < before and trained.step % 25 == 0
    first, second = (in_context_accuracies(network, mixture, (0, 2), 100, seed) for seed in (1, 1))
    pd.testing.assert_frame_equal(first, second)
    with pytest.raises(DataError, match="unknown arm 'mislabeling'; did you mean 'mislabelling'"):
        train_in_context(network, mixture, "mislabeling", settings, 0)
    with pytest.raises(DataError, match="has 9 tokens; for this mixture it needs 7"):
        train_in_context(
            build_network("gru", NetworkSize(9, 24, 16, 1), 0), mixture, "likelihood", settings, 0
        )
    with pytest.raises(DataError, match="too short"):
        train_in_context(
            build_network("gru", NetworkSize(7, 8, 16, 1), 0), mixture, "likelihood", settings, 0
        )


def test_curves_and_their_summaries():
    curve = Curve(np.array([3.0, 1.0, 0.4, 0.6]))
    assert (curve.steps_to(0.5), curve.steps_to(0.1), curve.mean_excess_nats) == (2, 4, 1.25)
    assert tuning_strings(2) == ["aba", "aabbaa"]


def test_tuning_leaves_the_network_and_its_permuted_twin_goes_the_same_way():
    vocabulary = Vocabulary("ab")
    network = build_network("transformer", NetworkSize(5, 40), 0)
    before = [weight.clone() for weight in network.parameters()]
    batch = batch_of(tuning_strings(3), vocabulary)
    curve = tune(network, batch, "sgd", 0.03, 20)
    assert all(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))
    assert curve.excess_nats[-1] < curve.excess_nats[0]
    twin = tune(permute(network, 0), batch, "sgd", 0.03, 20)
    assert twin.excess_nats == pytest.approx(curve.excess_nats, rel=1e-3)
    diverged = tune(network, batch, "sgd", 1e30, 5)
    assert np.isinf(diverged.excess_nats[-1])


def test_every_twin_tries_every_rate():
    settings = FineTuningSettings(
        max_size=2, steps=3, rates={"adam": (1e-3, 1e-2)}, common_rates={"adam": 3e-3}, threshold_nats=100
    )
    network = build_network("transformer", NetworkSize(5, 16), 0)
    table, curves = tuning_table({"one": network, "two": network}, Vocabulary("ab"), settings)
    assert len(table) == 2 * 3 and table["is_common"].sum() == 2 and table["reached"].all()
    assert len(curves) == 6 * 4
    best = best_rates(table)
    assert len(best) == 2
    assert (best["mean_excess_nats"] == table.groupby("twin")["mean_excess_nats"].min().to_numpy()).all()
    with pytest.raises(DataError, match="needs the letters a and b"):
        tuning_table({"one": network}, Vocabulary("xy"), settings)


def test_equivalence_is_two_t_tests_of_another_library():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 30), rng.normal(0.1, 2, 40)
    for margin in (0.3, 1.5):
        lower = stats.ttest_ind(first, second - margin, equal_var=False, alternative="greater").pvalue
        upper = stats.ttest_ind(first, second + margin, equal_var=False, alternative="less").pvalue
        found = two_one_sided_tests(first, second, margin)
        assert found.p_value == pytest.approx(max(lower, upper))
        assert found.equivalent == (max(lower, upper) < 0.05) == (-margin < found.low and found.high < margin)


def test_equal_groups_and_tables():
    assert two_one_sided_tests([1.0, 1.0], [1.0, 1.0], 0.1).equivalent
    runs = pd.DataFrame({"arm": list("aabbcc"), "loss": [1.0, 1.1, 1.0, 1.2, 5.0, 5.1]})
    table = equivalence_table(runs, "loss", "arm", margin=3.0)
    assert table[["first", "second"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert table["equivalent"].tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("first", "margin", "message"),
    [([1.0], 0.1, "groups have 1 and 2 values"), ([1.0, 2.0], 0.0, "the margin is 0.0")],
)
def test_wrong_tests(first, margin, message):
    with pytest.raises(DataError, match=message):
        two_one_sided_tests(first, [1.0, 2.0], margin)
