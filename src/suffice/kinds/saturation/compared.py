"""The comparison as a job: all networks of one language and architecture, and twins for the noise floor."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from suffice.kinds.saturation.arms import LIKELIHOOD
from suffice.kinds.saturation.bridge import draw_probes, probe_pairs
from suffice.kinds.saturation.extrapolation import language_and_prompts
from suffice.kinds.saturation.networks import LanguageModel, Transformer
from suffice.kinds.saturation.rescaling import permute, rescale
from suffice.kinds.saturation.settings import BridgeSettings, LanguageChoice
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.seeds import derive_seed

TWINS = ("permuted", "rescaled")


@dataclass(frozen=True)
class ComparisonJob:
    """What a comparison depends on besides the networks.

    Attributes:
        language: name of the language.
        cut: of the language.
        settings: of the comparison.
        factor: of the rescaled twin.
        seed: base seed of the study.
    """

    language: str
    cut: LanguageChoice
    settings: BridgeSettings
    factor: float
    seed: int


def compare_networks(job: ComparisonJob, networks: Mapping[str, LanguageModel]) -> pd.DataFrame:
    """Every measure of every ordered pair of networks, on both probes.

    Twins of the first network of likelihood, a transformer, are included. They compute the same function, so
    their differences from it are the estimator's own noise.

    Args:
        job: what the comparison depends on.
        networks: by "arm/seed".

    Returns:
        The columns of `probe_pairs`. Twins are called `permuted/0` and `rescaled/0`.
    """
    language, prompts = language_and_prompts(job.language, job.cut, job.seed)
    seed = derive_seed(job.seed, job.language, "bridge")
    probes = draw_probes(language, prompts, job.settings.n_items, seed)
    compared = {**networks, **_twins(networks[f"{LIKELIHOOD}/0"], job)}
    vocabulary = Vocabulary(language.letters)
    tables = [probe_pairs(compared, probe, vocabulary, job.settings, seed) for probe in probes]
    return pd.concat(tables, ignore_index=True)


def _twins(network: LanguageModel, job: ComparisonJob) -> dict[str, LanguageModel]:
    if not isinstance(network, Transformer):
        return {}
    permuted, rescaled = (f"{name}/0" for name in TWINS)
    return {permuted: permute(network, job.seed), rescaled: rescale(network, job.factor)}
