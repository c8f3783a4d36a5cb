"""Mixtures that grow from the held-out Gaussian."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from suffice import estimate
from suffice.errors import EstimationError
from suffice.estimators.neural import networks as neural
from suffice.estimators.neural.coordinates import Split
from suffice.estimators.neural.mixture_network import ConditionalMixture, NormalMixture

QUICK = {"n_folds": 2, "n_components": 4, "hidden_dim": 64}


def noise(n_items, dim, seed):
    return np.random.default_rng(seed).normal(size=(n_items, dim))


def bent(n_items=3000, dim=2, spread=0.3, seed=0):
    """A target that the source gives but for noise, and that no linear function of it tells anything of."""
    source = noise(n_items, dim, seed)
    return source, np.abs(source) + spread * noise(n_items, dim, seed + 1)


def test_before_training_it_is_the_joint_gaussian():
    source = noise(4000, 6, 0)
    target = (0.8 * source + 0.6 * noise(4000, 6, 1)) @ noise(6, 6, 2)
    start = estimate(source, target, estimator="mixture", max_epochs=0)
    truth = -3 * np.log(1 - 0.8**2)
    # The linear family's diagonal residual does not see that the target's dimensions are correlated.
    assert start.nats == pytest.approx(truth, abs=3 * start.standard_error_nats + 0.03)
    assert not start.converged
    assert any("max_epochs" in warning for warning in start.warnings)


def test_it_sees_what_no_linear_family_can():
    source, target = bent()
    linear = estimate(source, target, estimator="linear")
    mixture = estimate(source, target, estimator="mixture", **QUICK)
    # The truth lies near 2 * 0.77 nats: the entropy of |U| + noise less that of the noise.
    assert linear.nats < 0.02
    assert mixture.nats > 1.0
    assert mixture.converged


def test_training_never_harms_beyond_noise():
    source = noise(1500, 8, 0)
    target = 0.6 * source + 0.8 * noise(1500, 8, 1)
    start = estimate(source, target, estimator="mixture", **(QUICK | {"max_epochs": 0}))
    trained = estimate(source, target, estimator="mixture", **QUICK)
    assert trained.nats > start.nats - start.standard_error_nats


@pytest.mark.parametrize(("dim", "source_dim"), [(4, 4), (48, 200)])
def test_independent_data_give_nothing(dim, source_dim):
    result = estimate(noise(2000, source_dim, 0), noise(2000, dim, 1), estimator="mixture", **QUICK)
    assert abs(result.nats_per_dim) <= 0.005


def test_scales_that_depend_on_the_source_are_seen():
    source = noise(4000, 1, 0)
    target = np.exp(source) * noise(4000, 1, 1)
    assert estimate(source, target, estimator="mixture", **QUICK).nats > 0.2


def test_a_copy_is_worth_what_the_variance_floor_allows():
    vectors = noise(1000, 3, 0)
    for floor in (1e-2, 1e-6):
        result = estimate(vectors, vectors, estimator="mixture", variance_floor=floor, **QUICK)
        # The normal density at the floor, at a residual that is nearly 0: 1/2 above the cap at most.
        cap = -0.5 * np.log(floor)
        assert cap - 0.5 < result.nats_per_dim < cap + 0.51


def test_bfloat16_products_change_little():
    source, target = bent(1500)
    exact, short = (
        estimate(source, target, estimator="mixture", matrix_products=each, **QUICK)
        for each in ("float32", "bfloat16")
    )
    assert short.nats != exact.nats
    assert short.nats == pytest.approx(exact.nats, rel=0.1)


def test_a_device_that_is_not_there_is_said_before_work():
    with pytest.raises(EstimationError, match="device 'warp-drive' cannot be used"):
        estimate(*bent(200), estimator="mixture", device="warp-drive")


def test_the_mixture_is_the_density_it_says():
    mixture = NormalMixture(2, 3, torch.full((2,), -1.0), seed=0)
    with torch.no_grad():
        mixture.means += torch.randn(3, 2)
        mixture.log_scales += torch.tensor([[0.3, -0.2], [0.1, -5.0], [0.0, 0.4]])
        mixture.logits += torch.tensor([0.5, -0.5, 0.1])
    means, weights = mixture.means.detach().numpy(), torch.softmax(mixture.logits, 0).detach().numpy()
    scales = np.exp(np.maximum(mixture.log_scales.detach().numpy(), -1.0))
    row = np.array([0.3, -1.2])
    density = sum(
        weight * norm.pdf(row, mean, scale).prod()
        for weight, mean, scale in zip(weights, means, scales, strict=True)
    )
    assert mixture(torch.tensor(row[None]).float()).item() == pytest.approx(np.log(density), rel=1e-5)


def test_the_conditional_moves_and_stretches_and_starts_as_the_mixture():
    mixture = NormalMixture(2, 3, torch.full((2,), -5.0), seed=0)
    density = ConditionalMixture(mixture, 4, [8], torch.full((2,), -5.0), seed=0)
    rows, source = torch.randn(6, 2), torch.randn(6, 4)
    assert torch.equal(density(rows, source), mixture(rows))
    with torch.no_grad():
        density.network[-1].bias[:4] = torch.tensor([1.0, -2.0, 0.5, 0.2])
    moved = rows * torch.exp(torch.tensor([0.5, 0.2])) + torch.tensor([1.0, -2.0])
    assert torch.allclose(density(moved, source), mixture(rows) - 0.7, atol=1e-5)


def test_the_gradient_reaches_every_parameter():
    density = ConditionalMixture(
        NormalMixture(2, 3, torch.full((2,), -5.0), 0), 4, [8, 8], torch.zeros(2) - 5, 0
    )
    with torch.no_grad():
        density.network[-1].weight += 0.1
    density(torch.randn(16, 2), torch.randn(16, 4)).mean().backward()
    for name, parameter in density.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_rare_bits_do_no_harm():
    generator = np.random.default_rng(0)
    source = generator.random((500, 24)) < np.geomspace(0.002, 0.3, 24)
    target = source[:, ::2] ^ (generator.random((500, 12)) < 0.005)
    result = estimate(source, target, estimator="mixture", n_folds=2, hidden_dim=32, max_epochs=10)
    gaussian = estimate(source, target, estimator="gaussian").nats
    # At worst the fold keeps to the Gaussian.
    assert result.nats > 0.7 * gaussian


def test_the_gate_opens_at_two_standard_errors_of_validation_items():
    split = Split(np.arange(100), np.arange(100, 200), np.arange(200, 300))
    gain = np.tile([1.0, -1.0], 150)  # of 100 validation items: a standard error of 0.1
    for more, opens in ((0.19, False), (0.21, True), (-0.21, False)):
        only_here = gain + np.where((np.arange(300) >= 100) & (np.arange(300) < 200), more, -more)
        assert neural._gains(only_here + 5, np.full(300, 5.0), split) is opens


def test_behind_a_closed_gate_it_is_the_joint_gaussian(monkeypatch):
    source, target = bent(200)
    small = {"estimator": "mixture", "n_folds": 2, "n_components": 2, "hidden_dim": 16}
    start = estimate(source, target, max_epochs=0, **small).nats
    for opens in (True, False):
        monkeypatch.setattr(neural, "_gains", lambda *_, answer=opens: answer)
        found = estimate(source, target, max_epochs=8, **small).nats
        assert (found == pytest.approx(start, abs=1e-9)) is not opens
