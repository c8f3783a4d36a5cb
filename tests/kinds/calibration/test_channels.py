"""Every truth against a way of computing it that shares no code with the channel."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, multivariate_t, norm
from sklearn.feature_selection import mutual_info_regression
from sklearn.linear_model import LinearRegression

from suffice.errors import DataError
from suffice.kinds.calibration import mixtures, networks
from suffice.kinds.calibration.channel import ChannelSize, residual_variance_of
from suffice.kinds.calibration.channels import CHANNELS, draw_channel, get_channel
from suffice.kinds.calibration.heavy_tails import radius_nats

EVERY = pytest.mark.parametrize("name", list(CHANNELS))


def gaussian_nats(source, target):
    """Plug-in mutual information of two Gaussian samples of full rank, less its bias d_u d_v / 2n."""
    correlation = np.corrcoef(np.hstack([source, target]).T)
    d_u = source.shape[1]
    parts = [correlation[:d_u, :d_u], correlation[d_u:, d_u:], correlation]
    source_part, target_part, both = (np.linalg.slogdet(part)[1] for part in parts)
    return (source_part + target_part - both) / 2 - d_u * target.shape[1] / (2 * len(source))


def monte_carlo(values):
    """Mean and three standard errors."""
    return values.mean(), 3 * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize(
    ("name", "nats"),
    # The radius of a multivariate t alone carries more than 0 nats.
    [(name, nats) for name in CHANNELS for nats in (0.0, 0.5, 2.0) if nats or name != "student"],
)
def test_the_truth_of_one_pair_is_what_nearest_neighbours_find(name, nats):
    draw = draw_channel(name, ChannelSize(1, 1, 10_000, nats), seed=3)
    # The KSG estimator; with 10,000 items its spread is about 0.01 and its bias below 0.02 nats.
    found = mutual_info_regression(draw.source, draw.target[:, 0], n_neighbors=5, random_state=0)[0]
    assert found == pytest.approx(draw.truth_nats, abs=0.05)


@EVERY
@pytest.mark.parametrize("widths", [(12, 8), (8, 16)])
def test_shapes_target_information_and_what_linear_and_gaussian_families_converge_to(name, widths):
    n_items = 60_000
    draw = draw_channel(name, ChannelSize(*widths, n_items, 0.4), seed=1)
    assert draw.source.shape == (n_items, widths[0]) and draw.target.shape == (n_items, widths[1])
    assert draw.source.dtype == draw.target.dtype == np.float32
    varies = draw.target.std(axis=0) > 1e-6
    assert draw.varying_dim == varies.sum()
    if name != "clusters":  # whose classes come on top
        assert draw.truth_nats == pytest.approx(0.4 * draw.varying_dim)
    target = draw.target[:, varies]
    left = (target - LinearRegression().fit(draw.source, target).predict(draw.source)).var(axis=0)
    found = -0.5 * np.log(left / target.var(axis=0)).sum() / draw.varying_dim
    # Spread of a log variance, sqrt(2 / 60,000) = 0.006; four times that with the tails of a t.
    tolerance = 0.02 if "heavy" in name else 0.006
    assert found == pytest.approx(draw.linear_nats / draw.varying_dim, abs=tolerance)
    if name != "redundant":  # whose covariances are singular
        found = gaussian_nats(draw.source.astype(float), target.astype(float)) / draw.varying_dim
        assert found == pytest.approx(draw.gaussian_nats / draw.varying_dim, abs=tolerance)


@pytest.mark.parametrize("name", ["gaussian", "low-rank", "nearly-deterministic"])
@pytest.mark.parametrize("widths", [(12, 8), (8, 16)])
def test_gaussian_channels_have_the_mutual_information_of_their_covariance(name, widths):
    draw = draw_channel(name, ChannelSize(*widths, 40_000, 0.5), seed=2)
    found = gaussian_nats(draw.source.astype(float), draw.target.astype(float))
    # Each pair's spread is about rho / sqrt(n) = 0.005; eight of them.
    assert found == pytest.approx(draw.truth_nats, abs=0.05)


def test_copies_and_constants_add_nothing():
    draw = draw_channel("redundant", ChannelSize(16, 16, 40_000, 0.5), seed=2)
    sides = []
    for side in (draw.source, draw.target):
        kept = side[:, side.std(axis=0) > 1e-6].astype(float)
        assert kept.shape[1] == 14
        sides.append(np.unique(kept, axis=1))
        assert sides[-1].shape[1] == 10
    assert gaussian_nats(*sides) == pytest.approx(draw.truth_nats, abs=0.05)
    assert draw.truth_nats == pytest.approx(7.0)


@pytest.mark.parametrize("name", ["warped", "heavy-margins"])
def test_normal_scores_of_a_bent_channel_have_its_truth(name):
    draw = draw_channel(name, ChannelSize(6, 8, 40_000, 0.5), seed=2)
    ranks = [side.argsort(axis=0).argsort(axis=0) for side in (draw.source, draw.target)]
    source, target = (norm.ppf((rank + 0.5) / 40_000) for rank in ranks)
    assert gaussian_nats(source, target) == pytest.approx(draw.truth_nats, abs=0.05)
    straight = gaussian_nats(draw.source.astype(float), draw.target.astype(float))
    assert straight < 0.9 * draw.truth_nats  # bending hides information from second moments


@pytest.mark.parametrize(("d_u", "d_v"), [(1, 1), (3, 5), (8, 2)])
def test_the_radius_of_a_student_t_by_its_density(d_u, d_v):
    degrees = 5.0
    density = {
        dim: multivariate_t(shape=np.eye(dim), df=degrees, seed=0, allow_singular=False)
        for dim in {d_u, d_v, d_u + d_v}
    }
    both = np.atleast_2d(density[d_u + d_v].rvs(40_000, random_state=1))
    parts = density[d_u].logpdf(both[:, :d_u]) + density[d_v].logpdf(both[:, d_u:])
    mean, error = monte_carlo(density[d_u + d_v].logpdf(both) - parts)
    assert mean == pytest.approx(radius_nats(d_u, d_v, degrees), abs=error)


def test_a_student_t_that_would_carry_too_little_is_refused():
    with pytest.raises(DataError, match=r"carries at least 0\.\d+ nats per dimension, so 0 is too low"):
        draw_channel("student", ChannelSize(16, 16, 100, 0.0))


def two_class_density(points, share, covariance):
    """Density of an even mixture of two normals at plus and minus the square root of the share."""
    mean = np.full(len(covariance), np.sqrt(share))
    each = [multivariate_normal(sign * mean, covariance).pdf(points) for sign in (-1, 1)]
    return np.mean(each, axis=0)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("nats", [0.1, 0.5, 2.0])
def test_two_hidden_classes_by_their_densities(together, nats):
    share = mixtures.class_share(nats, together)
    within = share if together else -share
    covariance = np.array([[1 - share, within], [within, 1 - share]])
    generator = np.random.default_rng(0)
    points = generator.multivariate_normal([0, 0], covariance, size=40_000)
    points += np.sqrt(share) * generator.choice([-1, 1], size=(40_000, 1))
    single = [two_class_density(points[:, [side]], share, covariance[:1, :1]) for side in (0, 1)]
    joint = two_class_density(points, share, covariance)
    mean, error = monte_carlo(np.log(joint / (single[0] * single[1])))
    assert mean == pytest.approx(nats, abs=error)


def test_classes_that_pull_against_their_noise_leave_no_correlation():
    draw = draw_channel("mixture", ChannelSize(2, 2, 60_000, 0.5), seed=0)
    across = np.corrcoef(np.hstack([draw.source, draw.target]).T)[:2, 2:]
    assert np.linalg.matrix_rank(across, tol=0.03) == 1  # of two components one is linear


def test_shared_classes_by_their_densities():
    generator = np.random.default_rng(5)
    d_u, d_v, n_items = 3, 2, 40_000
    means = [generator.normal(size=(mixtures.N_CLASSES, dim)) for dim in (d_u, d_v)]
    correlation = np.array([0.8, 0.3])
    found, error = mixtures._information_from_classes(*means, correlation, generator)
    covariance = np.eye(d_u + d_v)
    for index, value in enumerate(correlation):
        covariance[index, d_u + index] = covariance[d_u + index, index] = value
    centres = np.hstack(means)
    classes = generator.integers(mixtures.N_CLASSES, size=n_items)
    points = centres[classes] + generator.multivariate_normal(np.zeros(d_u + d_v), covariance, size=n_items)

    def log_density(columns):
        part = covariance[np.ix_(columns, columns)]
        each = [multivariate_normal(centre[columns], part).pdf(points[:, columns]) for centre in centres]
        return np.log(np.mean(each, axis=0))

    source, target = list(range(d_u)), list(range(d_u, d_u + d_v))
    mean, spread = monte_carlo(log_density(source + target) - log_density(source) - log_density(target))
    gaussian = -0.5 * np.log(1 - correlation**2).sum()
    assert gaussian + found == pytest.approx(mean, abs=spread + 3 * error)


@pytest.mark.parametrize("which", [0, 3, 7])
@pytest.mark.parametrize("nats", [0.2, 1.5])
def test_a_noisy_function_by_its_density_over_quantiles_of_the_input(which, nats):
    noise = np.sqrt(1 - networks.function_share(which, nats))
    generator = np.random.default_rng(which)
    quantiles = norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    signals, centres = (
        np.sqrt(1 - noise**2) * networks.random_function(which, inputs)
        for inputs in (generator.normal(size=2000), quantiles)
    )
    outputs = signals + noise * generator.normal(size=2000)
    marginal = np.array([norm.pdf(output, centres, noise).mean() for output in outputs])
    mean, error = monte_carlo(norm.logpdf(outputs, signals, noise) - np.log(marginal))
    assert mean == pytest.approx(nats, abs=error)


def test_the_functions_are_standardised_and_cannot_be_inverted():
    values = np.random.default_rng(0).normal(size=100_000)
    turning = 0
    for which in range(networks.N_FUNCTIONS):
        made = networks.random_function(which, values)
        assert made.mean() == pytest.approx(0, abs=0.02) and made.var() == pytest.approx(1, abs=0.02)
        turning += np.unique(np.sign(np.diff(made[values.argsort()]))).size > 1
    assert turning >= networks.N_FUNCTIONS // 2


def test_an_invertible_network_has_an_inverse_and_bends():
    network = networks.InvertibleNetwork(12, np.random.default_rng(0))
    values = np.random.default_rng(1).normal(size=(500, 12)).astype(np.float32)
    made = network(values)
    assert network.inverse(made.astype(float)) == pytest.approx(values, abs=1e-3)
    fit = LinearRegression().fit(values, made)
    assert fit.score(values, made) < 0.9


def test_undoing_the_networks_gives_back_the_gaussian_pair():
    generator = np.random.default_rng(4)
    size = ChannelSize(6, 6, 40_000, 0.5)
    draw = networks.draw_networks_of_both(size, np.random.default_rng(4))
    source = networks.InvertibleNetwork(6, generator).inverse(draw.source.astype(float))
    target = networks.InvertibleNetwork(6, generator).inverse(draw.target.astype(float))
    assert gaussian_nats(source, target) == pytest.approx(draw.truth_nats, abs=0.05)


def test_too_much_for_one_component_is_refused():
    with pytest.raises(DataError, match="one component would carry 11.2 nats"):
        draw_channel("gaussian", ChannelSize(2, 32, 100, 0.5))
    with pytest.raises(DataError, match="but at most 3 are possible"):
        draw_channel("noisy-function", ChannelSize(16, 64, 100, 1.0))


def test_an_unknown_channel_is_named_with_the_nearest():
    with pytest.raises(DataError, match="unknown channel 'gausian'; did you mean 'gaussian'"):
        get_channel("gausian")


def test_the_seed_decides_all():
    size = ChannelSize(4, 4, 200, 0.5)
    first, again, other = (draw_channel("clusters", size, seed) for seed in (0, 0, 1))
    assert (first.target == again.target).all() and first.truth_nats == again.truth_nats
    assert not np.allclose(first.target, other.target)


def test_information_of_a_gaussian_pair():
    assert residual_variance_of(np.array([0.5 * np.log(4)])) == pytest.approx(0.25)
