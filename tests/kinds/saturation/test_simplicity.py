"""Functions of untrained networks: their simplicity, and whether it goes with accuracy after training."""

import numpy as np
import pandas as pd
import pytest
import torch

from suffice.kinds.saturation.generalisation import ALPHABET
from suffice.kinds.saturation.generalising import KindJob
from suffice.kinds.saturation.settings import GeneralisationSettings
from suffice.kinds.saturation.simplicity import (
    PHRASES,
    SHUFFLED,
    exact_spearman,
    function_table,
    initial_relations,
    outputs_of,
    phrases,
)
from suffice.kinds.saturation.tokens import Vocabulary

SETTINGS = GeneralisationSettings(architectures=("transformer-learned", "gru"), n_untrained=5)


def test_random_sequences_have_as_many_phrases_as_theory_says():
    n = 4000
    found = phrases(np.random.default_rng(0).integers(2, size=n).tolist())
    assert found == pytest.approx(n / np.log2(n), rel=0.15)  # Lempel and Ziv 1976, theorem 1, as n grows
    assert phrases([7] * 100) == 2 and phrases([]) == 0


def test_outputs_are_the_most_likely_tokens_after_every_short_prompt():
    network = KindJob("symbolic", "gru", SETTINGS, 0).network(0).eval()
    found, vocabulary = outputs_of(network), Vocabulary(ALPHABET)
    assert len(found) == 1 + len(ALPHABET) + len(ALPHABET) ** 2
    with torch.no_grad():
        logits = network(torch.tensor([[vocabulary.start, 2, 5]]))[0]
    logits[:, [vocabulary.start, vocabulary.padding]] = -torch.inf
    one, two = 1 + 2, 1 + len(ALPHABET) + 2 * len(ALPHABET) + 5
    assert [found[0], found[one], found[two]] == logits.argmax(1).tolist()


def test_functions_are_simpler_than_their_outputs_in_random_order():
    table = function_table(SETTINGS, 0).set_index(["architecture", "quantity"])["mean"]
    for architecture in SETTINGS.architectures:
        assert table[architecture, PHRASES] < table[architecture, SHUFFLED]


def test_the_relation_with_accuracy_is_exact_and_undefined_without_variation():
    functions = pd.DataFrame({"architecture": list("abcde"), "quantity": PHRASES, "mean": [1.0, 2, 3, 4, 5]})
    networks = pd.DataFrame(
        [
            {"kind": "rule", "part": part, "architecture": name, "accuracy": accuracy}
            for part in ("in distribution", "new order", "other")
            for name, accuracy in zip("abcde", (0.9, 0.7, 0.5, 0.3, 0.1), strict=True)
        ]
    )
    networks.loc[networks["part"] == "other", "accuracy"] = 0.5
    found = initial_relations(functions, networks).set_index("part")
    assert list(found.index) == ["new order", "other"]
    assert found.loc["new order", "spearman"] == -1 and found.loc["new order", "p_value"] == 2 / 120
    assert np.isnan(found.loc["other", "spearman"])
    assert exact_spearman(np.array([1, 2, 3]), np.array([1, 3, 2]))[0] == pytest.approx(0.5)
