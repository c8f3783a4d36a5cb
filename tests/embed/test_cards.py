"""What models cost: as measured, with the models that they are made from."""

import threading
import time

import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Window
from suffice.embed.base import Encoder
from suffice.embed.cards import CPU, DEVICE, PARAMETERS, PRICE, cards_table
from suffice.embed.encode import encode_to
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.principal_components import PrincipalComponents, PrincipalComponentsSettings
from suffice.embed.standin import write_standin
from suffice.embed.write import write_embedding
from suffice.errors import DataError

BUSY = 0.2  # seconds of computing


def card(model, made_from=(), **cost):
    known = {CPU: None, DEVICE: None, "tokens_per_item": None, "n_parameters": None}
    return {
        "model": model,
        "embed_dim": 8,
        "array_sha256": model,
        "made_from": list(made_from),
        "health": {"n_zero_rows": 1, "warnings": ["one", "two"]},
        "cost": known | {"embed_dim": 8} | cost,
    }


def costs(cards, **prices):
    return cards_table(cards, prices).set_index("model")


def test_one_row_per_model():
    table = cards_table([card("a", **{CPU: 2.0}), card("b", **{CPU: 3.0})])
    assert table["model"].tolist() == ["a", "b"]
    assert table.loc[1, ["embed_dim", "n_zero_rows", CPU, "warnings"]].tolist() == [8, 1, 3.0, "one; two"]
    assert not {DEVICE, PRICE, PARAMETERS} & set(table)


def test_a_model_made_from_others_costs_what_they_cost():
    cards = [
        card("both", ["a", "b"], **{CPU: 0.5}),
        card("a", **{CPU: 2.0, "n_parameters": 10}),
        card("b", **{CPU: 3.0, "n_parameters": 7}),
    ]
    table = costs(cards)
    assert table[CPU].to_dict() == {"a": 2.0, "b": 3.0, "both": 5.5}
    assert table[PARAMETERS].to_dict() == {"a": 10, "b": 7, "both": 17}
    assert np.isnan(costs(cards[:2])[CPU]["both"])  # a part of what it costs is not known


def test_seconds_of_a_gpu_are_not_compared_with_those_of_a_cpu():
    cards = [
        card("net", **{CPU: 1.0, DEVICE: 4.0}),
        card("words", **{CPU: 9.0}),
        card("pca", ["net"], **{CPU: 0.1}),
    ]
    table = costs(cards)
    assert table[DEVICE].dropna().to_dict() == {"net": 4.0, "pca": 4.0}
    assert table[CPU].dropna().to_dict() == {"words": 9.0}


def test_a_price_follows_from_counted_tokens():
    cards = [
        card("paid", tokens_per_item=20.0, price_per_million_tokens=3.0),
        card("hosted", tokens_per_item=10.0),
        card("pca", ["hosted"]),
        card("words"),
    ]
    assert costs(cards, hosted=0.5)[PRICE].dropna().to_dict() == {"paid": 60.0, "hosted": 5.0, "pca": 5.0}
    assert costs(cards, paid=1.0)[PRICE].dropna().to_dict() == {"paid": 20.0}


def test_cards_of_an_older_version_are_refused():
    old = card("a")
    del old["made_from"]
    with pytest.raises(DataError, match="the card of model a was written by an older version"):
        cards_table([old])


class Busy(Encoder):
    """Computes for a while in a thread, or sleeps as long; reads three tokens per item."""

    embed_dim = 2

    def __init__(self, sleeps):
        self.work = (lambda: time.sleep(BUSY)) if sleeps else compute

    def encode(self, window):
        worker = threading.Thread(target=self.work)
        worker.start()
        worker.join()
        self.count_tokens(3 * len(window))
        return np.zeros((len(window), 2), dtype=np.float32)


def compute():
    until = time.thread_time() + BUSY
    while time.thread_time() < until:
        pass


class Items:
    n_items = 4

    def windows(self, n_items, rows, roles):
        yield Window(0, list("abcd"), list("abcd"))


def test_cpu_seconds_are_those_of_all_threads_and_none_of_waiting(tmp_path):
    spent = encode_to(tmp_path / "x.npy", Busy(sleeps=False), Items(), range(4), "busy")
    assert BUSY <= spent.cpu_seconds < 5 * BUSY
    assert spent.n_tokens == 12
    waited = encode_to(tmp_path / "y.npy", Busy(sleeps=True), Items(), range(4), "busy")
    assert waited.cpu_seconds < BUSY / 2 < BUSY <= waited.wall_seconds


def test_cards_say_what_was_measured(tmp_path, make_corpus, sentences):
    corpus, place = make_corpus(sentences), tmp_path / "net.npy"
    write_standin(tmp_path / "checkpoint", "bert", "hidden_states", sentences, seed=0)
    loader = HiddenStates(HiddenStatesSettings(checkpoint=str(tmp_path / "checkpoint"), max_length=6))
    net = write_embedding(loader, corpus, place, model="net", dataset="toy")
    tokenizer = loader.open(corpus).tokenizer
    lengths = [min(6, len(tokenizer(text)["input_ids"])) for text in sentences]
    assert net["cost"]["tokens_per_item"] == pytest.approx(np.mean(lengths))
    assert net["cost"]["cpu_seconds"] > 0 and net["cost"]["device_seconds"] is None

    reduced = PrincipalComponents(PrincipalComponentsSettings(path=str(place), n_components=2))
    pca = write_embedding(reduced, corpus, tmp_path / "pca.npy", model="pca", dataset="toy")
    assert pca["made_from"] == [net["array_sha256"]]
    given = pd.DataFrame(np.load(place)).set_axis([f"d{i}" for i in range(net["embed_dim"])], axis=1)
    given.insert(0, "id", [f"item-{i}" for i in range(len(sentences))])
    given.to_csv(tmp_path / "given.csv", index=False)
    loader = Precomputed(PrecomputedSettings(path=str(tmp_path / "given.csv")))
    file = write_embedding(loader, corpus, tmp_path / "file.npy", model="file", dataset="toy")
    table = costs([net, pca, file], net=2.0)
    assert table[CPU]["pca"] == pytest.approx(
        net["cost"][CPU] + pca["cost"]["cpu_seconds"] / len(sentences) * 1000
    )
    assert np.isnan(table[CPU]["file"])
    assert table[PRICE]["pca"] == table[PRICE]["net"] == pytest.approx(2 * np.mean(lengths))
