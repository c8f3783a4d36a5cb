"""Hidden states of in-context pairs: contexts as they should be, states as one by one, arms told apart."""

import numpy as np
import pandas as pd
import pytest
import torch

from suffice.kinds.saturation.contexts import (
    DOCUMENTS,
    PROMPTS,
    compare_contexts,
    context_auc_table,
    draw_contexts,
    states_after,
)
from suffice.kinds.saturation.hidden_markov import DELIMITER, MixtureSize, make_mixture
from suffice.kinds.saturation.in_context import with_start
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.settings import BridgeSettings, TwinSettings

SETTINGS = TwinSettings(training={"mislabelled_examples": (2, 3), "document_tokens": 24})


def network(seed):
    mixture = make_mixture(MixtureSize(), 0)
    return build_network("lstm", NetworkSize(mixture.size.n_symbols + 1, 40, 16, 1), seed).eval()


def test_prompts_have_delimiters_at_the_ends_of_examples_alone():
    mixture = make_mixture(MixtureSize(), 0)
    contexts = draw_contexts(mixture, SETTINGS, 60, seed=1)
    assert {name: len(rows) for name, rows in contexts.items()} == {DOCUMENTS: 60, PROMPTS: 60}
    step = mixture.size.example_length + 1
    for row in contexts[PROMPTS]:
        delimiters = np.flatnonzero(row == DELIMITER)
        assert delimiters.tolist() == list(range(step - 1, len(row), step))
        assert len(delimiters) in (2, 3)
    lengths = {len(row) for row in contexts[DOCUMENTS]}
    assert min(lengths) >= 4 and max(lengths) <= 24 and len(lengths) > 5
    again = draw_contexts(mixture, SETTINGS, 60, seed=1)
    assert all((a == b).all() for a, b in zip(again[PROMPTS], contexts[PROMPTS], strict=True))


def test_states_are_those_of_each_context_alone():
    one = network(0)
    contexts = draw_contexts(make_mixture(MixtureSize(), 0), SETTINGS, 20, seed=2)[DOCUMENTS]
    seen = states_after(one, contexts)
    for row, state, output in zip(contexts, seen.states, seen.outputs, strict=True):
        with torch.no_grad():
            tokens = with_start(one, torch.from_numpy(row[None]))
            alone = one.hidden(tokens)[0, -1]
            expected = one(tokens)[0, -1].softmax(0)
        np.testing.assert_allclose(state, alone, atol=1e-5)
        np.testing.assert_allclose(output, expected, atol=1e-5)


def test_arms_that_share_states_are_told_from_others():
    """Two functions under four names: the second pair of each differs from the first by noise alone."""
    twins = {"likelihood/0": network(1), "likelihood/1": network(1)}
    others = {"mislabelling/0": network(2), "mislabelling/1": network(2)}
    bridge = BridgeSettings(n_items=300, noise_sweep=(0.1,), n_permutations=200, n_components=4)
    pairs = compare_contexts({**twins, **others}, SETTINGS, bridge, seed=0)
    assert set(pairs["probe"]) == {DOCUMENTS, PROMPTS}
    table = context_auc_table(pairs, bridge, seed=0)
    assert set(table["contrast"]) == {"in context"}
    by_measure = table.set_index(["probe", "measure"])
    for measure in ("gaussian", "linear", "cka", "output_js"):
        assert by_measure.loc[(PROMPTS, measure), "auc"] == 1
    # Two seeds: of four orders of labels within seeds, two look alike.
    assert table["p_value"].min() == pytest.approx(0.5, abs=0.1)
    assert pd.Index(table["n_networks"]).unique().tolist() == [4]
