"""Health: planted defects are found, counted and worded; the effective rank is known in closed form."""

import numpy as np
import pytest

from suffice import health
from suffice.errors import ModelError
from suffice.health import effective_rank, health_card, health_warnings, measure_health


@pytest.fixture
def healthy(rng):
    return rng.standard_normal((300, 12)).astype(np.float32)


@pytest.fixture(params=[1, 7, 10**6], ids=lambda rows: f"blocks of {rows} rows")
def any_block(request, monkeypatch):
    monkeypatch.setattr(health, "BLOCK_VALUES", request.param * 12)


def test_healthy_embedding(healthy, any_block):
    found = measure_health(healthy)
    norms = np.linalg.norm(healthy.astype(float), axis=1)
    assert (found.n_items, found.embed_dim) == (300, 12)
    assert found.n_not_finite == found.n_zero_rows == found.n_duplicate_rows == found.n_constant_dims == 0
    assert found.norm_mean == pytest.approx(norms.mean())
    assert found.norm_std == pytest.approx(norms.std())
    assert health_warnings(found, 0) == health_warnings(found, None) == []


def test_planted_defects(healthy, any_block):
    healthy[[5, 100, 299]] = 0.0
    healthy[5, 0] = -0.0
    healthy[[20, 21, 22, 150]] = healthy[19]
    healthy[:, 3] = 0.25
    healthy[[5, 100, 299], 3] = 0.25
    found = measure_health(healthy)
    assert found.n_constant_dims == 1
    assert found.n_zero_rows == 0  # a constant dimension keeps them from being zero
    assert found.n_duplicate_rows == 4 + 2
    healthy[[5, 100, 299]] = 0.0
    found = measure_health(healthy)
    assert (found.n_zero_rows, found.n_duplicate_rows, found.n_constant_dims) == (3, 4, 0)
    assert health_warnings(found, 4) == [
        "4 of 300 items are longer than the model reads (1.3%)",
        "3 of 300 items have a zero vector (1.0%)",
        "4 of 300 vectors repeat another vector (1.3%)",
    ]
    assert len(health_warnings(found, 3)) == 2  # 1 % of the items is not more than 1 %


def test_constant_up_to_rounding(healthy):
    healthy[:, 2] = 1000.0
    healthy[::2, 2] = np.nextafter(np.float32(1000.0), np.float32(2000.0))
    healthy[:, 7] = 0.0
    found = measure_health(healthy)
    assert found.n_constant_dims == 2
    assert health_warnings(found, None) == ["2 of 12 dimensions are constant"]


def test_not_finite_is_fatal(healthy, any_block):
    healthy[17, 3], healthy[40, 0], healthy[40, 1] = np.inf, np.nan, np.nan
    with pytest.raises(ModelError, match=r"toy has NaN or infinite values in 2 of 300 rows, first in row 17"):
        measure_health(healthy, "toy")


def test_all_dimensions_constant_is_fatal(healthy):
    with pytest.raises(ModelError, match="all 12 dimensions are constant"):
        measure_health(np.repeat(healthy[:1], 50, axis=0))


@pytest.mark.parametrize("shape", [(10, 0), (0, 4), (10,)])
def test_no_vectors_is_fatal(shape):
    with pytest.raises(ModelError, match="shape"):
        measure_health(np.zeros(shape, dtype=np.float32))


@pytest.mark.parametrize("singular", [[1.0, 1.0, 1.0, 1.0], [3.0, 1.0], [5.0]])
@pytest.mark.parametrize("n_items, embed_dim", [(40, 8), (6, 20)])
def test_effective_rank_in_closed_form(singular, n_items, embed_dim, rng):
    """A centred matrix with given singular values, taller than wide and wider than tall."""
    rank = len(singular)
    rows = rng.standard_normal((n_items, rank))
    left = np.linalg.qr(rows - rows.mean(axis=0))[0]  # orthonormal columns of mean zero
    right = np.linalg.qr(rng.standard_normal((embed_dim, rank)))[0]
    matrix = left @ np.diag(singular) @ right.T + rng.standard_normal(embed_dim)
    share = np.array(singular) / sum(singular)
    expected = np.exp(-(share * np.log(share)).sum())
    # zero eigenvalues come out as about 1e-16 of the largest, so singular values as about 1e-8
    assert effective_rank(matrix) == pytest.approx(expected, rel=1e-5)


def test_effective_rank_is_independent_of_blocks_scale_and_shift(healthy, any_block):
    centred = healthy - healthy.mean(axis=0, dtype=float)
    singular = np.linalg.svd(centred, compute_uv=False)
    share = singular / singular.sum()
    expected = np.exp(-(share * np.log(share)).sum())
    assert effective_rank(healthy) == pytest.approx(expected, rel=1e-9)
    assert effective_rank(healthy.astype(float) * 50 + 3) == pytest.approx(expected, rel=1e-9)


def test_card_holds_what_the_format_asks_for(healthy):
    card = health_card(measure_health(healthy), 30, ["a warning of the model"])
    assert set(card) == {
        "n_truncated",
        "truncated_share",
        "n_not_finite",
        "n_zero_rows",
        "n_duplicate_rows",
        "n_constant_dims",
        "effective_rank",
        "norm_mean",
        "norm_std",
        "warnings",
    }
    assert card["truncated_share"] == 0.1
    assert card["warnings"] == [
        "30 of 300 items are longer than the model reads (10.0%)",
        "a warning of the model",
    ]
    assert health_card(measure_health(healthy), None, [])["truncated_share"] is None


@pytest.mark.parametrize("exponent", [-900, 600, 1000])
def test_values_whose_squares_are_out_of_range_have_the_same_health(rng, exponent):
    array = rng.normal(size=(40, 5))
    plain, scaled = measure_health(array, "a"), measure_health(np.ldexp(array, exponent), "a")
    assert scaled.n_zero_rows == 0 and scaled.effective_rank == plain.effective_rank
    assert scaled.norm_mean == np.ldexp(plain.norm_mean, exponent)
