"""Hypothesis 5: hidden states of the trained in-context pairs, on ordinary documents and on prompts.

The networks have the same loss, but those of one arm mislabel prompts of several examples. On documents,
which the loss counts, their states should be similar. On contexts in the form of a prompt, where they behave
differently, they should not.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch

from suffice.kinds.saturation.bridge import PAIR_COLUMNS, SeenStates, compare_states, states_at
from suffice.kinds.saturation.bridge_tables import AUC_COLUMNS, IN_CONTEXT, auc_of_measures, without_direction
from suffice.kinds.saturation.hidden_markov import HiddenMarkovMixture, MixtureSize, draw_rows, make_mixture
from suffice.kinds.saturation.in_context import draw_documents, with_start
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.settings import BridgeSettings, TwinSettings
from suffice.seeds import derive_seed

DOCUMENTS, PROMPTS = "documents", "prompts"
LEAST_TOKENS = 4  # of a document's beginning


def draw_contexts(
    mixture: HiddenMarkovMixture, settings: TwinSettings, n_items: int, seed: int
) -> dict[str, list[np.ndarray]]:
    """Beginnings of documents of any length, and prompts with the mislabelled numbers of examples.

    Args:
        mixture: the mixture that both are drawn from.
        settings: of the pair: length of a document, fewest and most examples.
        n_items: contexts of each kind.
        seed: of the drawing.

    Returns:
        For `documents` and `prompts`: rows of tokens.
    """
    rng = np.random.default_rng(derive_seed(seed, "contexts"))
    documents = draw_documents(mixture, settings.training, n_items, rng).numpy()
    ends = rng.integers(LEAST_TOKENS, documents.shape[1] + 1, size=n_items)
    low, high = settings.training.mislabelled_examples
    numbers = rng.integers(low, high + 1, size=n_items)
    prompts = []
    for number in range(low, high + 1):
        concepts = draw_rows(np.ones((int((numbers == number).sum()), mixture.size.n_concepts)), rng)
        prompts += list(mixture.prompts(concepts, number, rng))
    return {DOCUMENTS: [row[:end] for row, end in zip(documents, ends, strict=True)], PROMPTS: prompts}


def states_after(network: LanguageModel, contexts: list[np.ndarray]) -> SeenStates:
    """State after each context, shape (n, width), and the next token's distribution, shape (n, tokens)."""
    longest = max(map(len, contexts))
    padded = np.array([np.pad(row, (0, longest - len(row))) for row in contexts])
    last = torch.tensor([len(row) for row in contexts])  # one more than the row's end: a start comes before
    return states_at(network, with_start(network, torch.from_numpy(padded)), last)


def compare_contexts(
    networks: Mapping[str, LanguageModel], settings: TwinSettings, bridge: BridgeSettings, seed: int
) -> pd.DataFrame:
    """Every measure of every ordered pair of networks, on documents and on prompts.

    Args:
        networks: by "arm/seed".
        settings: of the pairs.
        bridge: of the comparison.
        seed: base seed of the study.

    Returns:
        Rows with `PAIR_COLUMNS`.
    """
    mixture, own_seed = make_mixture(MixtureSize(), seed), derive_seed(seed, "in-context bridge")
    tables = []
    for probe, contexts in draw_contexts(mixture, settings, bridge.n_items, own_seed).items():
        seen = {name: states_after(network, contexts) for name, network in networks.items()}
        groups = ["-".join(map(str, row)) for row in contexts]
        tables.append(compare_states(seen, groups, bridge, own_seed, probe))
    return pd.concat(tables, ignore_index=True)[list(PAIR_COLUMNS)]


def context_auc_table(pairs: pd.DataFrame, settings: BridgeSettings, seed: int) -> pd.DataFrame:
    """How well each measure separates pairs of one arm from pairs of two, without pairs of one seed.

    Networks of one seed start with the same weights, so labels are permuted only within a seed.

    Args:
        pairs: rows of `compare_contexts`.
        settings: of the comparison.
        seed: of the permutations.

    Returns:
        Rows with `AUC_COLUMNS`, the contrast being `in context`.
    """
    stratum = pairs.assign(language="mixture", architecture="lstm")
    rows = auc_of_measures(IN_CONTEXT, without_direction(stratum), settings, seed)
    return pd.DataFrame(rows, columns=list(AUC_COLUMNS))
