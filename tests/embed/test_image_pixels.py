"""Pixels, colours and edges as vectors: what they measure, and their reductions."""

import numpy as np
import pytest
from PIL import Image

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.data.image_files import ImageFiles
from suffice.data.modalities.image import IMAGE
from suffice.embed.identity import embedding_identity
from suffice.embed.image_pixels import ImagePixels, ImagePixelsSettings, edges
from suffice.embed.registry import build_loader
from suffice.errors import ModelError

N_IMAGES, SIDE = 40, 8


@pytest.fixture(scope="module")
def arrays():
    return np.random.default_rng(0).integers(0, 256, size=(N_IMAGES, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def corpus(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pixels")
    np.savez(folder / "a.npz", x=arrays)
    settings = DatasetSettings(
        source="file", path=str(folder / "a.npz"), content="x", content_type="image", min_items=2
    )
    build_corpus(settings, 0, folder / "corpus.parquet")
    return Corpus(folder / "corpus.parquet")


def vectors_of(corpus, seed=0, **settings):
    (window,) = corpus.windows()
    return ImagePixels(ImagePixelsSettings(**settings), seed=seed).open(corpus).encode(window)


def test_pixels_are_those_of_the_image(corpus, arrays):
    found = vectors_of(corpus, side=SIDE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, arrays.reshape(N_IMAGES, -1) / 255, atol=1e-6)


def test_colours_are_shares_of_the_pixels(corpus, arrays):
    found = vectors_of(corpus, features="colours", side=SIDE)
    np.testing.assert_allclose((found**2).sum(axis=1), 1, atol=1e-5)
    darkest = (arrays < 64).all(axis=3).mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, 0] ** 2, darkest, atol=1e-6)
    reddest = ((arrays[..., 0] >= 192) & (arrays[..., 1:] < 64).all(axis=3)).mean(axis=(1, 2))
    np.testing.assert_allclose(found[:, 3 * 16] ** 2, reddest, atol=1e-6)


def stripes(angle, side=64):
    """A wave whose brightness changes along a direction, in degrees from left to right."""
    rows, columns = np.mgrid[:side, :side]
    along = columns * np.cos(np.deg2rad(angle)) + rows * np.sin(np.deg2rad(angle))
    return np.repeat((127 + 120 * np.sin(along / 3)).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("angle", [10, 50, 90, 130])
def test_edges_show_the_direction_of_stripes(angle):
    found = edges(stripes(angle)).reshape(9, 4, 9)  # blocks, cells, directions
    assert (found.argmax(axis=2) == angle // 20).all()
    np.testing.assert_allclose(np.linalg.norm(found.reshape(9, -1), axis=1), 1, atol=1e-3)


def test_edges_do_not_see_brightness(corpus, arrays):
    dark = edges((arrays[0] // 2).astype(np.uint8))
    np.testing.assert_allclose(edges((arrays[0] // 2 + 100).astype(np.uint8)), dark, atol=1e-6)
    np.testing.assert_allclose(edges(255 - arrays[0]), edges(arrays[0]), atol=1e-6)
    assert np.abs(edges(arrays[1]) - edges(arrays[0])).max() > 0.05


def test_components_are_those_of_the_pixels(corpus, arrays):
    found = vectors_of(corpus, side=SIDE, n_components=5)
    centred = arrays.reshape(N_IMAGES, -1) / 255
    centred = centred - centred.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(found), np.abs(left[:, :5] * sizes[:5]), atol=1e-4)


def test_a_random_projection_follows_the_seed_and_keeps_lengths(corpus):
    how = {"side": SIDE, "n_components": 600, "reduction": "random_projection"}
    one, plain = vectors_of(corpus, **how), vectors_of(corpus, side=SIDE)
    assert (one == vectors_of(corpus, **how)).all() and (one != vectors_of(corpus, seed=1, **how)).all()
    ratio = np.linalg.norm(one, axis=1) / np.linalg.norm(plain, axis=1)
    assert abs(ratio.mean() - 1) < 0.1


def test_too_many_components_are_refused(corpus):
    with pytest.raises(ModelError, match="n_components 40 is more than the 39 directions of 40 images"):
        vectors_of(corpus, side=SIDE, n_components=40)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reduction": "pca"}, "reduction needs n_components"),
        ({"fit_items": 10}, "fit_items is for principal components"),
        ({"fit_items": 10, "n_components": 2, "reduction": "random_projection"}, "fit_items is for"),
        ({"features": "edges", "side": 4}, "at least 8 pixels"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ImagePixelsSettings(**settings)


def test_the_seed_counts_where_something_is_random():
    whole, reduced = (build_loader("image_pixels", how, 3, "cpu") for how in ({}, {"n_components": 4}))
    assert embedding_identity(whole, "0" * 64)["loader"] == {}
    assert embedding_identity(reduced, "0" * 64)["loader"] == {"seed": 3}


def test_a_crop_is_embedded_like_an_image_of_its_own(tmp_path):
    generator = np.random.default_rng(1)
    whole = generator.integers(0, 256, size=(20, 20, 3), dtype=np.uint8)
    Image.fromarray(whole).save(tmp_path / "a.png")
    Image.fromarray(whole[5:15, 0:10]).save(tmp_path / "b.png")
    settings = DatasetSettings(source="file", path=str(tmp_path), content_type="image")
    (first, second), files = IMAGE.read(settings)[0]["content"], ImageFiles(tmp_path)
    crop = f"{first}@0,2500,5000,7500"
    assert (np.asarray(files.item(crop)) == np.asarray(files.item(second))).all()
