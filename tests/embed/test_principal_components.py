"""Reductions of another embedding: equal to a full decomposition, deterministic, refused if impossible."""

import numpy as np
import pytest

from suffice import health
from suffice.embed.principal_components import PrincipalComponents, PrincipalComponentsSettings
from suffice.errors import DataError, ModelError

N = 16


@pytest.fixture
def vectors(rng, tmp_path):
    array = (rng.standard_normal((N, 6)) * [5, 4, 3, 2, 1, 0.5] + 10).astype(np.float32)
    np.save(tmp_path / "other.npy", array)
    return array


def loader_of(folder, **settings):
    return PrincipalComponents(PrincipalComponentsSettings(path=str(folder / "other.npy"), **settings))


def embed(corpus, folder, **settings):
    encoder = loader_of(folder, **settings).open(corpus)
    result = np.concatenate([encoder.encode(window) for window in corpus.windows(5)])
    assert result.dtype == np.float32 and result.shape == (N, encoder.embed_dim)
    return result


@pytest.mark.parametrize("block_values", [6, 30, 10**6])
def test_equals_a_singular_value_decomposition(block_values, corpus, vectors, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "BLOCK_VALUES", block_values)
    centred = vectors - vectors.mean(axis=0, dtype=float)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes *= np.sign(axes[np.arange(6), np.abs(axes).argmax(axis=1)])[:, None]
    result = embed(corpus, tmp_path, n_components=3)
    np.testing.assert_allclose(result, centred @ axes[:3].T, atol=1e-4)  # entries up to 10 in float32
    assert (np.diff(result.var(axis=0)) < 0).all()


def test_sign_is_fixed(corpus, vectors, tmp_path):
    first = embed(corpus, tmp_path, n_components=4)
    rotated = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0]
    np.save(tmp_path / "other.npy", vectors)
    np.testing.assert_array_equal(embed(corpus, tmp_path, n_components=4), first)
    np.save(tmp_path / "other.npy", vectors @ rotated)  # the same configuration seen from elsewhere
    again = embed(corpus, tmp_path, n_components=4)
    np.testing.assert_allclose(np.abs(again), np.abs(first), atol=1e-4)


def test_all_components_keep_all_distances(corpus, vectors, tmp_path):
    reduced = embed(corpus, tmp_path, n_components=6)

    def distances(rows):
        return np.linalg.norm(rows[:, None] - rows[None], axis=-1)

    np.testing.assert_allclose(distances(reduced), distances(vectors), atol=1e-4)


def test_first_dimensions(corpus, vectors, tmp_path):
    cut = vectors[:, :2]
    np.testing.assert_array_equal(embed(corpus, tmp_path, n_components=2, method="first"), cut)
    unit = embed(corpus, tmp_path, n_components=2, method="first", normalize=True)
    np.testing.assert_allclose(unit, cut / np.linalg.norm(cut, axis=1, keepdims=True), atol=1e-6)


def test_zero_rows_stay_zero_when_normalised(corpus, vectors, tmp_path):
    vectors[3] = 0.0
    np.save(tmp_path / "other.npy", vectors)
    unit = embed(corpus, tmp_path, n_components=2, method="first", normalize=True)
    assert not unit[3].any()
    assert np.isfinite(unit).all()


@pytest.mark.parametrize("method", ["pca", "first"])
def test_more_components_than_dimensions(method, corpus, vectors, tmp_path):
    with pytest.raises(ModelError, match="n_components 7 is more than the 6"):
        embed(corpus, tmp_path, n_components=7, method=method)


def test_more_components_than_items_or_rank(corpus, rng, tmp_path):
    np.save(tmp_path / "other.npy", rng.standard_normal((N, 40)).astype(np.float32))
    with pytest.raises(ModelError, match="n_components 16 is more than the 15"):
        embed(corpus, tmp_path, n_components=16)
    np.save(tmp_path / "other.npy", rng.standard_normal((N, 2)) @ rng.standard_normal((2, 8)))
    with pytest.raises(ModelError, match="n_components 3 is more than the rank 2"):
        embed(corpus, tmp_path, n_components=3)


def test_embedding_of_other_data_or_of_nothing(make_corpus, vectors, tmp_path):
    other = make_corpus(["a", "b"])
    with pytest.raises(ModelError, match=r"shape \(16, 6\), but the data set has 2 items"):
        loader_of(tmp_path, n_components=1).open(other)
    (tmp_path / "other.npy").unlink()
    with pytest.raises(DataError, match="not a readable .npy"):
        loader_of(tmp_path, n_components=1).open(other)


def test_vectors_that_are_not_finite(corpus, vectors, tmp_path):
    vectors[2, 2] = np.nan
    np.save(tmp_path / "other.npy", vectors)
    with pytest.raises(ModelError, match="NaN or infinite"):
        embed(corpus, tmp_path, n_components=2)


def test_identity_follows_the_other_models_vectors(vectors, tmp_path):
    before = loader_of(tmp_path, n_components=2).identity()
    np.save(tmp_path / "other.npy", vectors + 1)
    assert loader_of(tmp_path, n_components=2).identity() != before
