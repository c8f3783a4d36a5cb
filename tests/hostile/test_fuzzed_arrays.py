"""Estimates of odd arrays: a finite number, or a message; no warning of a library, no silent floor."""

import warnings
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suffice import estimate, rank
from suffice.errors import AssumptionWarning, DoubtWarning, SufficeError

CHEAP = ("linear", "gaussian", "copula")
SIZES = (0, 1, 2, 49, 50, 51, 60, 100, 200)
WIDTHS = (1, 2, 3, 8, 40, 120)
SCALES = (1.0,) * 6 + (1e-30, 1e30, 1e-45, 1e38, 1e150, 1e-160, 1e300, 1e-310, 5e-324)
SHIFTS = (0.0,) * 6 + (1.0, 1e6, -1e12, 1e300)
TYPES = (np.float64,) * 3 + (np.float32,) * 2 + (np.float16,)
CAP_NATS = -0.5 * np.log(1e-6)  # of a dimension that is predicted up to the floor
SAME_NATS = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 2e-3}
"""Powers of two change no digit; single precision has another way to the mean beyond 1e15 than before it."""


def ties(generator, n, d):
    return np.round(generator.standard_normal((n, d)))


def constant(generator, n, d):
    return np.full((n, d), generator.choice([0.0, 1.0, -3.0, 1e300]))


def duplicate_columns(generator, n, d):
    return np.repeat(generator.standard_normal((n, 1)), d, axis=1)


def duplicate_rows(generator, n, d):
    return generator.standard_normal((3, d))[generator.integers(0, 3, n)]


def dependent(generator, n, d):
    return generator.standard_normal((n, 2)) @ generator.standard_normal((2, d))


def heavy_tails(generator, n, d):
    return generator.standard_t(1, (n, d)) ** 3


def bits(generator, n, d):
    return (generator.random((n, d)) < generator.choice([0.5, 0.01])).astype(float)


def many_scales(generator, n, d):
    return generator.standard_normal((n, d)) * 10.0 ** generator.integers(-30, 30, d)


def normal(generator, n, d):
    return generator.standard_normal((n, d))


FORMS = (normal, ties, constant, duplicate_columns, duplicate_rows, dependent, heavy_tails, bits, many_scales)


def truths(generator, n, d):
    return generator.random((n, d)) < 0.5


def whole_numbers(generator, n, d):
    kind = generator.choice(["int8", "uint8", "int32", "int64"])
    return generator.integers(0, np.iinfo(kind).max, (n, d), dtype=kind)


def laid_out(array, generator):
    """The same numbers, otherwise in memory."""
    way = generator.integers(4)
    if way == 1:
        return np.asfortranarray(array)
    if way == 2:
        return np.repeat(array, 2, axis=0)[::2]
    array = array.copy()
    array.flags.writeable = way != 3
    return array


def draw_array(generator, n):
    """An odd array of n rows."""
    d = int(generator.choice(WIDTHS))
    if generator.random() < 0.15:
        return laid_out((truths, whole_numbers)[generator.integers(2)](generator, n, d), generator)
    form = FORMS[generator.integers(len(FORMS))]
    with np.errstate(all="ignore"):
        values = form(generator, n, d) * generator.choice(SCALES) + generator.choice(SHIFTS)
        array = values.astype(TYPES[generator.integers(len(TYPES))])
    if n and generator.random() < 0.05:
        array[generator.integers(n), generator.integers(d)] = generator.choice([np.nan, np.inf, -np.inf])
    return laid_out(array, generator)


def attempt(compute, *arguments, **settings):
    """The result, or None after a message of ours; a warning of a library is an error, one of ours is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ours in (AssumptionWarning, DoubtWarning):
            warnings.simplefilter("ignore", ours)
        try:
            return compute(*arguments, **settings)
        except SufficeError as error:
            assert str(error).strip()
            return None


seeds = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("estimator", CHEAP)
@given(seed=seeds)
def test_an_estimate_is_finite_and_says_where_it_was_floored(estimator, seed):
    generator = np.random.default_rng(seed)
    n = int(generator.choice(SIZES))
    source = draw_array(generator, n)
    target = source if generator.random() < 0.15 else draw_array(generator, n)
    result = attempt(estimate, source, target, estimator=estimator)
    if result is None:
        return
    for each in fields(result):
        value = getattr(result, each.name)
        assert not isinstance(value, (float, np.ndarray)) or np.isfinite(value).all(), each.name
    if result.nats_per_dim > CAP_NATS - 1e-3:
        assert any("variance floor" in warning for warning in result.warnings)
    assert result.nats_per_dim < CAP_NATS + 0.1
    assert result.standard_error_nats >= 0


@pytest.mark.parametrize("estimator", CHEAP)
@given(seed=seeds, power=st.sampled_from([-300, -100, -40, -10, -1, 1, 10, 40, 100, 300]))
def test_a_scale_changes_nothing_or_is_refused(estimator, seed, power):
    generator = np.random.default_rng(seed)
    n = int(generator.choice(SIZES[4:]))
    arrays = [draw_array(generator, n), draw_array(generator, n)]
    before = attempt(estimate, *arrays, estimator=estimator)
    side = int(generator.integers(2))
    if before is None or arrays[side].dtype not in SAME_NATS:
        return
    with np.errstate(all="ignore"):
        scaled = np.ldexp(arrays[side], power).astype(arrays[side].dtype)
        is_exact = np.array_equal(np.ldexp(scaled, -power), arrays[side])
    if not is_exact:  # digits are lost at the ends of the range of numbers
        return
    tolerance = SAME_NATS[arrays[side].dtype]
    arrays[side] = scaled
    after = attempt(estimate, *arrays, estimator=estimator)
    assert after is None or after.nats == pytest.approx(before.nats, abs=tolerance, rel=tolerance)


POOLS = ("rank_low_pools", "rank_high_pools", "could_be_first_pools")
EMPTY_BY_DESIGN = (*POOLS, "items_needed")


@pytest.mark.parametrize("estimator", CHEAP)
@given(seed=seeds, some=st.booleans())
def test_a_ranking_has_no_empty_cell(estimator, seed, some):
    generator = np.random.default_rng(seed)
    n = int(generator.choice(SIZES[4:]))
    names = ("a", "b", "c", "d")
    embeddings = {name: draw_array(generator, n) for name in names[:3]} | {"d": normal(generator, n, 2)}
    ranking = attempt(rank, embeddings, estimator=estimator, targets=3 if some else "all")
    if ranking is None:
        return
    table = ranking.table
    assert table.drop(columns=list(EMPTY_BY_DESIGN)).notna().all(axis=None)
    assert table["items_needed"].isna().tolist() == [False] * 3 + [True]  # the last has none below it
    n_groups = table.loc[table["is_target"], "relatives"].nunique()
    assert (table[list(POOLS)].notna() == (n_groups >= 3)).all(axis=None)
    numbers = table.drop(columns=["items_needed", *POOLS]).select_dtypes("number")
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert (table["score_low"] <= table["score"]).all()
    assert (table["score"] <= table["score_high"]).all()
    assert table[["win_rate_low", "win_rate", "win_rate_high"]].stack().between(-1e-9, 1 + 1e-9).all()
    assert np.isfinite(numbers.to_numpy()).all()
    assert np.isfinite(ranking.pairs.select_dtypes("number").to_numpy()).all()
    assert ranking.advice


def test_a_dimension_too_small_for_its_digits_is_refused():
    array = np.random.default_rng(0).standard_normal((100, 3))
    with pytest.raises(SufficeError, match="values in column 0 that are too small; multiply them"):
        estimate(array * 1e-310, array)


def test_rounding_of_a_model_of_one_direction_is_no_information():
    generator = np.random.default_rng(0)
    wide = np.repeat(generator.standard_normal((100, 1)), 120, axis=1).astype(np.float32)
    direction = estimate(wide[:, :1], generator.standard_normal((100, 3)), estimator="gaussian")
    generator = np.random.default_rng(0)
    generator.standard_normal((100, 1))
    whole = estimate(wide, generator.standard_normal((100, 3)), estimator="gaussian")
    assert whole.nats == pytest.approx(direction.nats, abs=1e-3)


@pytest.mark.parametrize("estimator", CHEAP)
def test_one_dimension_at_the_floor_is_said(estimator):
    generator = np.random.default_rng(0)
    source = generator.standard_normal((300, 3))
    target = np.hstack([source[:, :1], generator.standard_normal((300, 2))])
    result = estimate(source, target, estimator=estimator)
    assert any(
        warning.startswith("1 of 3 dimensions predicted up to the variance floor")
        for warning in result.warnings
    )
    assert not estimate(source, target[:, 1:], estimator=estimator).warnings
