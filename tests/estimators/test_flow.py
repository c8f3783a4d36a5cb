"""Flows that start from the marginal one and are moved by the source."""

import importlib.util

import numpy as np
import pytest
import torch

from suffice import ESTIMATORS, estimate
from suffice.errors import EstimationError
from suffice.estimators.neural.flow_network import ConditionalFlow, MarginalFlow, latent_rows, standard_normal

QUICK = {
    "n_folds": 2,
    "n_transforms": 1,
    "n_bins": 4,
    "hidden_dim": 32,
    "flow_hidden_dim": 16,
    "batch_size": 64,
}


def noise(n_items, dim, seed):
    return np.random.default_rng(seed).normal(size=(n_items, dim))


def trained_flow(dim=3):
    flow = MarginalFlow(dim, [8], 2, 4, seed=0)
    with torch.no_grad():
        for step in flow.steps:
            step.network[-1].weight += torch.randn_like(step.network[-1].weight)
    return flow


def test_an_untrained_flow_is_the_identity():
    rows = torch.randn(5, 3)
    assert torch.allclose(MarginalFlow(3, [8], 2, 4, seed=0)(rows), standard_normal(rows), atol=1e-5)


@pytest.mark.parametrize("dim", [1, 3])
def test_the_log_determinant_is_that_of_the_jacobian(dim):
    flow, row = trained_flow(dim), torch.randn(dim)
    jacobian = torch.autograd.functional.jacobian(
        lambda each: flow.latent(each[None], [None, None])[0][0], row
    )
    _, log_determinant = flow.latent(row[None], [None, None])
    assert log_determinant.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-4)


def test_the_conditional_starts_as_the_marginal_flow_with_a_gaussian():
    flow = trained_flow()
    density = ConditionalFlow(flow, (torch.eye(3), torch.ones(3)), 1e-3, [2, 8, 4], seed=0)
    rows, source = torch.randn(6, 3), torch.randn(6, 2)
    assert torch.allclose(density(rows, torch.zeros(6, 3), source), flow(rows), atol=1e-5)
    latent = torch.from_numpy(latent_rows(flow, rows.numpy(), "cpu"))
    _, log_determinant = flow.latent(rows, [None, None])
    assert torch.allclose(
        density(rows, latent, source), standard_normal(torch.zeros(6, 3)) + log_determinant, atol=1e-5
    )


def test_the_gradient_reaches_what_the_source_moves():
    density = ConditionalFlow(trained_flow(), (torch.eye(3), torch.ones(3)), 1e-3, [2, 8, 4], seed=0)
    density(torch.randn(16, 3), torch.zeros(16, 3), torch.randn(16, 2)).mean().backward()
    for name, parameter in density.named_parameters():
        if not name.startswith("network"):  # behind matrices that are 0 at first
            assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def test_it_sees_what_no_linear_family_can():
    source = noise(2000, 2, 0)
    target = np.abs(source) + 0.3 * noise(2000, 2, 1)
    result = estimate(source, target, estimator="flow", **QUICK)
    # The truth lies near 1.5 nats.
    assert result.nats > 0.8


def test_independent_data_give_nothing():
    result = estimate(noise(2000, 6, 0), noise(2000, 4, 1), estimator="flow", **QUICK)
    assert abs(result.nats_per_dim) <= 0.005


def test_one_dimension_is_enough():
    source = noise(1000, 1, 0)
    result = estimate(source, 0.8 * source + 0.6 * noise(1000, 1, 1), estimator="flow", **QUICK)
    assert result.nats == pytest.approx(-np.log(0.6), abs=3 * result.standard_error_nats + 0.02)


def test_without_zuko_the_extra_is_named_before_work(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EstimationError, match=r"needs zuko; install it with: pip install 'suffice\[flows\]'"):
        ESTIMATORS["flow"]()
