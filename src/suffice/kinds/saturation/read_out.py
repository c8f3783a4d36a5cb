"""Fitting only the map from hidden states to logits: a convex problem, solved with second-order steps.

First-order steps take a hundred times as long here, and stop far from both targets.
"""

import numpy as np
import pandas as pd
import torch
from torch import nn

from suffice.errors import DataError
from suffice.kinds.saturation.arms import Arm
from suffice.kinds.saturation.fitting import Fitted, FittingSettings
from suffice.kinds.saturation.language import Language
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.tokens import IGNORED, Batch, Vocabulary, batch_of

STEPS_BETWEEN_LOOKS = 5
HISTORY = 50


def fit_read_out(network: LanguageModel, language: Language, arm: Arm, settings: FittingSettings) -> Fitted:
    """Fit a network's read-out to its language and to an arm's completions, with fixed hidden states.

    It ends when both targets of the settings are met. If this never happens, the last checkpoint is kept. It
    has the smallest sum of both losses, at any distance from the language.

    Args:
        network: it is changed.
        language: language of the strings.
        arm: an arm with completions.
        settings: targets, and the largest number of steps (of L-BFGS, Liu and Nocedal 1989,
            doi 10.1007/BF01589116).

    Raises:
        DataError: the arm has no completions to fit.
    """
    vocabulary = Vocabulary(language.letters)
    completions = arm.batch(vocabulary)
    if completions is None:
        raise DataError(f"arm {arm.name!r} has no completions, so its read-out has nothing to learn")
    whole = batch_of(language.support, vocabulary, language.probabilities)
    losses = [_Loss(network, batch) for batch in (whole, completions)]
    read_out = network.read_out.double()
    optimiser = torch.optim.LBFGS(
        read_out.parameters(), max_iter=STEPS_BETWEEN_LOOKS, history_size=HISTORY,
        tolerance_grad=1e-12, tolerance_change=1e-15, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = losses[0](read_out) + losses[1](read_out)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    rows = []
    for step in range(0, settings.max_steps + 1, STEPS_BETWEEN_LOOKS):
        if step:
            optimiser.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            excess, taught = (float(loss(read_out)) for loss in losses)
        rows.append({"step": step, "excess_nats": excess - language.entropy_nats, "completion_nats": taught})
        reached = _is_reached(rows[-1], settings)
        if reached or _rests(rows):
            break
    read_out.float()
    found = {name: rows[-1][name] for name in ("excess_nats", "completion_nats")}
    return Fitted(network.eval(), int(rows[-1]["step"]), **found, reached=reached, history=pd.DataFrame(rows))


class _Loss:
    """The loss of a batch in nats as a function of the read-out; hidden states are computed once."""

    @torch.no_grad()
    def __init__(self, network: LanguageModel, batch: Batch) -> None:
        self.hidden = network.eval().hidden(batch.inputs).double()
        self.targets, self.weights = batch.targets, batch.weights.double()

    def __call__(self, read_out: nn.Linear) -> torch.Tensor:
        logits = read_out(self.hidden).transpose(1, 2)
        losses = torch.nn.functional.cross_entropy(
            logits, self.targets, reduction="none", ignore_index=IGNORED
        )
        return (losses.sum(1) * self.weights).sum()


def _is_reached(row: dict[str, float], settings: FittingSettings) -> bool:
    return (
        row["excess_nats"] <= settings.target_excess_nats
        and row["completion_nats"] <= settings.target_completion_nats
    )


def _rests(rows: list[dict[str, float]]) -> bool:
    """Whether the last steps had no effect."""
    if len(rows) < 2:
        return False
    change = [abs(rows[-1][name] - rows[-2][name]) for name in ("excess_nats", "completion_nats")]
    return bool(np.max(change) < 1e-12)
