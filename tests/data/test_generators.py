"""Generators of digits: likelihoods and distances with known truth, and files that are what they say."""

import math

import numpy as np
import pandas as pd
import pytest
from of_packages import write_packages
from scipy.stats import multivariate_normal, norm

from suffice.data.made.generators import roster, small_digits
from suffice.data.made.registry import FOLDERS, MAKERS

torch = pytest.importorskip("torch")

from suffice.data.made.generators import base, diffusion, flow, latent, making, quality  # noqa: E402

PIXELS = 6


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=400, n_pixels=PIXELS):
    """Correlated numbers, a little like pixels."""
    mixing = torch.randn(n_pixels, n_pixels, generator=source(1)) / 3
    return (torch.randn(n, n_pixels, generator=source(2)) @ mixing).clamp(-1, 1)


def drawn(kind, *args, **settings):
    torch.manual_seed(0)
    return kind(*args, **settings)


@pytest.fixture
def bent_flow():
    """A flow that is not the identity."""
    model = drawn(flow.CouplingFlow, images(), n_couplings=4, width=8)
    with torch.no_grad():
        for coupling in model.chain:
            for parameter in coupling.network[-1].parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=source(3)) / 2)
    return model


def test_an_untrained_flow_is_a_normal_distribution_of_independent_pixels():
    given = images()
    model = drawn(flow.CouplingFlow, given, n_couplings=2, width=8)
    expected = norm(given.mean(0).numpy(), given.std(0).numpy()).logpdf(given.numpy()).sum(axis=1)
    np.testing.assert_allclose(model.log_density(given, source()).detach(), expected, rtol=1e-4, atol=1e-4)


def test_the_likelihood_of_a_flow_has_the_determinant_of_its_map(bent_flow):
    given = images()[:5]
    for image, found in zip(given, bent_flow.log_density(given, source()), strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda one: bent_flow.latent(one[None])[0][0], image)
        values = bent_flow.latent(image[None])[0][0].detach().numpy()
        expected = norm.logpdf(values).sum() + torch.linalg.slogdet(jacobian)[1].item()
        assert found.item() == pytest.approx(expected, abs=1e-4)


def test_a_flow_goes_back_to_the_images(bent_flow):
    given = images()
    values = bent_flow.vectors(given)
    for coupling in reversed(bent_flow.chain):
        values = coupling.inverse(values)
    np.testing.assert_allclose((values * bent_flow.sd + bent_flow.mean).detach(), given, atol=1e-5)
    assert (bent_flow.vectors(given) - (given - bent_flow.mean) / bent_flow.sd).abs().max() > 0.5


def test_gaussian_factors_have_the_likelihood_of_their_normal_distribution():
    given = images()
    model = latent.GaussianFactors(given, n_latent=2)
    expected = multivariate_normal(model.mean.numpy(), model.covariance.numpy()).logpdf(given.numpy())
    np.testing.assert_allclose(model.log_density(given, source()), expected, rtol=1e-5)
    samples = model.samples(40_000, source()).double()
    # The standard error of a variance of 0.3 over 40,000 draws is 0.002.
    np.testing.assert_allclose(torch.cov(samples.T), model.covariance, atol=0.01)
    assert model.vectors(given).shape == (400, 2)


def linear_autoencoder(beta=1.0):
    """An autoencoder with an orthogonal linear decoder, whose approximate posterior is the true one."""
    model = drawn(latent.VariationalAutoencoder, images(), n_latent=2, beta=beta)
    weight = torch.linalg.qr(torch.randn(PIXELS, 2, generator=source(4)))[0] * torch.tensor([0.8, 0.4])
    log_sd = math.log(0.3)
    variance = 1 / (1 + weight.square().sum(dim=0) / 0.3**2)
    model.decoder, model.encoder = torch.nn.Linear(2, PIXELS), torch.nn.Linear(PIXELS, 4)
    with torch.no_grad():
        model.log_sd.fill_(log_sd)
        model.decoder.weight.copy_(weight)
        model.decoder.bias.zero_()
        model.encoder.weight.copy_(torch.cat([variance[:, None] * weight.T / 0.3**2, torch.zeros(2, PIXELS)]))
        model.encoder.bias.copy_(torch.cat([torch.zeros(2), variance.log() / 2]))
    covariance = weight @ weight.T + 0.3**2 * torch.eye(PIXELS)
    return model, multivariate_normal(np.zeros(PIXELS), covariance.numpy())


def test_the_bound_of_an_autoencoder_with_the_true_posterior_is_exact():
    model, truth = linear_autoencoder()
    given = images()
    expected = truth.logpdf(given.numpy())
    np.testing.assert_allclose(model.log_density(given, source()).detach(), expected, atol=1e-3)
    # Of one draw, the bound is also exact, but its two parts are random: 400 items, sd of about 1.
    assert -model.loss(given, source()).item() == pytest.approx(expected.mean(), abs=0.15)
    assert linear_autoencoder(beta=4.0)[0].loss(given, source()) > model.loss(given, source()) + 1


def test_a_wrong_posterior_lowers_the_bound():
    model, truth = linear_autoencoder()
    with torch.no_grad():
        model.encoder.bias[:2] += 1.0
    given = images()
    assert model.log_density(given, source()).mean() < truth.logpdf(given.numpy()).mean() - 0.01
    assert -model.loss(given, source()) < truth.logpdf(given.numpy()).mean() - 0.5


class Ideal(torch.nn.Module):
    """The best denoiser of independent normal pixels of a given sd."""

    def __init__(self, sd):
        super().__init__()
        self.sd = sd

    def noise(self, noisy, gamma):
        spread = torch.sigmoid(gamma)
        return spread.sqrt() * noisy / (torch.sigmoid(-gamma) * self.sd**2 + spread)


def test_the_bound_and_samples_of_a_perfect_diffusion_are_those_of_the_data():
    # The bound has a standard error of 0.004 nats per pixel: 12,000 pixels, each with 100 draws of noise.
    sd = 0.5
    model = drawn(diffusion.Diffusion, images())
    model.denoiser = Ideal(sd)
    given = sd * torch.randn(2_000, PIXELS, generator=source(5))
    expected = norm(0, sd).logpdf(given.numpy()).sum(axis=1).mean() / PIXELS
    found = model.log_density(given, source()).mean().item() / PIXELS
    assert found == pytest.approx(expected, abs=0.02)
    model.denoiser = Ideal(2 * sd)
    assert model.log_density(given, source()).mean().item() / PIXELS < found - 0.05
    model.denoiser = Ideal(sd)
    samples = model.samples(5_000, source())
    assert samples.std().item() == pytest.approx(sd, rel=0.05) and abs(samples.mean().item()) < 0.02


def test_vectors_of_a_diffusion_depend_on_the_noise_level_and_on_one_image_only():
    model = drawn(diffusion.Diffusion, images(), width=12)
    given = images()
    vectors = model.vectors(given)
    assert vectors.shape == (400, 12)
    torch.testing.assert_close(model.vectors(given[7:9]), vectors[7:9])
    assert (model.vectors(given, diffusion.NOISE_LEVELS["low"]) - vectors).abs().max() > 0.01


def test_training_decreases_the_loss_and_follows_from_the_seed():
    levels = np.random.default_rng(0).integers(0, 16, (300, 1), dtype=np.uint8).repeat(PIXELS, axis=1)

    def after(kind, seed, steps, **settings):
        model = drawn(kind, base.middles(levels), **settings)
        return list(base.trained(model, levels, steps, source(seed)))

    kinds = {
        latent.Autoencoder: {"n_latent": 2},
        latent.VariationalAutoencoder: {"n_latent": 2},
        flow.CouplingFlow: {"width": 8},
        diffusion.Diffusion: {"width": 32},
    }
    for kind, settings in kinds.items():
        first, last = after(kind, 0, (0, 40), **settings)
        losses = [model.loss(base.middles(levels), source()).item() for model in (first, last)]
        assert losses[1] < losses[0] - 0.3, kind
    few = [after(latent.VariationalAutoencoder, seed, (3,), n_latent=2)[0].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(few[0][name], few[1][name]) for name in few[0])
    assert any(not torch.equal(few[0][name], few[2][name]) for name in few[0])


def test_levels_come_back_from_their_intervals_and_uniform_noise_has_four_bits():
    levels = np.arange(16, dtype=np.uint8)[None]
    for points in (base.middles(levels), base.random_points(levels, source())):
        np.testing.assert_array_equal(base.nearest_levels(points), levels)
    assert base.nearest_levels(torch.tensor([-3.0, 3.0])).tolist() == [0, 15]
    uniform = np.full(3, PIXELS * math.log(1 / 2))  # density 1/2 from -1 to 1
    assert base.bits_per_pixel(uniform, PIXELS) == pytest.approx(-4)
    certain = np.full(3, PIXELS * math.log(16 / 2))  # all density in one level
    assert base.bits_per_pixel(certain, PIXELS) == pytest.approx(0)


def test_the_frechet_distance_of_equal_and_of_known_normal_distributions():
    given = np.random.default_rng(0).normal(size=(500, 3))
    assert quality.frechet_distance(given, given) == pytest.approx(0, abs=1e-6)
    assert quality.frechet_distance(given, given + [1, 0, 2]) == pytest.approx(5, abs=1e-6)
    # Of covariances S and 9 S, the distance is (3 - 1)^2 tr S.
    expected = 4 * np.cov(given, rowvar=False).trace()
    moved = 3 * (given - given.mean(axis=0)) + given.mean(axis=0)
    assert quality.frechet_distance(given, moved) == pytest.approx(expected, rel=1e-6)
    turned = given @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0].T * [1, 2, 3]
    exact = np.linalg.eigvals(np.cov(given, rowvar=False) @ np.cov(turned, rowvar=False)).real
    means = given.mean(axis=0) - turned.mean(axis=0)
    traces = np.cov(given, rowvar=False).trace() + np.cov(turned, rowvar=False).trace()
    expected = means @ means + traces - 2 * np.sqrt(exact).sum()
    assert quality.frechet_distance(given, turned) == pytest.approx(expected, rel=1e-6)


def test_a_small_digit_has_the_mean_of_four_pixels():
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, 2:4, 4:6] = [[255, 255], [255, 0]]
    levels = small_digits.small_levels(image).reshape(14, 14)
    assert levels[1, 2] == 191 // 16 and levels.sum() == 191 // 16


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of generators that were hardly trained, on digits of made-up packages."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(write_packages(tmp_path_factory.mktemp("packages")))
        few = {0: 0, roster.EARLY: 1, roster.MIDDLE: 2, roster.LATE: 3}
        runs = [
            roster.Run(run.kind, {k: few[n] for k, n in run.checkpoints.items()}, run.settings, run.also)
            for run in roster.RUNS
        ]
        patch.setattr(making, "RUNS", runs)
        patch.setattr(making, "N_SAMPLES", 50)
        patch.setattr(latent, "N_DRAWS", 2)
        patch.setattr(diffusion, "N_STEPS", 5)
        patch.setattr(small_digits, "SHARE_OF_TRAINING", 0.7)
        patch.setattr(quality, "N_STEPS", 20)
        FOLDERS["digit-generators"].write(folder)
    return folder


def test_a_folder_has_vectors_of_every_generator_and_what_its_samples_are_worth(made):
    files = {*FOLDERS["digit-generators"].files, "digits.npz"}
    assert {path.name for path in made.iterdir()} == files
    table = pd.read_csv(made / "measures.csv").pivot(index="model", columns="task", values="value")
    generators = {name for run in roster.RUNS for name in run.checkpoints}
    assert set(table.index) == generators | {"training-digits", "classifier"}
    assert (table["samples"].drop("classifier") < 0).all()
    assert table["samples"].idxmax() == "training-digits"
    have = table.index[table["likelihood"].notna()]
    assert set(have) == {name for name in generators if not name.startswith("ae-")}
    assert table["likelihood"].max() < 0


def test_items_are_versions_of_one_digit_with_a_vector_each(made):
    maker = MAKERS["digit-versions"]
    arrays, other = (maker.arrays(seed, made) for seed in (0, 1))
    assert set(arrays) == {maker.content, *maker.columns}
    assert arrays["image"].dtype == np.uint8 and arrays["image"].max() > 200
    assert (arrays["original"][::2] == arrays["original"][1::2]).all()
    assert (arrays["image"][::2] != arrays["image"][1::2]).any(axis=(1, 2)).mean() > 0.9
    assert (arrays["role"] != other["role"]).any() and (arrays["image"] == other["image"]).all()
    levels = small_digits.levels_of(arrays["image"])
    assert levels.max() == 15
    with np.load(made / "gaussian-8.npz") as saved:
        assert saved["vectors"].shape == (len(arrays["id"]), 8)
        np.testing.assert_array_equal(saved["id"], arrays["id"])
    low, late = (np.load(made / f"diffusion-late{end}.npz")["vectors"] for end in ("-low", ""))
    assert low.shape == late.shape and np.abs(low - late).max() > 0.01


def test_parts_share_no_digit(monkeypatch):
    images = np.arange(50, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    monkeypatch.setattr(small_digits, "mnist", lambda: (images, np.arange(50) % 10))
    parts = small_digits.three_parts(np.random.default_rng(0))
    seen = [set(part.images[:, 0, 0].tolist()) for part in parts]
    assert [len(each) for each in seen] == [30, 10, 10] and len(set.union(*seen)) == 50
