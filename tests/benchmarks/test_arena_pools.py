"""How the arena cuts, pairs and measures what its pools of sound and molecules are made of."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

from suffice.embed.audio_features import from_mel, to_mel

pytest.importorskip("rdkit")
SCAFFOLD = "c1ccccc1"


@pytest.fixture
def arena(project, monkeypatch):
    """The arena's modules that need no package beyond the project's own."""
    monkeypatch.syspath_prepend(project / "benchmarks" / "arena")
    monkeypatch.syspath_prepend(project / "benchmarks")
    names = ("assemble", "debian", "mel", "molecules", "sound_data")
    return SimpleNamespace(**{name: import_module(name) for name in names})


def test_a_tone_has_its_power_in_the_mel_band_of_its_frequency(arena):
    seconds = np.arange(arena.mel.RATE) / arena.mel.RATE
    corners = from_mel(np.linspace(0, to_mel(8000), arena.mel.N_MELS + 2))
    for band in (5, 20, 35):
        tone = np.sin(2 * np.pi * corners[band + 1] * seconds)[None]
        assert arena.mel.mel_power(tone).mean(axis=(0, 1)).argmax() == band


def test_pairs_of_molecules_share_a_scaffold_and_no_molecule_is_in_two_pairs(arena):
    smiles = [f"{SCAFFOLD}{'C' * n}" for n in range(1, 6)] + ["CCO", "C1CCCCC1C"]
    first, second, scaffolds = arena.molecules.pairs_of_scaffolds(smiles)
    assert scaffolds == [SCAFFOLD, SCAFFOLD]
    assert len({*first, *second}) == 4
    assert {arena.molecules.scaffold_of(each) for each in (*first, *second)} == {SCAFFOLD}


def test_two_looks_are_parts_of_their_clip(arena):
    clip = np.arange(arena.sound_data.CLIP_SAMPLES, dtype=np.float32)
    looks = arena.sound_data.two_looks([clip] * 3)
    starts = [[int(look[0]) for look in side] for side in looks]
    assert starts[0] != starts[1]
    for side in looks:
        for look in side:
            assert look.tolist() == list(range(int(look[0]), int(look[0]) + arena.sound_data.LOOK_SAMPLES))


def test_vectors_that_are_not_finite_are_refused(arena, tmp_path):
    with pytest.raises(ValueError, match="broken gives values that are not finite"):
        arena.assemble.save_all({"broken": tmp_path / "broken.npy"}, {"broken": np.array([[np.nan]])})


def test_what_is_embedded_is_not_embedded_again(arena, tmp_path):
    calls = []

    def encode(items):
        calls.append(len(items))
        return {"one": np.zeros((len(items), 2)), "two": np.ones((len(items), 3))}

    network = arena.assemble.Network("family", ("one", "two"), encode)
    for _ in range(2):
        arena.assemble.embed_parts(tmp_path, [network], {"items": [0, 1, 2], "first": [0]})
    assert calls == [3, 1]
    assert [model.embed_dim for model in arena.assemble.models_of([network], tmp_path)] == [2, 3]


def test_a_package_with_another_hash_is_refused(arena, tmp_path):
    archive = tmp_path / "some.deb"
    archive.write_bytes(b"other")
    with pytest.raises(ValueError, match="expected 00"):
        arena.debian.check(archive, arena.debian.DebianPackage("some", "1", "00"))
