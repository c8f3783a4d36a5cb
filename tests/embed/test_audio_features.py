"""Log-mel, MFCC and loudness as vectors: equal to a reference, and how well each tells tones apart."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from tones import RATE, tone

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.data.modalities.sound import SOUND
from suffice.data.sound_files import Sound
from suffice.embed.audio_features import (
    AudioFeatures,
    AudioFeaturesSettings,
    from_mel,
    log_mel_power,
    loudness,
    mel_cepstra,
    mel_filters,
    to_mel,
)
from suffice.embed.identity import embedding_identity
from suffice.embed.registry import build_loader
from suffice.errors import DataError, ModelError

pytest.importorskip("soundfile")
N_SOUNDS = 120


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tones")
    clips = np.stack([tone(n, n % 4) for n in range(N_SOUNDS)])
    np.savez(folder / "a.npz", x=clips, kind=np.arange(N_SOUNDS) % 4, sample_rate=RATE)
    settings = DatasetSettings(
        source="file", path=str(folder / "a.npz"), content="x", content_type="sound", min_items=2
    )
    build_corpus(settings, 0, folder / "corpus.parquet")
    return Corpus(folder / "corpus.parquet")


def vectors_of(corpus, seed=0, **settings):
    (window,) = corpus.windows()
    return AudioFeatures(AudioFeaturesSettings(**settings), seed=seed).open(corpus).encode(window)


def features(samples, rate=RATE, **settings):
    return AudioFeatures(AudioFeaturesSettings(**settings)).features_of(Sound(samples, rate))


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_log_mel_is_that_of_the_library(rate):
    audio_utils = pytest.importorskip("transformers.audio_utils")
    size, hop = round(0.025 * rate), round(0.01 * rate)
    filters = audio_utils.mel_filter_bank(
        size // 2 + 1, 64, 0, rate / 2, rate, norm="slaney", mel_scale="slaney"
    )
    samples = tone(3, 1, 0.7, rate).astype(np.float64)
    expected = audio_utils.spectrogram(
        samples,
        audio_utils.window_function(size, "hann"),
        size,
        hop,
        power=2.0,
        pad_mode="constant",
        mel_filters=filters,
        log_mel="log",
    )
    found = log_mel_power(samples, rate)
    n_frames = min(len(found), expected.shape[1])
    assert abs(len(found) - expected.shape[1]) <= 1
    np.testing.assert_allclose(found[:n_frames], expected.T[:n_frames], atol=1e-6)
    np.testing.assert_allclose(mel_filters(size, rate, 64), filters.T, atol=1e-9)


def test_the_mel_scale_goes_there_and_back():
    hertz = np.array([50, 900, 1000, 1100, 7000.0])
    np.testing.assert_allclose(from_mel(np.array([to_mel(each) for each in hertz])), hertz)
    assert to_mel(1000) == 15 and to_mel(6400) == pytest.approx(42)


def test_cepstra_are_sums_of_cosines():
    log_mel = np.random.default_rng(0).normal(size=(3, 64))
    places = (2 * np.arange(64) + 1) / 128
    for number in (1, 7, 19):
        expected = np.sqrt(2 / 64) * log_mel @ np.cos(np.pi * number * places)
        np.testing.assert_allclose(mel_cepstra(log_mel)[:, number], expected, atol=1e-9)
    np.testing.assert_allclose(mel_cepstra(log_mel)[:, 0], log_mel.sum(axis=1) / 8, atol=1e-9)


def test_statistics_are_over_time():
    samples = tone(1, 0)
    frames = log_mel_power(samples.astype(np.float64), RATE)
    found = features(samples)
    np.testing.assert_allclose(found, [*frames.mean(axis=0), *frames.std(axis=0)], rtol=1e-5)
    cepstra = mel_cepstra(frames)
    found = features(samples, features="mfcc")
    expected = np.concatenate(
        [cepstra.mean(0), cepstra.std(0), np.diff(cepstra, axis=0).mean(0), np.diff(cepstra, axis=0).std(0)]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_loudness_is_the_power_of_parts():
    samples = np.repeat(np.linspace(0.1, 1, 32), 10).astype(np.float32)
    np.testing.assert_allclose(loudness(samples), 2 * np.log(np.linspace(0.1, 1, 32)), atol=1e-5)
    assert loudness(np.ones(5)).min() == pytest.approx(np.log(1e-10), abs=1e-4)  # parts without samples


def test_the_waveform_has_its_ends():
    samples = np.arange(5000, dtype=np.float32)
    found = features(samples, features="waveform")
    assert len(found) == 1024 and found[[0, -1]].tolist() == [0, 4999] and set(np.diff(found)) == {4, 5}


@pytest.mark.parametrize("name", ["log_mel", "mfcc", "loudness", "waveform"])
def test_short_and_silent_sounds_have_finite_features(name):
    for samples in (np.zeros(400), np.ones(3), tone(0, 0, 0.03)):
        assert np.isfinite(features(np.asarray(samples, np.float32), features=name)).all()


def test_the_rate_of_the_file_changes_little(corpus):
    at_44 = tone(5, 2, rate=44_100)
    low = Sound(at_44, 44_100).at(RATE)
    difference = features(at_44, 44_100)[:50] - features(low)[:50]
    assert np.abs(difference).max() < 1e-5


def test_trained_features_tell_kinds_apart_and_the_control_does_not(corpus):
    kind = corpus.column("kind")

    def accuracy(vectors):
        standard = (vectors - vectors.mean(0)) / (vectors.std(0) + 1e-9)
        return cross_val_score(LogisticRegression(max_iter=500), standard, kind, cv=5).mean()

    assert accuracy(vectors_of(corpus)) > 0.95
    assert accuracy(vectors_of(corpus, features="mfcc")) > 0.95
    _, control = SOUND.control
    own = {name: value for name, value in control.items() if name in AudioFeaturesSettings.model_fields}
    assert accuracy(vectors_of(corpus, **own)) < 0.4  # of four kinds


def test_components_are_those_of_the_features(corpus):
    plain, found = vectors_of(corpus), vectors_of(corpus, n_components=5)
    left, sizes, _ = np.linalg.svd(plain - plain.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(left[:, :5] * sizes[:5]), rtol=1e-2, atol=1e-2)
    with pytest.raises(ModelError, match="n_components 119 .* directions of 100 sounds with 128 features"):
        vectors_of(corpus, n_components=119, fit_items=100)


def test_the_seed_counts_where_something_is_random(corpus):
    whole, reduced = (build_loader("audio_features", how, 3, "cpu") for how in ({}, {"n_components": 4}))
    assert embedding_identity(whole, "0" * 64)["loader"] == {}
    assert embedding_identity(reduced, "0" * 64)["loader"] == {"seed": 3}
    how = {"n_components": 6, "reduction": "random_projection"}
    one = vectors_of(corpus, **how)
    assert (one == vectors_of(corpus, **how)).all() and (one != vectors_of(corpus, seed=1, **how)).all()


def test_texts_are_no_sounds(make_corpus):
    with pytest.raises(DataError, match="has no sounds; set content_type sound"):
        AudioFeatures(AudioFeaturesSettings()).open(make_corpus(["a", "b"]))
