"""Copies of items: found in all forms, kept together, counted once; and what only looks like copies."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from suffice import estimate, rank
from suffice.errors import EstimationError
from suffice.estimators.copies import copies_and_versions, doubts_about_groups, join_copies
from suffice.ranking.given_looks import arrange_looks

TIMES = 5


def copies_among(arrays):
    return copies_and_versions(arrays)[0]


def independent(seed, n=200, dims=(8, 4)):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(n, dim)) for dim in dims]


def repeated(arrays, seed=0, times=TIMES):
    """Every row so many times, in a random order, and the number of the row that each was."""
    rows = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(arrays[0])), times))
    return [array[rows] for array in arrays], rows


def same_division(codes, rows):
    """Whether two numberings keep the same rows together."""
    pairs = len(set(zip(codes.tolist(), rows.tolist(), strict=True)))
    return pairs == len(set(codes.tolist())) == len(set(rows.tolist()))


def test_without_items_there_are_no_copies():
    copies, versions, gap = copies_and_versions([np.empty((0, 3)), np.empty((0, 4))])
    assert len(copies) == len(versions) == gap == 0


@pytest.mark.parametrize("estimator", ["linear", "gaussian", "copula"])
@pytest.mark.parametrize("seed", range(4))
def test_independent_vectors_stay_independent_when_each_is_there_five_times(estimator, seed):
    (source, target), _ = repeated(independent(seed), seed)
    found = estimate(source, target, estimator)
    assert abs(found.nats) < 3 * found.standard_error_nats
    assert any(note.startswith("800 of 1000 items are copies") for note in found.warnings)


def test_copies_count_once_in_the_standard_error():
    source, _ = independent(0)
    target = source[:, :4] + independent(1)[1]
    (many_sources, many_targets), _ = repeated([source, target])
    once, many = estimate(source, target), estimate(many_sources, many_targets)
    assert many.nats == pytest.approx(once.nats, abs=0.1)
    assert many.standard_error_nats == pytest.approx(once.standard_error_nats, rel=0.25)


def test_copies_in_two_looks_count_once():
    first, _ = repeated(independent(2, dims=(8, 4, 6)), 7)
    second, _ = repeated(independent(3, dims=(8, 4, 6)), 7)
    found = rank(dict(zip("abc", first, strict=True)), dict(zip("abc", second, strict=True)))
    z = found.pairs["nats"] / found.pairs["standard_error_nats"]
    assert z.abs().max() < 3.5  # of 18 pairs
    assert "800 of 1000 items are copies" in found.notes[0]


def change_nothing(array):
    return array


def last_bits(array):
    return array * (1 + 1e-6 * np.random.default_rng(5).normal(size=array.shape))


def far_from_zero(array):
    return last_bits(array) + 3.0


def half_precision(array):
    noisy = array + 1e-7 * np.random.default_rng(6).normal(size=array.shape)
    return noisy.astype(np.float16)


def signs(array):
    return np.sign(array) + 0.0


def signed_zeros(array):
    zeros = np.where(np.random.default_rng(7).random(array.shape) < 0.5, -0.0, 0.0)
    return np.where(array > 1, array, zeros)


def fortran_order(array):
    return np.asfortranarray(array.astype(np.float32))


FORMS = [change_nothing, last_bits, far_from_zero, half_precision, signs, signed_zeros, fortran_order]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("times", [2, 5])
def test_copies_are_found_in_every_form(form, times):
    arrays, rows = repeated(independent(4, 300, (48, 64, 96)), times=times)
    assert same_division(copies_among([form(array) for array in arrays]), rows)


@pytest.mark.parametrize("noise", [3e-3, 0.03, 0.3])
def test_rows_that_are_merely_alike_are_no_copies(noise):
    arrays, _ = repeated(independent(4, 300, (48, 64)))
    generator = np.random.default_rng(5)
    alike = [array + noise * generator.normal(size=array.shape) for array in arrays]
    assert copies_among(alike).max() == 1499


def test_rows_that_are_equal_in_one_model_only_are_no_copies():
    (sparse, dense), _ = repeated(independent(6, 100, (30, 30)))
    sparse = np.where(sparse > 1.5, sparse, 0.0)
    own = np.random.default_rng(7).normal(size=dense.shape)
    assert copies_among([sparse, dense]).max() == 99
    assert copies_among([sparse, own]).max() == 499
    assert "copies" not in " ".join(rank({"sparse": sparse, "own": own}).notes)
    assert estimate(sparse, own).warnings == estimate(sparse, own, groups=np.arange(500)).warnings


def classes(generator, n, k=8):
    return np.eye(k)[generator.integers(k, size=n)]


def bits(generator, n, dim=8):
    return (generator.random((n, dim)) < 0.5).astype(np.uint8)


def counts(generator, n):
    return generator.poisson(1.0, size=(n, 3)).astype(float)


@pytest.mark.parametrize("kind", [classes, bits, counts])
def test_few_discrete_values_are_equal_by_chance(kind):
    generator = np.random.default_rng(8)
    one, other = kind(generator, 1000), kind(generator, 1000)
    assert copies_among([one, other]).max() == 999
    assert copies_among([one, one]).max() == 999
    assert not any("copies" in said for said in estimate(one, other).warnings)


@pytest.mark.parametrize("latent_dim", [1, 2, 3])
def test_points_of_a_continuum_are_no_copies(latent_dim):
    generator = np.random.default_rng(9)
    latent = generator.normal(size=(20_000, latent_dim))
    arrays = [np.sin(latent @ generator.normal(size=(latent_dim, 16)) + np.arange(16)) for _ in range(2)]
    assert copies_among(arrays).max() == 19_999


@pytest.mark.parametrize("dim", [1, 2, 5])
def test_narrow_vectors_have_exact_copies_only(dim):
    arrays, rows = repeated(independent(10, 2000, (dim, dim)))
    assert same_division(copies_among(arrays), rows)
    assert copies_among(independent(11, 20_000, (dim, dim))).max() == 19_999


def test_no_split_separates_copies():
    arrays, rows = repeated(independent(12, 120, (9, 12)))
    plan = arrange_looks(dict(zip("ab", arrays, strict=True))).plan
    assert plan.n_groups == 120
    for each in (plan.fold, plan.block, plan.unit):
        assert pd.Series(each).groupby(rows).nunique().max() == 1


def test_groups_are_joined_with_copies():
    source, target = independent(13, 300)
    source[7], target[7] = source[250], target[250]
    groups = np.repeat(np.arange(100), 3)
    joined, notes = join_copies([source, target], groups)
    assert len(set(joined)) == 99
    assert joined[7] == joined[250] == joined[6] == joined[251]
    assert notes == (
        "1 of 300 items are copies of others (vectors equal or nearly equal); their groups stay together "
        "and count once",
    )
    inside = np.where(np.arange(300) == 7, groups[250], groups)
    assert join_copies([source, target], inside) == (inside, ())


def test_other_items_of_a_group_are_looks_whatever_copies_join():
    generator = np.random.default_rng(14)
    groups = np.repeat(np.arange(200), 3)
    models = {
        name: generator.normal(size=(200, 6))[groups] + generator.normal(size=(600, 6)) for name in "ab"
    }
    for array in models.values():
        array[0] = array[599]
    given = arrange_looks(models, groups=groups)
    assert given.looks == "group"
    assert given.plan.n_groups == 199
    for name, array in models.items():
        places = {row.tobytes(): place for place, row in enumerate(array) if place not in (0, 599)}
        for one, other in zip(given.first[name], given.second[name], strict=True):
            if one.tobytes() in places and other.tobytes() in places:
                assert groups[places[one.tobytes()]] == groups[places[other.tobytes()]]


def test_a_row_of_every_group_leaves_the_groups_as_they_are():
    source, target = independent(15, 300)
    source[::3], target[::3] = source[0], target[0]
    groups = np.repeat(np.arange(100), 3)
    joined, notes = join_copies([source, target], groups)
    assert joined is groups
    assert "99 of 300 items are copies" in notes[0]
    assert "link groups with 100% of the items" in notes[0]


def test_too_few_different_rows_are_an_error():
    arrays, _ = repeated(independent(16, 9), times=20)
    with pytest.raises(EstimationError, match="only 9 differ; give at least 10 different items"):
        estimate(*arrays)


def test_data_without_copies_are_divided_as_before():
    source, target = independent(17)
    assert join_copies([source, target]) == (None, ())
    groups = np.arange(200) // 2
    assert join_copies([source, target], groups) == (groups, ())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_numbers_that_cannot_be_used_are_left_to_the_estimators(value):
    source, target = independent(18)
    source[3, 2] = value
    assert copies_among([source, target]).max() == 199


def test_it_is_cheap():
    generator = np.random.default_rng(19)
    arrays = [generator.normal(size=(10_000, 256)).astype(np.float32) for _ in range(3)]
    start = time.process_time()
    copies_among(arrays)
    assert time.process_time() - start < 3  # about 0.2 s


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_no_copies_but_an_error_of_their_own(value):
    source = np.full((60, 2), value)
    with pytest.raises(EstimationError, match="NaN or infinite"):
        estimate(source, source)


def noisy(arrays, noise, seed=20):
    generator = np.random.default_rng(seed)
    return [array + noise * array.std(axis=0) * generator.normal(size=array.shape) for array in arrays]


def versions_of(arrays):
    return copies_and_versions(arrays)[1:]


@pytest.mark.parametrize("estimator", ["linear", "gaussian", "copula"])
@pytest.mark.parametrize(
    ("noise", "dims"), [(0.005, (8, 4)), (0.02, (8, 4)), (0.02, (24, 4)), (0.05, (48, 32))]
)
def test_independent_vectors_stay_independent_when_each_has_five_versions(estimator, noise, dims):
    arrays, _ = repeated(independent(21, dims=dims))
    found = estimate(*noisy(arrays, noise), estimator)
    assert abs(found.nats) < 3 * found.standard_error_nats
    (note,) = [note for note in found.warnings if "versions of others" in note]
    assert note.startswith("800 of 1000 items seem to be versions of others")
    said = float(note.split("about ")[1].split("%")[0]) / 100
    assert said == pytest.approx(noise, rel=0.3)


def test_versions_in_two_looks_count_once():
    first, _ = repeated(independent(22, dims=(12, 9, 10)), 7)
    second, _ = repeated(independent(23, dims=(12, 9, 10)), 7)
    looks = [dict(zip("abc", noisy(look, 0.02), strict=True)) for look in (first, second)]
    found = rank(*looks)
    z = found.pairs["nats"] / found.pairs["standard_error_nats"]
    assert z.abs().max() < 3.5  # of 18 pairs
    assert "800 of 1000 items seem to be versions" in found.notes[0]


@pytest.mark.parametrize("share", [1.0, 0.2, 0.03])
@pytest.mark.parametrize("noise", [0.003, 0.02])
@pytest.mark.parametrize("read", [load_digits, load_breast_cancer])
def test_versions_of_real_vectors_are_found_and_nothing_else(read, noise, share):
    vectors = read().data
    vectors = vectors[:, vectors.std(axis=0) > 0]
    generator = np.random.default_rng(24)
    assert versions_of([vectors])[1] == 0
    again = np.flatnonzero(generator.random(len(vectors)) < share)
    rows = np.r_[np.arange(len(vectors)), again]
    found, gap = versions_of(noisy([vectors[rows]], noise))
    assert np.sqrt(gap) == pytest.approx(noise, rel=0.6)
    together = found[len(vectors) :] == found[again]
    assert together.mean() > 0.95
    assert len(set(found)) > 0.97 * len(vectors)


def test_noise_of_every_size_leaves_no_gap():
    arrays, _ = repeated(independent(25, 300, (32, 32)))
    sizes = 10 ** np.random.default_rng(26).uniform(-3, 0, size=(1500, 1))
    generator = np.random.default_rng(27)
    alike = [array + sizes * generator.normal(size=array.shape) for array in arrays]
    assert versions_of(alike)[1] == 0


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_items_that_are_merely_alike_are_no_versions(noise):
    arrays, _ = repeated(independent(28, 300, (48, 64)))
    assert versions_of(noisy(arrays, noise))[1] == 0


def test_versions_in_one_model_only_are_different_items():
    (one, _), _ = repeated(independent(29, 200, (16, 16)))
    own = np.random.default_rng(30).normal(size=(1000, 16))
    assert versions_of(noisy([one], 0.02))[1] > 0
    assert versions_of(noisy([one, own], 0.02))[1] == 0


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 5])
def test_points_of_a_continuum_are_no_versions(latent_dim):
    generator = np.random.default_rng(31)
    latent = generator.normal(size=(5000, latent_dim))
    curved = [np.sin(latent @ generator.normal(size=(latent_dim, 16)) + np.arange(16)) for _ in range(2)]
    assert versions_of(curved)[1] == 0


@pytest.mark.parametrize("kind", [classes, bits, counts])
def test_equal_discrete_values_are_no_versions(kind):
    generator = np.random.default_rng(32)
    wide = np.hstack([kind(generator, 1000) for _ in range(3)])
    assert versions_of([wide])[1] == 0


def test_a_few_tight_clusters_are_no_versions_but_a_warning():
    generator = np.random.default_rng(33)
    centres, rows = generator.normal(size=(4, 16)), generator.integers(4, size=400)
    joined, notes = join_copies(noisy([centres[rows], centres[rows]], 0.02))
    assert joined is None
    assert notes[0].startswith("396 of 400 items seem to be versions")
    assert notes[0].endswith("they count as different items; if they are not, give the group of each item")


def test_given_groups_are_kept_whatever_versions_there_are():
    arrays, rows = repeated(independent(34, 100, (16, 12)))
    arrays = noisy(arrays, 0.02)
    own = np.arange(500)
    joined, notes = join_copies(arrays, own)
    assert joined is own
    assert notes[0].startswith("400 of 500 items seem to be versions")
    assert notes[0].endswith("some are in different groups, and the groups are kept as given")
    assert join_copies(arrays, rows) == (rows, ())


def test_a_study_is_told_of_copies_and_versions_that_its_groups_separate():
    arrays, rows = repeated(independent(35, 100, (16, 12)))
    (said,) = doubts_about_groups(arrays, np.arange(500).astype(str))
    assert said.startswith("400 of 500 items seem to be copies or versions of items of other groups")
    assert "vectors equal or nearly equal" in said
    (said,) = doubts_about_groups(noisy(arrays, 0.02), np.arange(500))
    assert "differ by about 2." in said
    assert "; " not in said  # which divides the warnings of a model
    assert doubts_about_groups(noisy(arrays, 0.02), rows) == []
    assert doubts_about_groups(independent(36, 500, (16, 12)), np.arange(500)) == []


def test_looking_for_versions_is_cheap():
    generator = np.random.default_rng(37)
    arrays = [generator.normal(size=(10_000, 256)).astype(np.float32) for _ in range(3)]
    start = time.process_time()
    versions_of(arrays)
    versions_of(noisy([array[np.arange(10_000) // 2] for array in arrays], 0.02))
    assert time.process_time() - start < 6  # about 1.5 s


def test_tight_clusters_of_many_items_are_not_versions_of_one():
    # Such as the classes of a network that has learned them: what they share is not a repeated item.
    generator = np.random.default_rng(0)
    cluster = np.repeat(np.arange(30), 20)
    source, target = (
        50 * generator.normal(size=(30, 32))[cluster] + generator.normal(size=(600, 32)) for _ in range(2)
    )
    groups, notes = join_copies([source, target])
    assert groups is None
    assert "they count as different items; if they are not, give the group of each item" in " ".join(notes)
    few = np.repeat(np.arange(120), 5)
    groups, notes = join_copies(
        [50 * generator.normal(size=(120, 32))[few] + generator.normal(size=(600, 32)) for _ in range(2)]
    )
    assert groups is not None and len(np.unique(groups)) == 120
    assert "they stay together and count once" in " ".join(notes)
