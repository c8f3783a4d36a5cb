"""Several models side by side: the rows of each, unit rows if wanted, refused if they do not fit."""

import numpy as np
import pytest

from suffice.embed.concatenation import Concatenation, ConcatenationSettings
from suffice.errors import ModelError

N = 16


@pytest.fixture
def arrays(rng, tmp_path):
    found = [rng.standard_normal((N, dim)).astype(np.float32) for dim in (3, 5)]
    for name, array in zip("ab", found, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    return found


def loader_of(folder, names, **settings):
    path = ",".join(str(folder / f"{name}.npy") for name in names)
    return Concatenation(ConcatenationSettings(path=path, **settings))


def embed(loader, corpus):
    encoder = loader.open(corpus)
    rows = np.concatenate([encoder.encode(window) for window in corpus.windows(5)])
    assert rows.shape == (N, encoder.embed_dim) and rows.dtype == np.float32
    return rows


def test_rows_stand_side_by_side(corpus, arrays, tmp_path):
    np.testing.assert_array_equal(embed(loader_of(tmp_path, "ab"), corpus), np.hstack(arrays))


def test_normalised_parts_weigh_the_same(corpus, arrays, tmp_path):
    rows = embed(loader_of(tmp_path, "ab", normalize=True), corpus)
    for part in (rows[:, :3], rows[:, 3:]):
        np.testing.assert_allclose(np.linalg.norm(part, axis=1), 1, rtol=1e-6)


def test_identity_depends_on_the_order_and_content_of_the_parts(arrays, tmp_path):
    first, second = loader_of(tmp_path, "ab").identity(), loader_of(tmp_path, "ba").identity()
    assert first != second
    assert first == loader_of(tmp_path, "ab").identity()


def test_one_model_and_vectors_of_another_data_set_are_refused(corpus, arrays, tmp_path):
    with pytest.raises(ModelError, match="names only one model"):
        loader_of(tmp_path, "a").open(corpus)
    np.save(tmp_path / "b.npy", arrays[1][:-1])
    with pytest.raises(ModelError, match=r"b\.npy has shape \(15, 5\), but the data set has 16 items"):
        loader_of(tmp_path, "ab").open(corpus)
