"""Items of many megabytes: only what a model reads of them is tokenised, and the vectors are the same."""

import time

import numpy as np
import pytest

from suffice.data.corpus import Window
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.long_texts import cut_long_texts
from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.embed.standin import write_standin

TEXTS = ["the ferry crosses the sound", "a sparse matrix", "rain fell", "two herons waited at the weir"] * 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("standin") / "bert"
    write_standin(folder, "bert", "sentence_transformer", TEXTS, seed=0)
    return folder


KINDS = {
    "hidden_states": (HiddenStates, HiddenStatesSettings),
    "sentence_transformer": (SentenceTransformer, SentenceTransformerSettings),
}
CUT_IN = {
    "hidden_states": "suffice.embed.transformer",
    "sentence_transformer": "suffice.embed.sentence_transformer",
}
LONG = {
    "words": "the ferry crosses the sound " * 4000,
    "one word": "ferry" * 20_000,
    "spaces": "rain" + " " * 100_000 + "fell" + " the ferry" * 5000,
    "no spaces": "雨" * 100_000,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LONG)
def test_what_is_read_is_that_of_the_whole_text(kind, name, folder, monkeypatch):
    cls, settings = KINDS[kind]
    texts = [LONG[name], TEXTS[0]]
    found = []
    for cut in (True, False):
        if not cut:
            monkeypatch.setattr(f"{CUT_IN[kind]}.cut_long_texts", lambda texts, *_: list(texts))
        encoder = cls(settings(checkpoint=str(folder))).open(None)
        found.append((encoder.encode(Window(0, ["a", "b"], texts)), encoder.n_truncated))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize("kind", KINDS)
def test_ten_megabytes_are_not_tokenised_whole(kind, folder, monkeypatch):
    cls, settings = KINDS[kind]
    encoder = cls(settings(checkpoint=str(folder))).open(None)
    seen = []
    tokenizer = encoder.tokenizer if kind == "hidden_states" else encoder.model.tokenizer
    whole = type(tokenizer).__call__

    def spy(self, texts, *given, **named):
        seen.extend(map(len, [texts] if isinstance(texts, str) else texts))
        return whole(self, texts, *given, **named)

    monkeypatch.setattr(type(tokenizer), "__call__", spy)
    started = time.perf_counter()
    encoder.encode(Window(0, ["a"], ["the ferry crosses the sound " * 400_000]))
    assert max(seen) < 100_000
    assert time.perf_counter() - started < 10


def test_a_text_is_cut_only_where_enough_tokens_are_left():
    texts = ["a" * 10_000, "b " * 10_000, "c"]
    cut = cut_long_texts(texts, 10, lambda text: len(text.split()), None)
    assert cut[0] == texts[0]
    assert 26 < len(cut[1].split()) < 1000
    assert cut[2] == "c"
    assert cut_long_texts(texts, None, len, None) == texts


def test_a_tokenizer_that_keeps_the_end_gets_the_whole_text():
    class Left:
        truncation_side = "left"

    assert cut_long_texts(["b " * 10_000], 10, len, Left()) == ["b " * 10_000]
