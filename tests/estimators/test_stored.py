"""Pairs on disk: what is there is not made again, what changed is."""

import importlib.metadata
import json

import numpy as np
import pandas as pd
import pytest

from suffice.data.looks import LookTable
from suffice.errors import DataError, EstimationError
from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items
from suffice.estimators.regression import tiling
from suffice.estimators.stored import folder_beside, pair_key, stored_pairs
from suffice.estimators.views import StoredModel, prepare_views, views_of
from suffice.storage import provenance
from suffice.storage.files import read_json, remove_leftovers, sha256_of_file
from suffice.storage.store import ResultStore
from suffice.workflow import ModelsInOneJob

N_ITEMS, N_PAIRS = 200, 100


def look_table(kind, seed=0, content=""):
    """A hundred pairs of rows: of the items, or of two hundred looks."""
    rows = np.random.default_rng(seed).permutation(N_ITEMS).reshape(2, N_PAIRS)
    columns = {"first": rows[0], "second": rows[1], "group": [f"g{pair}" for pair in range(N_PAIRS)]}
    return LookTable(kind, f"{kind}{seed}{content}", pd.DataFrame(columns))


@pytest.fixture
def study(tmp_path):
    class Folder:
        groups = np.arange(N_ITEMS)
        looks = None
        store = ResultStore(tmp_path / "store")
        models: dict = {}

        def view(self, estimator):
            return views_of(estimator, self.groups, self.looks)[-1]

        def add(self, name, seed):
            paths = tmp_path / f"{name}.npy", tmp_path / f"{name}.looks.npy"
            for path, own in zip(paths, (seed, 100 + seed), strict=True):
                np.save(path, np.random.default_rng(own).normal(size=(N_ITEMS, 3)))
                path.with_suffix(".json").write_text(json.dumps({"array_sha256": sha256_of_file(path)}))
            beside = paths[1] if self.looks is not None and self.looks.kind == "halves" else None
            self.models[name] = StoredModel(paths[0], tmp_path / f"{name}.npz", beside)
            estimator = get_estimator("linear")()
            views = views_of(estimator, self.groups, self.looks)
            prepare_views(estimator, self.models[name], views)

        def pairs(self, target, **settings):
            estimator = get_estimator("linear")(**settings)
            return stored_pairs(estimator, self.models, [target], self.view(estimator), self.store)

        def n_made(self, **settings):
            return sum(self.pairs(target, **settings)[1] for target in self.models)

        def fill(self, looks=None):
            self.looks, self.models = looks, {}
            for seed, name in enumerate(("a", "b", "c")):
                self.add(name, seed)

    folder = Folder()
    folder.fill()
    return folder


@pytest.mark.parametrize("kind", ["group", "halves"])
def test_pairs_across_looks_are_those_of_the_estimator_on_the_rows_of_the_looks(study, kind):
    study.fill(look_table(kind))
    pairs, n_made = study.pairs("b")
    assert n_made == 3 and set(pairs["looks"]) == {kind}
    rows = study.looks.rows
    files = {name: model.looks if kind == "halves" else model.vectors for name, model in study.models.items()}
    first, second = ({name: np.load(file)[each] for name, file in files.items()} for each in rows)
    estimator = get_estimator("linear")()
    prepared = estimator.prepare_all_looks(first, second, divide_items(N_PAIRS, study.looks.group, 0))
    wanted = [(source, "b") for source in prepared]
    expected = {source: found.nats for source, _, found in estimator.all_look_pairs(prepared, wanted)}
    assert dict(zip(pairs["source"], pairs["nats"], strict=True)) == pytest.approx(expected)


def test_pairs_of_one_look_and_of_two_never_share_a_place_in_the_store(study):
    assert study.n_made() == 9
    for looks in (look_table("group"), look_table("group", seed=1), look_table("halves")):
        study.fill(looks)
        assert study.n_made() == 9
        assert study.n_made() == 0
    study.fill(look_table("group"))
    assert study.n_made() == 0
    study.fill(look_table("group", content="others"))
    assert study.n_made() == 9
    study.fill()
    assert study.n_made() == 0


def test_a_new_model_costs_its_own_pairs_across_looks_and_nothing_else(study):
    study.fill(look_table("halves"))
    assert study.n_made() == 9
    study.add("d", 9)
    assert study.n_made() == 2 * 3 + 1


def test_an_estimator_of_two_looks_has_no_pairs_of_one(study):
    own = get_estimator("neighbours")(target="own")
    (view,) = views_of(own, study.groups, look_table("group"))
    assert view.name == "group"
    for looks in (None, LookTable("same", "", look_table("group").table.head(0))):
        with pytest.raises(EstimationError, match="needs two looks at an item"):
            views_of(own, study.groups, looks)


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


@pytest.mark.parametrize(
    ("library", "linear", "knife"),
    [("numpy", True, True), ("torch", False, True), ("snakemake", False, False)],
)
def test_another_version_of_a_library_that_computes_a_pair_gives_another_key(
    study, monkeypatch, library, linear, knife
):
    def keys():
        provenance._libraries_of.cache_clear()
        estimators = [get_estimator(name)() for name in ("linear", "knife")]
        return [pair_key(each, study.view(each), "u", "v") for each in estimators]

    before, version = keys(), importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.1" if name == library else version(name)
    )
    assert [old != new for old, new in zip(before, keys(), strict=True)] == [linear, knife]
    monkeypatch.undo()
    assert keys() == before


def test_the_order_of_a_pair_counts(study):
    estimator = get_estimator("linear")()
    view = study.view(estimator)
    assert pair_key(estimator, view, "u", "v") != pair_key(estimator, view, "v", "u")


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


def test_pairs_of_all_targets_at_once_are_those_of_each_target(study):
    estimator = get_estimator("linear")()
    view, other = study.view(estimator), ResultStore(study.store.folder / "other")
    together, n_made = stored_pairs(estimator, study.models, list(study.models), view, other)
    assert n_made == 9
    apart = pd.concat([study.pairs(target)[0] for target in study.models], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart, check_exact=True)


def test_what_was_estimated_before_a_kill_is_not_estimated_again(study, monkeypatch):
    estimator = get_estimator("linear")()
    view, targets = study.view(estimator), list(study.models)
    monkeypatch.setattr(tiling, "MAX_MOMENTS_BYTES", 1)  # one model in a run
    put, n_put = ResultStore.put, []

    def killed(store, key, result):
        if len(n_put) == 4:
            raise KeyboardInterrupt
        n_put.append(put(store, key, result))

    monkeypatch.setattr(ResultStore, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        stored_pairs(estimator, study.models, targets, view, study.store)
    monkeypatch.setattr(ResultStore, "put", put)
    assert stored_pairs(estimator, study.models, targets, view, study.store)[1] == 9 - 4


def test_only_models_of_missing_pairs_are_prepared(study):
    estimator = get_estimator("linear")()
    view, targets, prepared = study.view(estimator), list(study.models), []
    for name in targets:
        study.models[name].prepared.unlink()

    def prepare(names):
        prepared.append(list(names))
        for name in names:
            prepare_views(estimator, study.models[name], [view])
        return set()

    stored_pairs(estimator, study.models, ["a"], view, study.store, prepare)
    stored_pairs(estimator, study.models, ["a"], view, study.store, prepare)
    stored_pairs(estimator, study.models, targets, view, study.store, prepare)
    assert prepared == [["a", "b", "c"], []]


@pytest.mark.parametrize("name", ["linear", "neighbours"])
def test_a_model_that_fails_is_recorded_and_stops_no_other_model(study, name):
    estimator = get_estimator(name)()
    study.add("d", 3)
    view, targets, folder = study.view(estimator), list(study.models), study.store.folder.parent
    records = {model: str(folder / "failed" / f"{model}.json") for model in targets}
    vectors = np.load(study.models["b"].vectors)
    np.save(study.models["b"].vectors, vectors * np.nan)

    def run():
        for model in study.models.values():
            model.prepared.unlink(missing_ok=True)
        alone = ModelsInOneJob(records, "d")

        def prepare(needed):
            for model in needed:
                alone.work(lambda each: prepare_views(estimator, study.models[each], [view]), model)
            return alone.failed

        table, n_made = stored_pairs(estimator, study.models, targets, view, study.store, prepare)
        return alone, table, n_made

    alone, table, n_made = run()
    assert n_made == len(table) == 9 and not {"b"} & {*table["source"], *table["target"]}
    with pytest.raises(EstimationError, match="1 of 4 models failed: b;"):
        alone.check()
    (record,) = (folder / "failed").iterdir()
    failure = read_json(record)
    assert failure["model"] == "b" and "NaN" in failure["message"]

    assert run()[2] == 0  # nothing was mended

    np.save(study.models["b"].vectors, vectors)
    alone, table, n_made = run()
    alone.check()
    assert (len(table), n_made) == (16, 16 - 9)
    assert not list((folder / "failed").iterdir())


@pytest.mark.parametrize("error", [EstimationError, np.linalg.LinAlgError])
def test_a_pair_that_fails_stops_no_other_pair(study, monkeypatch, caplog, error):
    linear = get_estimator("linear")
    together = linear.estimate_together

    def failing(self, models, wanted, threads):
        if ("c", "b") in wanted:
            raise error("singular")
        return together(self, models, wanted, threads)

    monkeypatch.setattr(linear, "estimate_together", failing)
    view, targets = study.view(linear()), list(study.models)
    with pytest.raises(error, match="singular"):
        stored_pairs(linear(), study.models, targets, view, study.store)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "the pair of source c and target b failed: singular"
    ]
    monkeypatch.setattr(linear, "estimate_together", together)
    table, n_made = stored_pairs(linear(), study.models, targets, view, study.store)
    assert (len(table), n_made) == (9, 1)


def test_the_folder_of_prepared_models_is_removed_after_a_kill(study):
    with pytest.raises(KeyboardInterrupt), folder_beside(study.store) as folder:
        (folder / "0.npz").write_text("half")
        raise KeyboardInterrupt
    assert not folder.exists()
    left = folder.with_name(folder.name + "x")  # as a process leaves it that ends at once
    left.mkdir()
    (left / "0.npz").write_text("half")
    remove_leftovers(study.store.folder.parent)
    assert not left.exists()


def test_damaged_preparation_is_named(study):
    study.models["a"].prepared.write_bytes(b"PK\x03\x04 no")
    with pytest.raises(DataError, match=r"a\.npz is damaged"):
        study.pairs("b")
