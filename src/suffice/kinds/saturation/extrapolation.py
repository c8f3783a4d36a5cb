"""Case 1, rule extrapolation: networks of one language, architecture and arm, and their completions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from suffice.kinds.saturation.arms import Arm, make_arm
from suffice.kinds.saturation.completions import baseline_table, completion_table
from suffice.kinds.saturation.fitting import Fitted, FittingSettings, fit
from suffice.kinds.saturation.language import Language
from suffice.kinds.saturation.languages import get_language
from suffice.kinds.saturation.network_files import load_network, save_network
from suffice.kinds.saturation.networks import LanguageModel, NetworkSize, build_network, n_parameters
from suffice.kinds.saturation.prompts import Prompts, make_prompts
from suffice.kinds.saturation.read_out import fit_read_out
from suffice.kinds.saturation.settings import LanguageChoice, NetworkSettings, Scale
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.seeds import derive_seed
from suffice.storage.files import write_table

RUN_COLUMNS = (
    "language", "architecture", "arm", "seed", "excess_nats", "loss_nats", "completion_nats", "n_steps",
    "seconds", "n_parameters", "reached",
)  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Networks that differ only in their seed.

    Attributes:
        language: name of the language.
        architecture: name of the architecture.
        arm: name of the arm.
    """

    language: str
    architecture: str
    arm: str


def language_and_prompts(name: str, choice: LanguageChoice, seed: int) -> tuple[Language, Prompts]:
    """A language with its cut, and its prompts; their halves do not depend on training."""
    language = get_language(name)(choice.max_size)
    return language, make_prompts(language, choice.prompt_length, derive_seed(seed, name, "prompts"))


def network_size(language: Language, prompts: Prompts, settings: NetworkSettings) -> NetworkSize:
    """A network's size: its context has room for every string, and for one after the longest prompt."""
    longest = max(map(len, prompts.in_distribution + prompts.out_train + prompts.out_test))
    context = language.max_length + longest + 2
    return NetworkSize(len(Vocabulary(language.letters)), context, settings.width, settings.n_layers)


@dataclass(frozen=True)
class GroupJob:
    """What the networks of a group depend on.

    Attributes:
        group: which networks.
        cut: of their language.
        settings: number, size and fitting of the networks.
        seed: base seed of the study.
    """

    group: Group
    cut: LanguageChoice
    settings: NetworkSettings
    seed: int

    def language_and_prompts(self) -> tuple[Language, Prompts]:
        """The language and its prompts."""
        return language_and_prompts(self.group.language, self.cut, self.seed)

    def seed_of(self, number: int) -> int:
        """Seed of a network. Every arm has its own seeds, so its networks are independent of the others."""
        return derive_seed(self.seed, *vars(self.group).values(), str(number))


def train_group(job: GroupJob, start_from: Sequence[Path], models: Path) -> pd.DataFrame:
    """Train the networks of a group, one per seed, and store the checkpoints.

    Args:
        job: which networks.
        start_from: networks that an arm starts from, one per seed; empty for a random start.
        models: folder of the checkpoints `{seed}.safetensors`.

    Returns:
        One row per seed with `RUN_COLUMNS`.
    """
    language, prompts = job.language_and_prompts()
    arm = make_arm(job.group.arm, language, prompts.out_train)
    size = network_size(language, prompts, job.settings)
    rows = []
    for number in range(job.settings.n_seeds):
        seed = job.seed_of(number)
        network = (
            load_network(start_from[number])
            if start_from
            else build_network(job.group.architecture, size, seed)
        )
        began = time.process_time()
        fitted = fit_arm(network, language, arm, job.settings.fitting, seed)
        seconds = time.process_time() - began
        save_network(fitted.network, models / f"{number}.safetensors")
        rows.append({**vars(job.group), "seed": number, **_facts(fitted, language), "seconds": seconds})
    return pd.DataFrame(rows)[list(RUN_COLUMNS)]


def fit_arm(
    network: LanguageModel, language: Language, arm: Arm, settings: FittingSettings, seed: int
) -> Fitted:
    """Fit a whole network, or only its read-out, depending on the arm."""
    if arm.read_out_only:
        return fit_read_out(network, language, arm, settings)
    return fit(network, language, arm, settings, seed)


def _facts(fitted: Fitted, language: Language) -> dict[str, object]:
    return {
        "excess_nats": fitted.excess_nats,
        "loss_nats": fitted.excess_nats + language.entropy_nats,
        "completion_nats": fitted.completion_nats,
        "n_steps": fitted.step,
        "n_parameters": n_parameters(fitted.network),
        "reached": fitted.reached,
    }


def complete_group(job: GroupJob, networks: Sequence[LanguageModel]) -> pd.DataFrame:
    """Greedy completions of every prompt by the networks of a group, one row per network and prompt."""
    language, prompts = job.language_and_prompts()
    return pd.concat(
        [
            completion_table(network, language, prompts).assign(**vars(job.group), seed=number)
            for number, network in enumerate(networks)
        ],
        ignore_index=True,
    )


def write_group(job: GroupJob, start_from: Sequence[Path], folder: Path) -> None:
    """Train a group; write its checkpoints, `runs.csv` and `completions.parquet` into a folder."""
    runs = train_group(job, start_from, folder)
    networks = [load_network(folder / f"{number}.safetensors") for number in runs["seed"]]
    write_table(complete_group(job, networks), folder / "completions.parquet")
    write_table(runs, folder / "runs.csv")


def language_tables(scale: Scale, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Prompts with their part, and accuracies without a model; each row has its language."""
    prompt_tables, baselines = [], []
    for name, choice in scale.languages.items():
        language, prompts = language_and_prompts(name, choice, seed)
        prompt_tables.append(prompts.table().assign(language=name, entropy_nats=language.entropy_nats))
        own_seed = derive_seed(seed, name, "baselines")
        baselines.append(baseline_table(language, prompts, seed=own_seed).assign(language=name))
    return pd.concat(prompt_tables, ignore_index=True), pd.concat(baselines, ignore_index=True)
