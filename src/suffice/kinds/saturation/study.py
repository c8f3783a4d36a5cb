"""A study of equal test loss: read from its folder and divided into jobs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.kinds.saturation.arms import LIKELIHOOD, READ_OUT
from suffice.kinds.saturation.extrapolation import Group, language_and_prompts
from suffice.kinds.saturation.settings import TUNED_LANGUAGE, SaturationSettings, Scale
from suffice.study.read import read_study_settings
from suffice.study.references import SETTINGS

PUBLISHED = ("published_icml2024.csv", "published_neurips2024.csv")


@dataclass(frozen=True)
class SaturationStudy:
    """A checked study.

    Attributes:
        folder: the study's folder.
        settings: the keys of study.yaml.
    """

    folder: Path
    settings: SaturationSettings

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def scale(self) -> Scale:
        """The scale to run."""
        return self.settings.chosen

    def groups(self) -> list[Group]:
        """Every language, architecture and arm."""
        return [
            Group(language, architecture, arm)
            for language in self.scale.languages
            for architecture in self.scale.architectures
            for arm in self.scale.arms
        ]

    def published_files(self) -> list[str]:
        """The tables of published numbers beside study.yaml; may be empty."""
        return [str(path) for name in PUBLISHED if (path := self.folder / name).is_file()]

    def models(self, results: str, group: Group) -> list[str]:
        """Checkpoints of a group, one per seed."""
        folder = folder_of(results, group)
        return [f"{folder}/{seed}.safetensors" for seed in range(self.scale.n_seeds)]

    def starts(self, results: str, group: Group) -> list[str]:
        """Checkpoints that a group's training starts from: those of likelihood for the read-out arm."""
        if group.arm != READ_OUT:
            return []
        return self.models(results, Group(group.language, group.architecture, LIKELIHOOD))

    def tuned_models(self, results: str) -> list[str]:
        """Checkpoints that are fine-tuned, one per seed."""
        return self.models(results, Group(TUNED_LANGUAGE, self.scale.tuned_architecture, LIKELIHOOD))


def folder_of(results: str, group: Group) -> str:
    """The folder of the networks of a group."""
    return f"{results}/models/{group.language}/{group.architecture}/{group.arm}"


def load_saturation(folder: Path, overrides: Mapping[str, Any] | None = None) -> SaturationStudy:
    """Read and check a study of equal test loss.

    Raises:
        StudyError: a key or value is wrong.
        DataError: a language has no prompts of the required length.
    """
    settings = read_study_settings(folder / SETTINGS, overrides or {}, SaturationSettings)
    for name, choice in settings.chosen.languages.items():
        language_and_prompts(name, choice, settings.seed)
    return SaturationStudy(folder, settings)
