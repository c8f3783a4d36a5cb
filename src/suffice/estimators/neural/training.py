"""The fit of any torch density by gradient descent, stopped early on unseen items."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from suffice.errors import EstimationError, first_line
from suffice.estimators.neural.coordinates import Split
from suffice.estimators.neural.mixture_density import denormals_flushed

SCORE_BATCH = 4096
AVERAGING = 0.98  # weight of the past in the running average of the parameters, per step


@dataclass(frozen=True)
class Schedule:
    """Settings of a fit.

    Attributes:
        max_epochs: largest number of passes over the training items.
        patience: passes without a gain on the validation items after which the fit has converged.
        learning_rate: AdamW's step.
        weight_decay: AdamW's shrinkage of weight matrices of networks.
        batch_size: items in one step.
        seed: seed of the order of the items.
        device: torch device.
        bfloat16: whether matrix products are taken in bfloat16.
    """

    max_epochs: int
    patience: int
    learning_rate: float
    weight_decay: float
    batch_size: int
    seed: int
    device: str
    bfloat16: bool


@dataclass(frozen=True)
class Trained:
    """The result of a fit.

    Attributes:
        log_prob: log-density of every item in nats, shape (n_items,).
        start_log_prob: the same before the first step, shape (n_items,).
        history: mean log-density of the validation items before training and after each epoch.
        converged: whether the patience ran out before the epochs did.
    """

    log_prob: npt.NDArray[np.float64]
    start_log_prob: npt.NDArray[np.float64]
    history: npt.NDArray[np.float64]
    converged: bool


def check_device(device: str) -> None:
    """Raise EstimationError unless torch can compute on this device."""
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise EstimationError(
            f"device {device!r} cannot be used ({first_line(error)}); use 'cpu', or 'cuda' if "
            "torch.cuda.is_available()"
        ) from error


def train(
    density: nn.Module, inputs: tuple[npt.NDArray[Any], ...], split: Split, schedule: Schedule
) -> Trained:
    """Maximise the likelihood of the training items until that of the validation items stops growing.

    A running average of the parameters is evaluated and kept (Polyak and Juditsky 1992, doi 10.1137/0330046),
    in the state that was best on the validation items. The state before the first step counts too. `density`
    is left in that state.

    Args:
        density: gives the log-density of each row of its inputs.
        inputs: arrays of n_items rows each, in the order of the density's arguments.
        split: of the items.
        schedule: settings of the fit.

    Raises:
        EstimationError: the loss is no longer finite.
    """
    tensors = [torch.from_numpy(array).to(schedule.device) for array in inputs]
    density.to(schedule.device)
    average = copy.deepcopy(density)
    optimiser = _optimiser(density, schedule)
    generator = np.random.default_rng(schedule.seed)
    everything = np.arange(len(tensors[0]))
    start_log_prob = _log_prob(average, tensors, everything, schedule)
    history = [float(start_log_prob[split.validation].mean())]
    best, best_epoch = _state(average), 0
    with denormals_flushed():
        for epoch in range(1, schedule.max_epochs + 1):
            order = generator.permutation(split.fit)
            for start in range(0, len(order), schedule.batch_size):
                _step(density, tensors, order[start : start + schedule.batch_size], optimiser, schedule)
                _move_average(average, density)
            history.append(float(_log_prob(average, tensors, split.validation, schedule).mean()))
            if history[-1] > history[best_epoch]:
                best, best_epoch = _state(average), epoch
            if epoch - best_epoch >= schedule.patience:
                break
    density.load_state_dict(best)
    log_prob = _log_prob(density, tensors, everything, schedule)
    converged = len(history) - 1 - best_epoch >= schedule.patience
    return Trained(log_prob, start_log_prob, np.asarray(history), converged)


def _optimiser(density: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101), shrinking linear layers only."""
    shrunk = {id(layer.weight) for layer in density.modules() if isinstance(layer, nn.Linear)}
    groups = [
        {
            "params": [value for value in density.parameters() if (id(value) in shrunk) == shrink],
            "weight_decay": schedule.weight_decay if shrink else 0.0,
        }
        for shrink in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, fused=True)


def _step(
    density: nn.Module,
    tensors: list[Tensor],
    batch: npt.NDArray[np.int64],
    optimiser: torch.optim.Optimizer,
    schedule: Schedule,
) -> None:
    """One step of gradient descent."""
    optimiser.zero_grad(set_to_none=True)
    loss = -_forward(density, tensors, batch, schedule).mean()
    if not torch.isfinite(loss):
        raise EstimationError(f"the loss is {loss.item()}; lower learning_rate")
    torch.autograd.backward(loss)
    optimiser.step()


def _forward(
    density: nn.Module, tensors: list[Tensor], items: npt.NDArray[np.int64], schedule: Schedule
) -> Tensor:
    rows = torch.from_numpy(items).to(schedule.device)
    device_type = torch.device(schedule.device).type
    with torch.autocast(device_type, dtype=torch.bfloat16, enabled=schedule.bfloat16):
        return density(*(tensor[rows] for tensor in tensors))


@torch.no_grad()
def _log_prob(
    density: nn.Module, tensors: list[Tensor], items: npt.NDArray[np.int64], schedule: Schedule
) -> npt.NDArray[np.float64]:
    """Log-density of the given items, batch by batch."""
    starts = range(0, len(items), SCORE_BATCH)
    parts = [_forward(density, tensors, items[start : start + SCORE_BATCH], schedule) for start in starts]
    return torch.cat(parts).double().cpu().numpy()


@torch.no_grad()
def _move_average(average: nn.Module, density: nn.Module) -> None:
    for past, now in zip(average.parameters(), density.parameters(), strict=True):
        past.lerp_(now, 1 - AVERAGING)


def _state(density: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in density.state_dict().items()}
