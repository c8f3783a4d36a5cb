import numpy as np
import pytest
from sklearn.metrics import v_measure_score

from suffice.errors import DataError, ModelError
from suffice.tasks.clustering import v_measure
from suffice.tasks.probes import run_probe
from suffice.tasks.settings import TaskSettings

SETTINGS = TaskSettings(kind="clustering", label="label")


def test_v_measure_is_that_of_the_written_out_rows(rng):
    classes, clusters, weights = rng.integers(5, size=80), rng.integers(4, size=80), rng.integers(3, size=80)
    expected = v_measure_score(np.repeat(classes, weights), np.repeat(clusters, weights))
    assert v_measure(classes, clusters, weights.astype(float)) == pytest.approx(expected)


def test_v_measure_at_its_ends():
    classes, ones = np.array([0, 0, 1, 1]), np.ones(4)
    assert v_measure(classes, 1 - classes, ones) == pytest.approx(1)
    assert v_measure(classes, np.array([0, 1, 0, 1]), ones) == pytest.approx(0, abs=1e-12)  # rounding
    assert v_measure(np.zeros(4, dtype=int), np.zeros(4, dtype=int), ones) == 1


def test_separated_directions_are_found(blobs, rng):
    embedding, table = blobs
    lengths = rng.uniform(0.1, 10, size=(240, 1))  # lengths do not matter
    plain = run_probe(SETTINGS, embedding, table, seed=0)
    assert plain.metric == "v_measure"
    assert plain.value > 0.8  # three directions 4 standard deviations out
    assert plain.chance < 0.05  # about (3 - 1)^2 / (2 * 240 * log 3)
    assert (plain.n_train, plain.n_test, plain.n_classes) == (0, 240, 3)
    assert 0 < plain.standard_error < 0.1
    scaled = run_probe(SETTINGS, embedding * lengths, table, seed=0)
    assert scaled.value == pytest.approx(plain.value, abs=1e-3)  # float32 rounding may move a border item


def test_noise_is_at_chance(blobs, rng):
    result = run_probe(SETTINGS, rng.normal(size=(240, 6)), blobs[1], seed=0)
    assert result.value < 0.06  # chance is 0.01 and a group of three shares its class


def test_same_seed_same_result(blobs):
    assert run_probe(SETTINGS, *blobs, seed=3) == run_probe(SETTINGS, *blobs, seed=3)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda e, t: (e, t.assign(label="one")), DataError, "has 1 classes for 240 items"),
        (lambda e, t: (e, t.assign(label=range(240))), DataError, "has 240 classes for 240 items"),
        (lambda e, t: (np.sign(e[:, :1]), t), ModelError, "2 different vectors cannot form 3 clusters"),
        (lambda e, t: (e, t.assign(group="one")), DataError, "belong to one group"),
    ],
)
def test_bad_input(blobs, change, error, message):
    embedding, table = change(*blobs)
    with pytest.raises(error, match=message):
        run_probe(SETTINGS, embedding, table, seed=0)
