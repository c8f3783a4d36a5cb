"""Chains: what each step loses, and which models must be equal."""

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression

from suffice.errors import DataError
from suffice.kinds.calibration.chains import (
    CHAINS,
    TOP_NATS,
    ChainSize,
    check_chain,
    draw_chain,
    sign_loss_nats,
)

SIZE = ChainSize(n_models=4, dim=10, n_items=30_000, step_nats_per_dim=0.15)


def gaussian_nats(source, target):
    correlation = np.corrcoef(np.hstack([source, target]).T)
    d_u = source.shape[1]
    parts = [correlation[:d_u, :d_u], correlation[d_u:, d_u:], correlation]
    source_part, target_part, both = (np.linalg.slogdet(part)[1] for part in parts)
    return (source_part + target_part - both) / 2 - d_u * target.shape[1] / (2 * len(source))


@pytest.mark.parametrize("kind", ["noise", "projection"])
def test_each_model_tells_less_of_every_other_than_the_one_before(kind):
    models = list(draw_chain(kind, SIZE, seed=1).embeddings.values())
    for target in range(4):
        told = [gaussian_nats(models[source], models[target]) for source in range(4) if source != target]
        steps = -np.diff(told)
        # A target narrower than both sources is told as much by both; 0.05 is three times the noise.
        assert (steps > -0.05).all()
        assert target or (steps > 0.1).all()


def test_noise_takes_a_step_of_the_stated_size():
    models = list(draw_chain("noise", SIZE, seed=2).embeddings.values())
    nats = [TOP_NATS - 0.15 * place for place in range(4)]
    shares = 1 - np.exp(-2 * np.array(nats))
    for source, target in [(0, 1), (1, 3), (3, 2)]:
        truth = -0.5 * np.log(1 - shares[source] * shares[target])
        found = gaussian_nats(models[source], models[target]) / SIZE.dim
        assert found == pytest.approx(truth, abs=0.01)  # five standard errors


def test_a_sign_loses_what_nearest_neighbours_say():
    signal = np.random.default_rng(0).normal(size=20_000)
    share = 1 - np.exp(-2 * TOP_NATS)
    noisy = np.sqrt(share) * signal + np.sqrt(1 - share) * np.random.default_rng(1).normal(size=20_000)
    found = mutual_info_regression(
        np.sign(noisy)[:, None], signal, discrete_features=True, n_neighbors=5, random_state=0
    )
    assert TOP_NATS - found[0] == pytest.approx(sign_loss_nats(), abs=0.02)


def test_models_of_the_quantisation_chain_keep_ever_fewer_whole_dimensions():
    models = draw_chain("quantisation", SIZE, seed=0).embeddings.values()
    coarse = [sum(len(np.unique(column)) == 2 for column in model.T) for model in models]
    assert coarse[0] == 0 and (np.diff(coarse) > 0).all()


def test_rotations_are_of_one_level_and_tell_each_other_the_same():
    chain = draw_chain("rotation", SIZE, seed=0)
    assert set(chain.level.values()) == {0}
    models = list(chain.embeddings.values())
    told = [gaussian_nats(models[a], models[b]) for a, b in [(0, 1), (1, 2), (2, 3), (3, 0)]]
    assert np.ptp(told) < 0.15 * np.mean(told) / 3  # noise of 10 correlations at 30,000 items
    assert not np.allclose(models[0], models[1], atol=0.1)


@pytest.mark.parametrize("kind", list(CHAINS))
def test_the_seed_decides_all(kind):
    size = ChainSize(3, 8, 100, 0.2)
    first, again, other = (draw_chain(kind, size, seed).embeddings for seed in (0, 0, 1))
    assert all((first[name] == again[name]).all() for name in first)
    assert not any(np.allclose(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("nois", SIZE, "no chain 'nois'; did you mean 'noise'"),
        ("noise", ChainSize(11, 8, 100, 0.1), "needs 1, but only 1 can be lost"),
        ("quantisation", ChainSize(7, 8, 100, 0.1), "needs 0.6, but only 0.571 can be lost"),
        ("projection", ChainSize(3, 8, 100, 0.1), "loses less than one dimension"),
    ],
)
def test_a_chain_that_cannot_be_is_refused(kind, size, message):
    with pytest.raises(DataError, match=message):
        check_chain(kind, size)
