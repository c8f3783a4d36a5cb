"""Case 4, kinds of generalisation: networks of one kind and architecture, and their answers to prompts."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.saturation.arms import LIKELIHOOD, Arm
from suffice.kinds.saturation.completions import complete
from suffice.kinds.saturation.fitting import fit
from suffice.kinds.saturation.generalisation import ALPHABET, KINDS, Generalisation, get_kind
from suffice.kinds.saturation.networks import LanguageModel, NetworkSize, build_network, n_parameters
from suffice.kinds.saturation.settings import NetworkSettings
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.seeds import derive_seed
from suffice.storage.files import write_table

ANSWER_COLUMNS = ("kind", "architecture", "seed", "part", "prompt", "completion", "finished")


@dataclass(frozen=True)
class KindJob:
    """What the networks of one kind of generalisation and architecture depend on.

    Attributes:
        kind: name of the kind.
        architecture: name of the architecture.
        settings: number, size and fitting of the networks.
        seed: base seed of the study.
    """

    kind: str
    architecture: str
    settings: NetworkSettings
    seed: int

    def network(self, number: int) -> LanguageModel:
        """A network before training. Its weights do not depend on the kind, as all kinds share one size."""
        context = max(kind.context for kind in KINDS.values())
        size = NetworkSize(len(Vocabulary(ALPHABET)), context, self.settings.width, self.settings.n_layers)
        return build_network(self.architecture, size, self.seed_of(number))

    def seed_of(self, number: int) -> int:
        """Seed of a network's weights before training."""
        return derive_seed(self.seed, "generalisation", self.architecture, str(number))


def train_kind(job: KindJob) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train the networks of one kind and architecture to one loss, and let them answer all prompts.

    Args:
        job: which networks.

    Returns:
        Runs, one row per seed: kind, architecture, seed, excess_nats, loss_nats (both per string), n_steps,
        seconds, n_parameters, reached. Answers, one row per seed and prompt, with `ANSWER_COLUMNS`.
    """
    kind = get_kind(job.kind)
    runs, answers = [], []
    for number in range(job.settings.n_seeds):
        place: dict[str, Any] = {"kind": job.kind, "architecture": job.architecture, "seed": number}
        began = time.process_time()
        fitted = fit(job.network(number), kind, Arm(LIKELIHOOD), job.settings.fitting, job.seed_of(number))
        runs.append(
            {
                **place,
                "excess_nats": fitted.excess_nats,
                "loss_nats": fitted.excess_nats + kind.entropy_nats,
                "n_steps": fitted.step,
                "seconds": time.process_time() - began,
                "n_parameters": n_parameters(fitted.network),
                "reached": fitted.reached,
            }
        )
        answers.append(answer_prompts(fitted.network, kind).assign(**place))
    return pd.DataFrame(runs), pd.concat(answers, ignore_index=True)[list(ANSWER_COLUMNS)]


def answer_prompts(network: LanguageModel, kind: Generalisation) -> pd.DataFrame:
    """Greedy completions of all prompts: part, prompt, completion, finished."""
    asked = [(part, prompt) for part, prompts in kind.prompts.items() for prompt in prompts]
    made = complete(network, [prompt for _, prompt in asked], Vocabulary(kind.letters))
    rows = [(*where, *answer) for where, answer in zip(asked, made, strict=True)]
    return pd.DataFrame(rows, columns=["part", "prompt", "completion", "finished"])


def write_kind(job: KindJob, runs_file: Path, answers_file: Path) -> None:
    """Train the networks of a job and write their runs and answers."""
    runs, answers = train_kind(job)
    write_table(answers, answers_file)
    write_table(runs, runs_file)
