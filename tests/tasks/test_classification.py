import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError, ModelError
from suffice.tasks.folds import stratified_folds
from suffice.tasks.probes import run_probe
from suffice.tasks.settings import TaskSettings
from suffice.tasks.statistics import clustered_standard_error

SETTINGS = TaskSettings(kind="classification", label="label")


def test_separated_classes_are_found(blobs):
    embedding, table = blobs
    result = run_probe(SETTINGS, embedding, table, seed=0)
    test = table["split"] == "test"
    largest = table.loc[~test, "label"].value_counts().idxmax()
    assert result.metric == "accuracy"
    assert result.value > 0.96  # centres 5.7 sd apart: 0.5 % errors at best, four sd of 96 items are 3 %
    assert result.chance == pytest.approx((table.loc[test, "label"] == largest).mean())
    assert (result.n_train, result.n_test, result.n_classes) == (test.eq(False).sum(), test.sum(), 3)
    assert result.extra["macro_f1"] > 0.96


def test_noise_is_at_chance(blobs, rng):
    _, table = blobs
    result = run_probe(SETTINGS, rng.normal(size=(240, 6)), table, seed=0)
    assert abs(result.value - 1 / 3) < 4 * result.standard_error  # four standard errors
    assert result.standard_error == pytest.approx(np.sqrt(2 / 9 / result.n_test), rel=0.4)


def test_invariant_to_scale_and_shift_of_dimensions(blobs):
    embedding, table = blobs
    moved = embedding * np.array([1e-3, 1, 10, 1e3, 1, 1]) + 5
    one, other = (run_probe(SETTINGS, vectors, table, seed=0) for vectors in (embedding, moved))
    assert one.value == other.value


def test_more_dimensions_than_items(blobs, rng):
    embedding, table = blobs
    rotation = np.linalg.qr(rng.normal(size=(500, 6)))[0].T
    result = run_probe(SETTINGS, embedding @ rotation, table, seed=0)
    assert result.value > 0.95  # the same 6 directions, now correlated over 500 columns


def test_constant_dimensions_change_nothing(blobs):
    embedding, table = blobs
    wide = np.hstack([embedding, np.full((240, 2), 0.3, dtype=np.float32)])
    assert (
        run_probe(SETTINGS, wide, table, seed=0).value == run_probe(SETTINGS, embedding, table, seed=0).value
    )


def test_memory_map_and_missing_labels(blobs, tmp_path):
    embedding, table = blobs
    np.save(tmp_path / "e.npy", np.vstack([embedding, np.full((10, 6), np.nan)]).astype(np.float32))
    extra = pd.DataFrame({"label": [None] * 10, "group": "none", "split": "train"})
    mapped = np.load(tmp_path / "e.npy", mmap_mode="r")
    result = run_probe(SETTINGS, mapped, pd.concat([table, extra], ignore_index=True), seed=0)
    assert result == run_probe(SETTINGS, embedding, table, seed=0)  # NaN rows without label are not read


def test_rare_and_unseen_classes_are_left_out_and_named(blobs):
    embedding, table = blobs
    table = table.copy()
    test_rows = np.flatnonzero(table["split"] == "test")
    train_rows = np.flatnonzero(table["split"] == "train")
    table.loc[test_rows[:2], "label"] = "only in test"
    table.loc[train_rows[:4], "label"] = "rare"
    result = run_probe(SETTINGS, embedding, table, seed=0)
    assert result.n_classes == 3
    assert result.n_test == len(test_rows) - 2
    (warning,) = [w for w in result.warnings if "left out" in w]
    assert "'rare' (4)" in warning and "'only in test' (0)" in warning and "2 test items" in warning


def test_class_of_one_group_is_absent_from_a_fold(blobs):
    embedding, table = blobs
    table = table.assign(label=table["label"].mask(table["group"].isin(["g0", "g1"]), "lonely"))
    table.loc[table["group"].isin(["g0", "g1"]), "group"] = "g0"  # 6 items, one group, in train
    embedding = embedding.copy()
    embedding[:6] += 20
    result = run_probe(SETTINGS, embedding, table, seed=0)
    assert result.n_classes == 4
    assert result.value > 0.95  # as without the fourth class, of which the test items have none


def test_folds_keep_groups_whole(rng):
    classes, groups = rng.integers(3, size=90), np.repeat(np.arange(30), 3)
    for fitted, held in stratified_folds(classes, groups, seed=0):
        assert not set(groups[fitted]) & set(groups[held])


def test_standard_error_is_clustered_by_group(blobs, rng):
    embedding, table = blobs
    noisy = (
        embedding + rng.normal(size=(80, 6)).repeat(3, axis=0).astype(np.float32) * 4
    )  # errors come by group
    result = run_probe(SETTINGS, noisy, table, seed=0)
    naive = np.sqrt(result.value * (1 - result.value) / result.n_test)
    assert result.standard_error > 1.2 * naive  # shared noise: up to sqrt(3) = 1.7


def test_same_seed_same_result(blobs):
    assert run_probe(SETTINGS, *blobs, seed=3) == run_probe(SETTINGS, *blobs, seed=3)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda e, t: (e[:-1], t), DataError, "shape .239, 6. but the data set has 240 items"),
        (
            lambda e, t: (np.where(np.arange(240)[:, None] == 7, np.nan, e), t),
            ModelError,
            "the first in row 7",
        ),
        (lambda e, t: (np.ones_like(e), t), ModelError, "the same vector"),
        (lambda e, t: (e, t.assign(split="train")), DataError, "240 labelled items in train and 0 in test"),
        (lambda e, t: (e, t.assign(split="dev")), DataError, "has .'dev'.; allowed are train and test"),
        (
            lambda e, t: (e, t.assign(group="one")),
            DataError,
            "1 groups have labelled items in both train and test",
        ),
        (
            lambda e, t: (e, t.assign(label="one")),
            DataError,
            "has 1 class.es. with at least 5 training items",
        ),
        (lambda e, t: (e, t.assign(label=None)), DataError, "no item has a value in column 'label'"),
        (lambda e, t: (e, t.assign(group=t["group"].mask(t.index == 3))), DataError, "row 3 .* has no group"),
        (lambda e, t: (e, t.assign(group=t["split"])), DataError, "form 1 group.s., but choosing"),
    ],
)
def test_bad_input(blobs, change, error, message):
    embedding, table = change(*blobs)
    with pytest.raises(error, match=message):
        run_probe(SETTINGS, embedding, table, seed=0)


def test_no_scored_class_left(blobs):
    embedding, table = blobs
    table = table.assign(label=table["label"].mask(table["split"] == "test", "new"))
    with pytest.raises(DataError, match="no test item belongs to a class"):
        run_probe(SETTINGS, embedding, table, seed=0)


def test_clustered_error_ignores_group_numbers(rng):
    values, groups = rng.normal(size=20), np.repeat(np.arange(10), 2)
    assert clustered_standard_error(values, groups) == pytest.approx(
        clustered_standard_error(values, groups * 7)
    )
