"""Case 4, kinds of generalisation: networks, trained to one loss, and their answers to prompts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.saturation.arms import LIKELIHOOD, Arm
from suffice.kinds.saturation.completions import complete
from suffice.kinds.saturation.fitting import fit
from suffice.kinds.saturation.generalisation import ALPHABET, KINDS, Generalisation, get_kind
from suffice.kinds.saturation.network_files import save_network
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


@dataclass(frozen=True)
class TrainedKind:
    """The networks of a job.

    Attributes:
        runs: one row per seed: kind, architecture, seed, excess_nats, loss_nats (both per string), n_steps,
            seconds, n_parameters, reached.
        answers: one row per seed and prompt, with `ANSWER_COLUMNS`.
        networks: one per seed.
    """

    runs: pd.DataFrame
    answers: pd.DataFrame
    networks: list[LanguageModel]


def train_kind(job: KindJob) -> TrainedKind:
    """Train the networks of one kind and architecture to one loss, and let them answer all prompts."""
    kind = get_kind(job.kind)
    runs, answers, networks = [], [], []
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
        networks.append(fitted.network)
    table = pd.concat(answers, ignore_index=True)[list(ANSWER_COLUMNS)]
    return TrainedKind(pd.DataFrame(runs), table, networks)


def answer_prompts(network: LanguageModel, kind: Generalisation) -> pd.DataFrame:
    """Greedy completions of all prompts: part, prompt, completion, finished."""
    asked = [(part, prompt) for part, prompts in kind.prompts.items() for prompt in prompts]
    made = complete(network, [prompt for _, prompt in asked], Vocabulary(kind.letters))
    rows = [(*where, *answer) for where, answer in zip(asked, made, strict=True)]
    return pd.DataFrame(rows, columns=["part", "prompt", "completion", "finished"])


def write_kind(jobs: Sequence[KindJob], folder: Path) -> None:
    """Train the networks of jobs of one kind; write runs, answers and `<architecture>/<seed>.safetensors`."""
    trained = {job.architecture: train_kind(job) for job in jobs}
    for architecture, made in trained.items():
        for number, network in enumerate(made.networks):
            save_network(network, folder / architecture / f"{number}.safetensors")
    write_table(pd.concat([made.answers for made in trained.values()]), folder / "answers.parquet")
    write_table(pd.concat([made.runs for made in trained.values()]), folder / "runs.csv")
