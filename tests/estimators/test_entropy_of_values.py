"""Targets of few values in families that take them for a density: named, and held to their entropy."""

from math import log

import numpy as np
import pytest
import torch
from scipy.stats import bernoulli

from suffice import estimate
from suffice.estimators.few_values import FewValues
from suffice.estimators.neural.mixture_density import ConditionalMixture, MarginalMixture, bits_log_prob
from suffice.estimators.standardise import standardise

N = 2000
QUICK = {
    "gaussian": {},
    "copula": {},
    "mixture": {"n_folds": 2, "n_components": 2, "hidden_dim": 16, "max_epochs": 2},
    "knife": {"conditional_epochs": 2, "marginal_epochs": 1},
}


def values(kind, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "three values": lambda: generator.integers(0, 3, (N, 2)),
        "counts": lambda: generator.poisson(0.3, (N, 4)),
        "ratings": lambda: generator.integers(1, 6, (N, 3)) / 2,
        "many codes": lambda: generator.integers(0, 200, (N, 1)),
    }[kind]().astype(float)


def entropy(array):
    """Sum over columns of the entropies of their values."""
    counts = [np.unique(column, return_counts=True)[1] / len(array) for column in array.T]
    return -sum(float((share * np.log(share)).sum()) for share in counts)


@pytest.mark.parametrize("name", list(QUICK))
@pytest.mark.parametrize("kind", ["three values", "counts", "ratings", "many codes"])
def test_a_copy_tells_no_more_than_the_entropy(name, kind):
    target = values(kind)
    result = estimate(target, target, estimator=name, **QUICK[name])
    assert result.nats <= entropy(target) + 1e-9
    assert result.block_nats.sum() / result.block_items.sum() == pytest.approx(result.nats)
    assert result.nats_per_dim == pytest.approx(result.nats / target.shape[1])
    assert result.marginal_entropy_nats - result.conditional_entropy_nats == pytest.approx(result.nats)
    assert result.standard_error_nats >= 0
    assert any("few distinct values" in said for said in result.warnings)


def rounded(target, other):
    """The values after float32 has added and subtracted others."""
    return ((target + other).astype(np.float32) - other.astype(np.float32)).astype(float)


JITTERED = {
    "rounding": lambda target: rounded(target, np.random.default_rng(4).random(target.shape) * 2),
    "noise": lambda target: target + 1e-7 * np.random.default_rng(5).normal(size=target.shape),
    "another unit": lambda target: 10 + 0.01 * rounded(target, np.full(target.shape, 0.7)),
}


@pytest.mark.parametrize("name", ["linear", "gaussian", "copula"])
@pytest.mark.parametrize("kind", ["three values", "counts", "many codes"])
@pytest.mark.parametrize("jitter", JITTERED)
def test_values_that_differ_by_rounding_are_one_value(name, kind, jitter):
    target = JITTERED[jitter](values(kind))
    result = estimate(target, target, estimator=name)
    assert result.nats <= entropy(values(kind)) + 1e-9


@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy", "two modes"])
@pytest.mark.parametrize("n", [300, 5000])
def test_continuous_values_are_not_taken_for_few(draw, n):
    generator = np.random.default_rng(6)
    if draw == "two modes":
        column = np.where(generator.random(n) < 0.5, 0, 1e3) + generator.normal(size=n)
    else:
        column = getattr(generator, draw)(size=n)
    array = np.stack([column, generator.normal(size=n)], axis=1)
    assert np.isinf(FewValues.of(array, standardise(array)).entropy).all()


@pytest.mark.parametrize("name", ["gaussian", "copula"])
def test_what_was_held_is_said_with_both_numbers(name):
    target = values("many codes")
    result = estimate(target, target, estimator=name)
    assert result.nats == pytest.approx(entropy(target))
    (said,) = (said for said in result.warnings if "were held to" in said)
    assert f"{entropy(target):.2f}" in said


def test_the_entropy_of_the_source_holds_as_well():
    generator = np.random.default_rng(1)
    source = values("three values")
    target = source @ generator.normal(size=(2, 2)) + 1e-4 * generator.normal(size=(N, 2))
    result = estimate(source, target, estimator="gaussian")
    assert result.nats == pytest.approx(entropy(source))
    assert not any("few distinct values" in said for said in result.warnings)  # of the target they would be


@pytest.mark.parametrize("name", list(QUICK))
def test_continuous_targets_are_not_named(name):
    generator = np.random.default_rng(3)
    dense = generator.normal(size=(500, 3))
    result = estimate(dense, dense + generator.normal(size=(500, 3)), estimator=name, **QUICK[name])
    assert not any("distinct values" in said or "entropy" in said for said in result.warnings)


def bits(seed=0, dim=6, n=N):
    return (np.random.default_rng(seed).random((n, dim)) < np.linspace(0.2, 0.7, dim)).astype(float)


LEARN = {"marginal_learning_rate": 0.05, "marginal_epochs": 20, "conditional_epochs": 40, "hidden_dim": 64}


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.bool_])
def test_knife_takes_bits_for_bits(dtype):
    target = bits()
    result = estimate(target.astype(dtype), target.astype(dtype), estimator="knife", **LEARN)
    assert result.marginal_entropy_nats == pytest.approx(entropy(target), abs=0.02)
    assert 0.95 * entropy(target) < result.nats < entropy(target) + 0.02
    assert not any("takes for a density" in said for said in result.warnings)


@pytest.mark.parametrize("networks", ["merged", "separate"])
def test_knife_of_noisy_bits_comes_near_their_information(networks):
    target, flips = bits(dim=4, n=4000), 0.1
    source = np.where(np.random.default_rng(1).random(target.shape) < flips, 1 - target, target)
    share = target.mean(axis=0)
    seen = share * (1 - flips) + (1 - share) * flips
    truth = float((binary_entropy(seen) - binary_entropy(np.array([flips]))).sum())
    result = estimate(source, target, estimator="knife", networks=networks, **LEARN)
    assert result.nats == pytest.approx(truth, abs=0.1)


def binary_entropy(share):
    return -share * np.log(share) - (1 - share) * np.log(1 - share)


def test_a_target_with_one_other_entry_has_normal_kernels():
    target = bits()
    target[0, 0] = 0.5
    result = estimate(target, target, estimator="knife", **QUICK["knife"])
    assert any("few distinct values" in said for said in result.warnings)


def test_knife_of_bits_is_held_to_the_entropy():
    target = bits(dim=6)
    result = estimate(
        target, target, estimator="knife", marginal_epochs=1, conditional_epochs=40, hidden_dim=64
    )
    assert result.nats == pytest.approx(entropy(target))  # its marginal is hardly fitted in one epoch
    assert any("were held to" in said for said in result.warnings)


def test_the_mixture_of_bits_is_the_probability_it_says():
    row, raw = np.array([1.0, 0.0, 1.0]), np.array([[0.2, -1.0, 2.0], [0.0, 0.5, -0.3]])
    logits = np.array([0.5, -0.5])
    weights = np.exp(logits) / np.exp(logits).sum()
    truth = log(
        sum(w * bernoulli.pmf(row, 1 / (1 + np.exp(-r))).prod() for w, r in zip(weights, raw, strict=True))
    )
    found = bits_log_prob(torch.tensor(row)[None], torch.tensor(raw), torch.tensor(logits))
    assert found.item() == pytest.approx(truth)


@pytest.mark.parametrize("merged", [True, False])
def test_densities_of_bits_have_no_scales(merged):
    marginal = MarginalMixture(3, 2, 0.01, seed=0, bernoulli=True)
    conditional = ConditionalMixture(
        4, 3, n_components=2, hidden_dims=[5], merged=merged, seed=0, bernoulli=True
    )
    assert {name for name, _ in marginal.named_parameters()} == {"means", "logits"}
    rows = torch.randint(0, 2, (8, 3)).float()
    (conditional(rows, torch.randn(8, 4)).mean() + marginal(rows).mean()).backward()
    assert all(parameter.grad is not None for parameter in conditional.parameters())
    total = sum(
        marginal(torch.tensor([[a, b, c]], dtype=torch.float)).exp()
        for a in (0, 1)
        for b in (0, 1)
        for c in (0, 1)
    )
    assert total.item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("n", [30, 100, 250, 300])
@pytest.mark.parametrize("family", ["gaussian", "copula"])
def test_few_values_of_repeated_items_are_told_from_codes(family, n):
    generator = np.random.default_rng(n)
    rows = generator.permutation(np.repeat(np.arange(n), 5))
    one, other = (generator.normal(size=(n, 4))[rows] for _ in range(2))
    said = " ".join(estimate(one, other, family).warnings)
    assert f"{4 * n} of {5 * n} items are copies" in said
    assert ("few distinct values" in said) is (n <= 256)
    assert (f"there are only {n} groups of items" in said) is (n <= 256)


def test_the_total_of_codes_is_limited_and_said():
    codes = np.round(20 * np.random.default_rng(1).normal(size=(N, 3)))
    (said,) = [text for text in estimate(codes, codes, "gaussian").warnings if "few distinct" in text]
    assert said.startswith("3 of 3 dimensions have few distinct values, which")
    assert f"their total is limited to {entropy(codes):.2f} nats" in said
