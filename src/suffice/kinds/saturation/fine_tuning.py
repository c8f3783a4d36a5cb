"""Fine-tuning of twins that compute the same function, and the steps that each needs."""

import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field

from suffice.errors import DataError
from suffice.kinds.saturation.descent import Descent
from suffice.kinds.saturation.fitting import CLIPPED_NORM, string_losses
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.tokens import Batch, Vocabulary, batch_of
from suffice.settings import Settings

Optimiser = Literal["adam", "sgd"]
GRIDS: dict[Optimiser, tuple[float, ...]] = {
    "adam": (3e-4, 1e-3, 3e-3, 1e-2),
    "sgd": (3e-2, 1e-1, 3e-1, 1.0),
}


class FineTuningSettings(Settings):
    """How twins are tuned, and on what."""

    max_size: int = Field(default=10, ge=1, description="largest n of the strings aⁿ bⁿ aⁿ to learn")
    steps: int = Field(default=300, ge=1, description="steps of each tuning")
    threshold_nats: float = Field(
        default=0.5, gt=0, description="excess in nats per string at which a twin counts as tuned"
    )
    factors: tuple[float, ...] = Field(default=(0.1, 1.0, 10.0), description="factors of the rescaled twins")
    rates: dict[Optimiser, tuple[float, ...]] = Field(
        default=GRIDS, description="learning rates that every twin tries, for each optimiser"
    )
    common_rates: dict[Optimiser, float] = Field(
        default={"adam": 1e-3, "sgd": 1e-1}, description="the common rate at which all twins are compared"
    )


@dataclass(frozen=True)
class Curve:
    """Excess over the entropy in nats per string, before each step and after the last: (n_steps + 1,)."""

    excess_nats: np.ndarray

    @property
    def mean_excess_nats(self) -> float:
        """The area under the curve for each step."""
        return float(self.excess_nats.mean())

    def steps_to(self, threshold_nats: float) -> int:
        """Steps until the excess is first within a threshold, or the number of steps plus one."""
        below = np.flatnonzero(self.excess_nats <= threshold_nats)
        return int(below[0]) if len(below) else len(self.excess_nats)


def tuning_strings(max_size: int) -> list[str]:
    """The language a^n b^n a^n, n from 1 to max_size, equally likely."""
    return ["a" * n + "b" * n + "a" * n for n in range(1, max_size + 1)]


def tune(network: LanguageModel, batch: Batch, optimiser: Optimiser, rate: float, n_steps: int) -> Curve:
    """Fine-tune a copy of a network on a batch that is the whole language.

    Args:
        network: not changed.
        batch: strings with weights that sum to 1.
        optimiser: Adam, or gradient descent without momentum; neither with weight decay.
        rate: the learning rate.
        n_steps: number of steps.

    Returns:
        The curve; after a loss that is not finite, it remains infinite.
    """
    copied = copy.deepcopy(network).train()
    steps = Descent(optimiser, copied.parameters(), rate)
    entropy = float(-(batch.weights * batch.weights.log()).sum())
    excess = np.full(n_steps + 1, np.inf)
    for step in range(n_steps + 1):
        loss = (string_losses(copied, batch) * batch.weights).sum()
        if not torch.isfinite(loss):
            break
        excess[step] = loss.item() - entropy
        steps.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(copied.parameters(), CLIPPED_NORM)
        steps.step()
    return Curve(excess)


def tuning_table(
    twins: dict[str, LanguageModel], vocabulary: Vocabulary, settings: FineTuningSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tune every twin with every optimiser at every rate.

    Args:
        twins: by name.
        vocabulary: of the language they were trained on; must have the letters a and b.
        settings: of the tuning.

    Returns:
        One row per twin, optimiser and rate: twin, optimiser, learning_rate, is_common, steps_to_threshold,
        reached, mean_excess_nats; and the curves: twin, optimiser, learning_rate, step, excess_nats.

    Raises:
        DataError: the letter a or b is missing.
    """
    if not set("ab") <= set(vocabulary.letters):
        raise DataError(f"fine-tuning needs the letters a and b; the language has {vocabulary.letters!r}")
    batch = batch_of(tuning_strings(settings.max_size), vocabulary)
    rows, curves = [], []
    for name, twin in twins.items():
        for optimiser, rates in settings.rates.items():
            common = settings.common_rates[optimiser]
            for rate in sorted({*rates, common}):
                curve = tune(twin, batch, optimiser, rate, settings.steps)
                key = {"twin": name, "optimiser": optimiser, "learning_rate": rate}
                steps = curve.steps_to(settings.threshold_nats)
                rows.append(
                    {
                        **key,
                        "is_common": rate == common,
                        "steps_to_threshold": steps,
                        "reached": steps <= settings.steps,
                        "mean_excess_nats": curve.mean_excess_nats,
                    }
                )
                curves.append(
                    pd.DataFrame(
                        {**key, "step": range(len(curve.excess_nats)), "excess_nats": curve.excess_nats}
                    )
                )
    return pd.DataFrame(rows), pd.concat(curves, ignore_index=True)


def best_rates(table: pd.DataFrame) -> pd.DataFrame:
    """For each twin and optimiser, the rate with the smallest area under the curve.

    Args:
        table: rows of one seed from `tuning_table`.
    """
    best = table.groupby(["twin", "optimiser"], sort=False)["mean_excess_nats"].idxmin()
    return table.loc[best].reset_index(drop=True)
