"""How the arena cuts, pairs and measures what its pools of sound and molecules are made of."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

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
    corners = arena.mel.from_mel(np.linspace(0, arena.mel.to_mel(8000), arena.mel.N_MELS + 2))
    for band in (5, 20, 35):
        tone = np.sin(2 * np.pi * corners[band + 1] * seconds)[None]
        assert arena.mel.mel_power(tone).mean(axis=(0, 1)).argmax() == band


def test_mel_filters_have_unit_area(arena):
    # Above the first bands, which hold too few of the 40 Hz bins for a sum to be an integral.
    areas = arena.mel.mel_filters().sum(axis=1) * arena.mel.RATE / arena.mel.WINDOW
    assert areas[10:] == pytest.approx(1, abs=0.05)


def test_the_mel_scale_is_inverted(arena):
    assert arena.mel.from_mel(np.array([arena.mel.to_mel(hertz) for hertz in (300.0, 4000.0)])) == (
        pytest.approx([300, 4000])
    )


def test_pairs_of_molecules_share_a_scaffold_and_no_molecule_is_in_two_pairs(arena):
    smiles = [f"{SCAFFOLD}{'C' * n}" for n in range(1, 6)] + ["CCO", "C1CCCCC1C"]
    first, second, scaffolds = arena.molecules.pairs_of_scaffolds(smiles)
    assert scaffolds == [SCAFFOLD, SCAFFOLD]
    assert len({*first, *second}) == 4
    assert {arena.molecules.scaffold_of(each) for each in (*first, *second)} == {SCAFFOLD}


def test_a_clip_has_its_length_and_its_ratio_of_speech_to_noise(arena):
    speech = np.full(10 * arena.sound_data.CLIP_SAMPLES, arena.sound_data.LEVEL, dtype=np.float32)
    clip = arena.sound_data.clip_of(speech, 20.0, np.random.default_rng(0))
    assert clip.shape == (arena.sound_data.CLIP_SAMPLES,)
    # 20 decibels: noise of a tenth of the level; the standard error over 25,600 samples is 0.4 %.
    assert clip.std() / arena.sound_data.LEVEL == pytest.approx(0.1, rel=0.02)


def test_short_sound_lies_whole_in_its_clip(arena):
    speech = np.ones(100, dtype=np.float32)
    clip = arena.sound_data.clip_of(speech, 200.0, np.random.default_rng(0))
    assert len(clip) == arena.sound_data.CLIP_SAMPLES
    assert (clip > 0.5).sum() == 100


def test_two_looks_are_parts_of_their_clip(arena):
    clip = np.arange(arena.sound_data.CLIP_SAMPLES, dtype=np.float32)
    looks = arena.sound_data.two_looks([clip] * 3)
    starts = [[int(look[0]) for look in side] for side in looks]
    assert starts[0] != starts[1]
    for side in looks:
        for look in side:
            assert look.tolist() == list(range(int(look[0]), int(look[0]) + arena.sound_data.LOOK_SAMPLES))


def test_a_wav_from_a_pipe_gets_its_true_length(arena):
    header = b"RIFF" + b"\xff" * 4 + b"WAVEfmt " + bytes(20) + b"data" + b"\xff" * 4
    fixed = arena.sound_data.fixed_length(header + bytes(6))
    assert int.from_bytes(fixed[40:44], "little") == 6
    assert int.from_bytes(fixed[4:8], "little") == len(fixed) - 8


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
