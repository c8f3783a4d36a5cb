"""Grids: what they hold, what limits leave out, and what is refused before any work."""

import pytest
import yaml

from suffice.errors import StudyError
from suffice.kinds.calibration.study import PARTS, load_calibration
from suffice.kinds.registry import kind_of_study

GROUP = {
    "channels": ["gaussian", "mixture"],
    "widths": [4, [8, 6]],
    "n_items": [200],
    "nats_per_dim": [0, 0.5],
}


def content(**changes):
    grid = {"channels": {"few": GROUP}, "limits": {"slow": {"max_dim": 6, "max_items": 1000}}}
    given = {
        "title": "Toy",
        "kind": "calibration",
        "estimators": {"linear": None, "slow": {"estimator": "linear"}},
        "grid": "small",
        "grids": {"small": grid},
    }
    return given | changes


@pytest.fixture
def write(tmp_path):
    def write_study(given):
        folder = tmp_path / "toy"
        folder.mkdir(exist_ok=True)
        (folder / "study.yaml").write_text(yaml.safe_dump(given))
        return folder

    return write_study


def test_a_grid_is_every_combination_and_limits_leave_out(write):
    study = load_calibration(write(content()))
    assert study.jobs("channels") == [("few", "linear"), ("few", "slow")]
    assert study.jobs("chains") == []
    assert len(study.measured("channels", "few", "linear")) == 8
    assert {each["dim"] for each in study.measured("channels", "few", "slow")} == {4}
    assert study.n_settings("slow") == (4, 8)


def test_an_estimator_that_a_limit_leaves_nothing_has_no_job(write):
    limits = {"slow": {"max_dim": 2, "max_items": 1000}}
    study = load_calibration(write(content(grids={"small": {"channels": {"few": GROUP}, "limits": limits}})))
    assert study.jobs("channels") == [("few", "linear")]


def test_another_grid_can_be_chosen_for_one_run(write):
    one = {"channels": {"one": GROUP | {"widths": [4], "n_draws": 3}}}
    folder = write(content(grids={"small": {"channels": {"few": GROUP}}, "other": one}))
    study = load_calibration(folder, {"grid": "other"})
    assert len(study.measured("channels", "one", "linear")) == 12


def test_figures_are_those_that_have_something_to_show(write):
    study = load_calibration(write(content()))
    assert "independence" in study.figures and "error_by_width" not in study.figures
    wider = GROUP | {"widths": [4, 8], "nats_per_dim": [0.5]}
    study = load_calibration(write(content(grids={"small": {"channels": {"few": wider}}})))
    assert "independence" not in study.figures and "error_by_width" in study.figures


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": "smal"}, "unknown grid 'smal'; did you mean 'small'"),
        ({"estimators": {"lineer": {}, "slow": {"estimator": "linear"}}}, "estimator 'lineer'"),
        ({"estimators": {"slow": {"estimator": "linear", "penalties": 1}}}, "unknown key 'penalties'"),
        ({"estimators": {"linear": {}}}, "limits: unknown estimator 'slow'"),
        ({"grids": {"small": {}}}, "at least one group of channels"),
        ({"grids": {"small": {"channels": {"a b": GROUP}}}}, "'a b' is not a name"),
        ({"models": {}}, "unknown key 'models'"),
    ],
)
def test_a_wrong_key_is_named(write, changes, message):
    with pytest.raises(StudyError, match=message):
        load_calibration(write(content(**changes)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ["gausian"]}, "unknown channel 'gausian'; did you mean 'gaussian'"),
        ({"n_items": [20]}, "n_items is 20; an estimate needs at least 50"),
        ({"nats_per_dim": [-1]}, "nats_per_dim at least 0"),
        ({"widths": [0]}, "widths must be at least 1"),
        (
            {"nats_per_dim": [20]},
            "channel 'gaussian' at widths 4 and 4 and 20 nats per dimension: one",
        ),
        ({"channels": ["student"]}, "channel 'student' .* carries at least"),
    ],
)
def test_a_wrong_group_is_named(write, changes, message):
    grids = {"small": {"channels": {"few": GROUP | changes}}}
    with pytest.raises(StudyError, match=message) as caught:
        load_calibration(write(content(grids=grids)))
    assert "grids.small.channels.few" in str(caught.value)


def test_a_chain_that_cannot_be_is_refused(write):
    chains = {"bad": {"chains": ["noise"], "n_models": 20, "dim": 8, "n_items": 200}}
    grids = {"small": {"channels": {"few": GROUP}, "chains": chains}}
    with pytest.raises(StudyError, match="use fewer models or smaller steps"):
        load_calibration(write(content(grids=grids)))


def test_the_kind_of_a_study(write, tmp_path):
    assert kind_of_study(write(content())).name == "calibration"
    assert kind_of_study(write({"title": "Documents"})).name == "embeddings"
    with pytest.raises(StudyError, match="no kind of study 'calibraton'; did you mean 'calibration'"):
        kind_of_study(write({"kind": "calibraton"}))
    with pytest.raises(StudyError, match="has no study.yaml"):
        kind_of_study(tmp_path / "nowhere")


@pytest.mark.parametrize("grid", ["small", "full"])
def test_the_grids_that_come_with_the_project_are_valid(project, grid):
    study = load_calibration(project / "config" / "calibration", {"grid": grid})
    assert all(study.jobs(part) for part in PARTS)
