"""Fits by gradient descent that stop in time and say whether they had come to rest."""

import numpy as np
import pytest
import torch
from torch import nn

from suffice.errors import EstimationError
from suffice.estimators.neural.coordinates import Split
from suffice.estimators.neural.training import Schedule, check_device, train

SPLIT = Split(np.arange(0, 600), np.arange(600, 800), np.arange(800, 1000))


class Shifted(nn.Module):
    """A normal density of unit variance with a mean to be learnt."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(1))

    def forward(self, rows):
        return -0.5 * (rows - self.mean).square().sum(-1)


def schedule(**changes):
    defaults = {"max_epochs": 50, "patience": 3, "learning_rate": 0.02, "weight_decay": 0.0, "batch_size": 64}
    return Schedule(**(defaults | {"seed": 0, "device": "cpu", "bfloat16": False} | changes))


def rows(shift=1.0):
    return (shift + np.random.default_rng(0).normal(size=(1000, 1))).astype(np.float32)


def test_the_best_state_on_validation_items_is_kept():
    density = Shifted()
    fit = train(density, (rows(),), SPLIT, schedule())
    assert density.mean.item() == pytest.approx(1.0, abs=0.15)  # three standard errors of 600 items
    validation = fit.log_prob[SPLIT.validation].mean()
    assert validation == pytest.approx(fit.history.max(), abs=1e-6)
    assert fit.history[0] < validation - 0.3


def test_where_nothing_is_to_be_learnt_the_start_is_kept():
    items = rows(0.0)
    items[SPLIT.fit] += 1.0  # what is learnt on these items is wrong for the others
    density = Shifted()
    fit = train(density, (items,), SPLIT, schedule())
    assert density.mean.item() == 0.0
    assert len(fit.history) == 4
    assert fit.converged


@pytest.mark.parametrize(("max_epochs", "converged"), [(0, False), (2, False), (200, True)])
def test_converged_is_whether_patience_ran_out_first(max_epochs, converged):
    fit = train(Shifted(), (rows(),), SPLIT, schedule(max_epochs=max_epochs))
    assert fit.converged is converged
    assert len(fit.history) <= max_epochs + 1


def test_a_loss_that_explodes_is_an_error_with_a_remedy():
    with pytest.raises(EstimationError, match="lower learning_rate"):
        train(Shifted(), (rows(),), SPLIT, schedule(learning_rate=1e38))


def test_a_device_that_is_not_there_gets_a_message():
    for device in ("warp-drive", "cuda:99"):
        with pytest.raises(EstimationError, match=f"device '{device}' cannot be used .*; use 'cpu'"):
            check_device(device)
