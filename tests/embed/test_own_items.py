"""What a function of the user's own gets of images, sounds and vectors: opened, in order, at one rate."""

import numpy as np
import pytest
from PIL import Image

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.embed.own_function import CallableSettings, OwnFunction
from suffice.errors import ModelError

soundfile = pytest.importorskip("soundfile")

OF_IMAGES = """
import numpy as np

def embed(images):
    assert all(image.mode == "RGB" for image in images)
    return np.array([[*np.asarray(image).mean((0, 1)), *image.size] for image in images])
"""
OF_SOUNDS = """
import numpy as np

def embed(sounds):
    assert all(sound.dtype == np.float32 and sound.ndim == 1 for sound in sounds)
    return np.array([[len(sound), np.abs(sound).max(), 1] for sound in sounds])
"""


OF_VECTORS = """
import numpy as np

def embed(vectors):
    assert all(vector.dtype == np.float32 for vector in vectors)
    return 2 * np.stack(vectors)
"""


def corpus_of(folder, content_type):
    settings = DatasetSettings(source="file", path=str(folder), content_type=content_type, min_items=2)
    build_corpus(settings, 0, folder / "corpus.parquet")
    return Corpus(folder / "corpus.parquet")


def vectors_of(folder, source, corpus, **settings):
    (folder / "own.py").write_text(source)
    path = str(folder / "own.py")
    loader = OwnFunction(CallableSettings(function="embed", path=path, unsafe=True, **settings))
    encoder = loader.open(corpus)
    (window,) = corpus.windows(100)
    return encoder.encode(window)


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_images_are_opened_in_colour(tmp_path, batch_size):
    for number in range(5):
        Image.new("RGB", (10 + number, 20), (number, 50, 200)).save(tmp_path / f"{number}.png")
    corpus = corpus_of(tmp_path, "image")
    expected = [[number, 50, 200, 10 + number, 20] for number in range(5)]
    found = vectors_of(tmp_path, OF_IMAGES, corpus, batch_size=batch_size)
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(("rate", "wanted"), [(None, 16_000), (8_000, 8_000)])
def test_sounds_come_at_the_rate_that_is_set(tmp_path, rate, wanted):
    for number in range(4):
        seconds = np.arange(11_025 * (number + 1) // 4) / 11_025
        tone = 0.1 * (number + 1) * np.sin(2 * np.pi * 440 * seconds)
        soundfile.write(tmp_path / f"{number}.wav", tone, 11_025)
    corpus = corpus_of(tmp_path, "sound")
    found = vectors_of(tmp_path, OF_SOUNDS, corpus, **({} if rate is None else {"rate": rate}))
    np.testing.assert_allclose(found[:, 0], wanted * np.arange(1, 5) / 4, atol=2)
    np.testing.assert_allclose(found[:, 1], 0.1 * np.arange(1, 5), atol=0.02)


def test_vectors_come_as_arrays(tmp_path):
    states = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    np.savez(tmp_path / "states.npz", content=states)
    settings = DatasetSettings(
        source="file", path=str(tmp_path / "states.npz"), content_type="vector", min_items=2
    )
    build_corpus(settings, 0, tmp_path / "corpus.parquet")
    found = vectors_of(tmp_path, OF_VECTORS, Corpus(tmp_path / "corpus.parquet"))
    np.testing.assert_array_equal(found, 2 * states)


def test_a_rate_is_for_sounds_alone(tmp_path):
    for number in range(3):
        Image.new("RGB", (10, 10), (number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(ModelError, match="rate is for sounds, but the items are of the content type image"):
        vectors_of(tmp_path, OF_IMAGES, corpus_of(tmp_path, "image"), rate=8_000)


def test_a_function_that_fails_is_named_with_the_items(tmp_path):
    for number in range(3):
        Image.new("RGB", (10, 10), (number, 0, 0)).save(tmp_path / f"{number}.png")
    with pytest.raises(ModelError, match=r"embed failed on 1 images \(ZeroDivisionError"):
        vectors_of(tmp_path, "def embed(images):\n    return 1 / 0\n", corpus_of(tmp_path, "image"))
