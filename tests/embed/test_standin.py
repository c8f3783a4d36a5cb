"""Stand-ins: every architecture is made, loads with the loader that reads it, and tells texts apart."""

import numpy as np
import pytest

from suffice.embed.registry import build_loader
from suffice.embed.standin import ARCHITECTURES, WORD_AVERAGE, write_standin
from suffice.errors import ModelError

CASES = [(name, "sentence_transformer") for name in ARCHITECTURES]
CASES += [(name, "hidden_states") for name in ARCHITECTURES if name != WORD_AVERAGE]


def vectors(folder, kind, corpus):
    loader = build_loader(kind, {"checkpoint": str(folder)}, 0, "cpu")
    loader.check()
    encoder = loader.open(corpus)
    return np.concatenate([encoder.encode(window) for window in corpus.windows(5)])


@pytest.mark.parametrize(("architecture", "kind"), CASES)
def test_every_architecture_loads_and_tells_texts_apart(architecture, kind, corpus, sentences, tmp_path):
    write_standin(tmp_path / "m", architecture, kind, sentences, seed=1)
    found = vectors(tmp_path / "m", kind, corpus)
    assert found.shape == (len(sentences), 32)
    assert np.linalg.matrix_rank(found - found.mean(axis=0)) == len(sentences) - 1


def test_the_seed_decides_the_weights(corpus, sentences, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_standin(tmp_path / name, "bert", "hidden_states", sentences, seed)
    a, b, c = (vectors(tmp_path / name, "hidden_states", corpus) for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c)


@pytest.mark.parametrize(
    ("architecture", "kind", "message"),
    [
        ("brt", "hidden_states", "no stand-in has the architecture 'brt'; did you mean 'bert'"),
        ("bert", "graph_network", "no stand-in for the loader graph_network"),
        (WORD_AVERAGE, "hidden_states", "read by the loader sentence_transformer"),
    ],
)
def test_what_cannot_be_made_is_named(architecture, kind, message, sentences, tmp_path):
    with pytest.raises(ModelError, match=message):
        write_standin(tmp_path / "m", architecture, kind, sentences, seed=0)
