import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from suffice.errors import DataError, ModelError
from suffice.tasks.probes import run_probe
from suffice.tasks.representation import MAX_ITEMS
from suffice.tasks.settings import TaskSettings

SETTINGS = TaskSettings(kind="representational_similarity", label="measure")


def as_table(measure, groups=None):
    """A corpus whose items have this measure: numbers, or vectors written as text."""
    values = measure if np.ndim(measure) == 1 else [str([float(x) for x in row]) for row in measure]
    return pd.DataFrame({"measure": values, "group": np.arange(len(values)) if groups is None else groups})


def centred(rng, shape):
    """Rows with mean 0, whose cosine is their correlation."""
    vectors = rng.normal(size=shape)
    return vectors - vectors.mean(axis=1, keepdims=True)


def test_the_same_geometry_agrees_completely_at_any_scale(rng):
    vectors = centred(rng, (60, 384))
    scaled = 100 + vectors * rng.uniform(0.1, 10, size=(60, 1))
    result = run_probe(SETTINGS, vectors.astype(np.float32), as_table(scaled), seed=0)
    assert result.metric == "spearman"
    assert result.value == pytest.approx(1, abs=1e-4)
    assert (result.n_train, result.n_test, result.chance) == (0, 60, 0.0)


def test_rho_is_that_of_all_pairs_of_items(rng):
    vectors, measure = rng.normal(size=(40, 8)), rng.normal(size=(40, 5))
    rows, columns = np.triu_indices(40, k=1)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = spearmanr((1 - units @ units.T)[rows, columns], (1 - np.corrcoef(measure))[rows, columns])
    result = run_probe(SETTINGS, vectors, as_table(measure), seed=0)
    assert result.value == pytest.approx(expected.statistic, abs=1e-6)


def test_a_measure_of_one_number_compares_distances(rng):
    angle = rng.uniform(0, np.pi / 2, size=50)
    on_circle = np.column_stack([np.cos(angle), np.sin(angle)])
    assert run_probe(SETTINGS, on_circle, as_table(angle), seed=0).value == pytest.approx(1, abs=1e-3)
    assert run_probe(SETTINGS, on_circle, as_table(on_circle), seed=0).value == pytest.approx(1, abs=1e-3)


def test_the_standard_error_is_the_spread_over_draws(rng):
    found = []
    for _ in range(40):
        signal = centred(rng, (80, 12))
        vectors = signal + rng.normal(size=signal.shape)
        found.append(run_probe(SETTINGS, vectors, as_table(signal), seed=0))
    spread = np.std([each.value for each in found], ddof=1)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(spread, rel=0.4)
    assert 0.3 < np.mean([each.value for each in found]) < 0.8


def test_unrelated_measures_agree_as_by_chance(rng):
    results = [
        run_probe(SETTINGS, rng.normal(size=(80, 16)), as_table(rng.normal(size=(80, 6))), seed=0)
        for _ in range(20)
    ]
    mean, error = np.mean([each.value for each in results]), results[0].standard_error / np.sqrt(20)
    assert abs(mean) < 3 * error


def test_groups_of_alike_items_widen_the_standard_error(rng):
    signal = np.repeat(centred(rng, (20, 12)), 5, axis=0)
    vectors = signal + np.repeat(rng.normal(size=(20, 12)), 5, axis=0)
    alone, grouped = (
        run_probe(SETTINGS, vectors, as_table(signal, groups), seed=0).standard_error
        for groups in (None, np.repeat(np.arange(20), 5))
    )
    assert grouped > 1.5 * alone


def test_items_without_a_measure_and_beyond_the_limit_take_no_part(rng):
    measure = rng.normal(size=MAX_ITEMS + 50)
    vectors = rng.normal(size=(MAX_ITEMS + 50, 3))
    table = as_table(measure)
    assert run_probe(SETTINGS, vectors, table, seed=1).n_test == MAX_ITEMS
    table.loc[:99, "measure"] = np.nan
    result = run_probe(SETTINGS, vectors, table, seed=1)
    assert result.n_test == MAX_ITEMS - 50
    vectors[:100] = 0
    assert run_probe(SETTINGS, vectors, table, seed=1).value == result.value


@pytest.mark.parametrize(
    ("vectors", "measure", "error", "message"),
    [
        (np.eye(3), [1.0, 2.0, 3.0], DataError, "3 items have a value in 'measure'"),
        (np.eye(5), [1.0] * 5, DataError, "equally far apart in 'measure'"),
        (np.eye(5), np.arange(5.0), ModelError, "the same cosine"),
        (np.eye(5), ["fast", "slow", "slow", "fast", "slow"], DataError, "'fast', which is not a finite"),
        (np.eye(5), ["[1, 2, 3]"] * 4 + ["[1, 2]"], DataError, "vectors of different lengths, 2 to 3"),
        (np.eye(5), ["[1, 2, 3]"] * 4 + ["[2, 2, 2]"], DataError, "no direction"),
        (np.eye(5), ["[1, 2, 3]"] * 4 + ["[2, nan, 2]"], DataError, "no direction"),
    ],
)
def test_what_is_refused(vectors, measure, error, message):
    with pytest.raises(error, match=message):
        run_probe(SETTINGS, vectors, pd.DataFrame({"measure": measure, "group": range(len(measure))}), seed=0)
