"""How simple are the functions of networks before training, and does that go with what they do after it?

Source: Valle-Pérez, Camargo and Louis, ICLR 2019, arXiv 1805.08522. They sample the functions of random
weights and measure their simplicity by Lempel-Ziv complexity.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy
import torch

from suffice.kinds.saturation.generalisation import ALPHABET
from suffice.kinds.saturation.generalising import KindJob
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.rule_tables import means_within
from suffice.kinds.saturation.settings import GeneralisationSettings
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.seeds import derive_seed

PHRASES, SHUFFLED = "phrases", "phrases of the same outputs in random order"
LONGEST = 2  # letters of a prompt


def phrases(text: Sequence[int]) -> int:
    """Lempel-Ziv complexity: the number of phrases of the exhaustive history of a sequence.

    Each phrase is the shortest part that cannot be copied from what comes before its last element.

    Source: Lempel and Ziv 1976, doi 10.1109/TIT.1976.1055501.

    Example:
        >>> phrases([0, 0, 0, 0]), phrases([0, 1, 0, 1, 0, 1])
        (2, 3)
        >>> phrases([0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 1])  # the example of the source
        6
    """
    letters = "".join(map(chr, text))
    found, start = 0, 0
    while start < len(letters):
        end = start + 1
        while end < len(letters) and letters[start:end] in letters[: end - 1]:
            end += 1
        found, start = found + 1, end
    return found


@torch.no_grad()
def outputs_of(network: LanguageModel) -> list[int]:
    """The most likely next token after every prompt of at most two letters, in lexicographic order."""
    vocabulary = Vocabulary(ALPHABET)
    whole = torch.tensor(list(itertools.product(range(len(ALPHABET)), repeat=LONGEST)))
    tokens = torch.cat([torch.full((len(whole), 1), vocabulary.start), whole], dim=1)
    logits = network.eval()(tokens)  # (letters ** 2, 3, n_tokens): after none, one and two letters
    logits[..., [vocabulary.start, vocabulary.padding]] = -torch.inf
    best = logits.argmax(2)
    return [int(best[0, 0]), *best[:: len(ALPHABET), 1].tolist(), *best[:, 2].tolist()]


def function_table(settings: GeneralisationSettings, seed: int) -> pd.DataFrame:
    """Simplicity of the functions of untrained networks, with the sizes and architectures of the case.

    Args:
        settings: of kinds of generalisation.
        seed: base seed of the study.

    Returns:
        architecture, quantity (`PHRASES`, or `SHUFFLED` as the control), and the columns of `mean_interval`
        over networks.
    """
    rows = []
    for architecture in settings.architectures:
        job = KindJob(settings.kinds[0], architecture, settings, derive_seed(seed, "before training"))
        for number in range(settings.n_untrained):
            outputs = outputs_of(job.network(number))
            mixed = np.random.default_rng(number).permutation(outputs).tolist()
            for quantity, text in ((PHRASES, outputs), (SHUFFLED, mixed)):
                rows.append({"architecture": architecture, "quantity": quantity, "value": phrases(text)})
    return means_within(pd.DataFrame(rows), ["architecture", "quantity"])


def initial_relations(functions: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """Do architectures with simpler functions before training answer new prompts more often by the rule?

    Args:
        functions: rows of `function_table`.
        networks: rows of `network_table` of the trained networks.

    Returns:
        kind, part, spearman (of mean phrases and mean accuracy over architectures; NaN if one does not vary),
        p_value (of all permutations), n_architectures.
    """
    mean = functions[functions["quantity"] == PHRASES].set_index("architecture")["mean"]
    rows = []
    for (kind, part), own in networks[networks["part"] != IN].groupby(["kind", "part"], sort=False):
        accuracy = own.groupby("architecture")["accuracy"].mean().reindex(mean.index)
        rho, p_value = exact_spearman(mean.to_numpy(), accuracy.to_numpy())
        rows.append(
            {"kind": kind, "part": part, "spearman": rho, "p_value": p_value, "n_architectures": len(mean)}
        )
    return pd.DataFrame(rows)


def exact_spearman(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Spearman's rho of a few values, and its two-sided p-value over all permutations.

    Example:
        >>> exact_spearman(np.arange(4), np.arange(4))  # 2 of 24 orders are as far from 0
        (1.0, 0.08333333333333333)
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan"), float("nan")
    ranks, others = scipy.stats.rankdata(first), scipy.stats.rankdata(second)
    drawn = [np.corrcoef(ranks, order)[0, 1] for order in itertools.permutations(others)]
    return float(round(drawn[0], 12)), float(np.mean(np.abs(drawn) >= abs(drawn[0]) - 1e-12))
