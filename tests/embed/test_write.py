"""Writing an embedding: card, order, nothing left behind by a failure, identity, registry."""

import json

import numpy as np
import pytest
from pydantic import Field

from suffice.embed import encode
from suffice.embed.base import Encoder, Loader
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.identity import embedding_identity, identity_sha256
from suffice.embed.registry import LOADERS, get_loader
from suffice.embed.write import write_embedding
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import sha256_of_file, sha256_of_json


class ToySettings(Settings):
    scale: float = Field(1.0)
    defect: str = ""
    batch_size: int = 32


class ToyEncoder(Encoder):
    """Items "a b c" become the numbers of their letters."""

    embed_dim, n_parameters, n_truncated = 3, 7, 1

    def __init__(self, settings):
        self.settings, self.windows = settings, []

    def encode(self, window):
        self.windows.append((window.start, len(window)))
        rows = [[text.count(letter) for letter in "aet"] for text in window.contents]
        vectors = self.settings.scale * np.array(rows, dtype=np.float32)
        match self.settings.defect:
            case "nan":
                vectors[-1, 0] = np.nan
            case "constant":
                vectors[:] = 1.0
            case "width":
                return vectors[:, :2]
            case "crash":
                raise RuntimeError("crashed")
        return vectors


class Toy(Loader[ToySettings]):
    kind = "toy"
    Settings = ToySettings
    encoder = None

    def warnings(self):
        return ["toys are no models"]

    def open(self, corpus):
        self.encoder = ToyEncoder(self.settings)
        return self.encoder


def toy(**settings):
    return Toy(ToySettings(**settings))


def test_vectors_and_card(corpus, sentences, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "WINDOW_ITEMS", 5)
    path, loader = tmp_path / "out" / "toy.npy", toy()
    card = write_embedding(loader, corpus, path, model="toy", dataset="letters")
    assert loader.encoder.windows == [(0, 5), (5, 5), (10, 5), (15, 1)]
    array = np.load(path, allow_pickle=False)
    assert array.dtype == np.float32
    assert array.tolist() == [[text.count(letter) for letter in "aet"] for text in sentences]
    assert sorted(p.name for p in path.parent.iterdir()) == ["toy.json", "toy.npy"]
    assert json.loads(path.with_suffix(".json").read_text()) == card
    assert (card["model"], card["dataset"], card["n_items"], card["embed_dim"]) == ("toy", "letters", 16, 3)
    assert card["array_sha256"] == sha256_of_file(path)
    assert card["identity_sha256"] == sha256_of_json(card["identity"])
    health, cost = card["health"], card["cost"]
    assert (health["n_truncated"], health["truncated_share"]) == (1, 1 / 16)
    assert health["warnings"][-1] == "toys are no models"
    assert "1 of 16 items are longer than the model reads (6.2%)" in health["warnings"]
    assert cost["cpu_seconds_per_1000_items"] == pytest.approx(cost["cpu_seconds"] * 1000 / 16)
    assert (cost["bytes_per_vector"], cost["n_parameters"], cost["batch_size"]) == (12, 7, 32)
    assert (cost["device"], cost["embed_dim"]) == ("cpu", 3)


FATAL = {
    "nan": "NaN or infinite values in 1 of 16 rows, first in row 15",
    "constant": "all 3 dimensions are constant",
    "width": r"returned vectors of shape \(16, 2\) for 16 items",
}


@pytest.mark.parametrize("defect", FATAL)
def test_fatal_findings_leave_no_files(defect, corpus, tmp_path):
    path = tmp_path / "out" / "toy.npy"
    with pytest.raises(ModelError, match=FATAL[defect]):
        write_embedding(toy(defect=defect), corpus, path, model="toy", dataset="letters")
    assert list(path.parent.iterdir()) == []


def test_a_failure_leaves_the_old_embedding_whole(corpus, tmp_path):
    path = tmp_path / "toy.npy"
    card = write_embedding(toy(), corpus, path, model="toy", dataset="letters")
    with pytest.raises(RuntimeError, match="crashed"):
        write_embedding(toy(defect="crash"), corpus, path, model="toy", dataset="letters")
    assert sha256_of_file(path) == card["array_sha256"]
    assert json.loads(path.with_suffix(".json").read_text()) == card


def test_zero_width_is_fatal(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(ToyEncoder, "embed_dim", 0)
    with pytest.raises(ModelError, match=r"vectors of shape \(16, 0\)"):
        write_embedding(toy(), corpus, tmp_path / "out" / "toy.npy", model="toy", dataset="letters")
    assert list((tmp_path / "out").iterdir()) == []


def test_real_model_end_to_end(corpus, checkpoint, tmp_path, capfd):
    cards = []
    for batch_size in (2, 16):
        settings = HiddenStatesSettings(
            checkpoint=str(checkpoint("bert")), batch_size=batch_size, max_length=12
        )
        capfd.readouterr()
        cards.append(
            write_embedding(
                HiddenStates(settings),
                corpus,
                tmp_path / f"{batch_size}.npy",
                model="tiny-bert",
                dataset="toy",
            )
        )
        captured = capfd.readouterr()
        assert captured.out + captured.err == ""  # no terminal: no progress bar either
    small, large = (np.load(tmp_path / f"{batch_size}.npy") for batch_size in (2, 16))
    np.testing.assert_allclose(small, large, atol=1e-5)  # float32 sums in another order
    assert cards[0]["identity"] == cards[1]["identity"]
    assert cards[0]["health"]["n_truncated"] > 0
    assert set(cards[0]["identity"]["versions"]) == {"torch", "transformers", "tokenizers"}
    assert str(tmp_path) not in json.dumps(cards[0]["identity"])


def identity(settings, corpus_sha256="c", kind="toy", own=None, libraries=()):
    class Named(Toy):
        def identity(self):
            return own or {}

    loader = Named(settings)
    loader.kind, loader.libraries = kind, libraries
    return embedding_identity(loader, corpus_sha256)


def test_identity_holds_what_changes_vectors_and_nothing_else():
    base = identity_sha256(identity(ToySettings()))
    assert identity_sha256(identity(ToySettings(batch_size=1))) == base
    changed = [
        identity(ToySettings(scale=2.0)),
        identity(ToySettings(), kind="other"),
        identity(ToySettings(), own={"weights_sha256": "w"}),
        identity(ToySettings(), corpus_sha256="d"),
        identity(ToySettings(), own={"seed": 0}),
        identity(ToySettings(), own={"seed": 1}),
        identity(ToySettings(), libraries=("torch",)),
    ]
    assert len({base, *map(identity_sha256, changed)}) == len(changed) + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"pooling": "cls"},
        {"layer": -2},
        {"normalize": True},
        {"dtype": "float16"},
        {"max_length": 8},
        {"revision": "v1"},
    ],
)
def test_settings_that_change_vectors_change_the_identity(changes):
    plain = HiddenStatesSettings(checkpoint="x")
    changed = HiddenStatesSettings(checkpoint="x", **changes)
    assert identity(plain) != identity(changed)


def test_the_contents_of_a_file_count_and_its_path_does_not():
    one, other = HiddenStatesSettings(checkpoint="/one/place"), HiddenStatesSettings(checkpoint="/other")
    files = {"files_sha256": {"checkpoint": "abc"}}
    assert identity(one, own=files) == identity(other, own=files)
    assert identity(one) != identity(other)


@pytest.mark.parametrize("kind", sorted(LOADERS))
def test_registry_knows_its_loaders(kind):
    loader = get_loader(kind)
    assert loader.kind == kind
    assert issubclass(loader.Settings, Settings)
    undescribed = [name for name, field in loader.Settings.model_fields.items() if not field.description]
    assert undescribed == []  # the manual's tables are made from the descriptions


def test_unknown_kind():
    with pytest.raises(ModelError, match=r"unknown loader 'hidden_state' \(did you mean 'hidden_states'\?\)"):
        get_loader("hidden_state")
    with pytest.raises(ModelError, match="unknown loader 'xyz'; use one of api, audio_features, "):
        get_loader("xyz")
