"""Pairs on disk: what is there is not made again, what changed is."""

import json

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.estimators import get_estimator
from suffice.estimators.base import save_prepared
from suffice.estimators.items import divide_items
from suffice.estimators.stored import StoredModel, pair_key, pairs_of_target
from suffice.files import sha256_of_file
from suffice.store import ResultStore

N_ITEMS = 200


@pytest.fixture
def study(tmp_path):
    class Folder:
        plan = divide_items(N_ITEMS, seed=0)
        store = ResultStore(tmp_path / "store")
        models: dict = {}

        def add(self, name, seed):
            vectors = tmp_path / f"{name}.npy"
            np.save(vectors, np.random.default_rng(seed).normal(size=(N_ITEMS, 3)))
            vectors.with_suffix(".json").write_text(json.dumps({"array_sha256": sha256_of_file(vectors)}))
            prepared = tmp_path / f"{name}.npz"
            save_prepared(get_estimator("linear")().prepare(np.load(vectors), self.plan), prepared)
            self.models[name] = StoredModel(vectors, prepared)

        def pairs(self, target, **settings):
            estimator = get_estimator("linear")(**settings)
            return pairs_of_target(estimator, self.models, target, self.plan, self.store)

        def n_made(self, **settings):
            return sum(self.pairs(target, **settings)[1] for target in self.models)

    folder = Folder()
    folder.models = {}
    for seed, name in enumerate(("a", "b", "c")):
        folder.add(name, seed)
    return folder


def test_a_new_model_costs_its_own_pairs_and_nothing_else(study):
    assert study.n_made() == 9
    assert study.n_made() == 0
    study.add("d", 9)
    assert study.n_made() == 2 * 3 + 1


def test_other_contents_settings_or_seeds_are_made_again(study):
    study.n_made()
    study.add("b", 17)
    assert study.n_made() == 5
    assert study.n_made(variance_floor=1e-3) == 9
    assert study.n_made(seed=1) == 9
    assert study.n_made() == 0


def test_the_order_of_a_pair_counts(study):
    estimator = get_estimator("linear")()
    assert pair_key(estimator, "p", "u", "v") != pair_key(estimator, "p", "v", "u")


def test_what_is_read_is_what_was_made(study):
    made, _ = study.pairs("a")
    read, n_made = study.pairs("a")
    assert n_made == 0
    pd.testing.assert_frame_equal(made, read, check_exact=True)


def test_a_damaged_pair_is_named_and_computed_again(study, caplog):
    study.n_made()
    damaged = next(study.store.folder.rglob("*.json"))
    damaged.write_text('{"nats": 1')
    assert study.n_made() == 1
    assert f"{damaged.name} is damaged" in caplog.text
    assert study.n_made() == 0


def test_damaged_preparation_is_named(study):
    study.models["a"].prepared.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DataError, match=r"a\.npz is damaged"):
        study.pairs("b")
