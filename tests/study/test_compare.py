"""Differences between two runs: models, scores, ranks, settings, code; in words and as JSON."""

import json
import shutil

import numpy as np
import pytest

from suffice.cli import main
from suffice.errors import DataError
from suffice.storage.files import write_sealed
from suffice.storage.records import read_record, record_path
from suffice.study.compare import SettingChange, compare_results


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Rankings of the same vectors: twice the same, with another seed, and with another model."""
    folder = tmp_path_factory.mktemp("runs")
    full = np.random.default_rng(0).normal(size=(400, 6))
    for name, array in {"all": full, "half": full[:, :3], "one": full[:, :1], "new": full[:, 2:]}.items():
        np.save(folder / f"{name}.npy", array)

    def rank(out, *names, seed="0"):
        files = [str(folder / f"{name}.npy") for name in names]
        assert main(["rank", *files, "--quiet", "--seed", seed, "--out", str(folder / out)]) == 0

    rank("first", "all", "half", "one")
    rank("again", "all", "half", "one")
    rank("seed", "all", "half", "one", seed="3")
    rank("models", "all", "half", "new")
    return folder


def test_two_equal_runs_do_not_differ(runs):
    found = compare_results(runs / "first", runs / "again")
    assert not (found.only_before or found.only_after or found.settings or found.code or found.only_one)
    same = "nothing differs: the same models, scores, ranks and settings; first is all (ranking)"
    assert not found.differs and found.lines() == [same]


def test_another_seed_is_a_setting_that_differs(runs):
    found = compare_results(runs / "first", runs / "seed")
    assert SettingChange("rank", "seed", 0, 3) in found.settings
    assert any(each.differs for each in found.rankings[0].models)
    lines = found.lines()
    assert lines[0] == "ranking: all is first in both" and found.differs
    assert "setting of rank: seed was 0, is 3" in lines
    assert any(line.startswith("  half: score ") and " -> " in line for line in lines)


def test_models_that_one_run_has_are_named(runs):
    found = compare_results(runs / "first", runs / "models")
    assert (found.only_before, found.only_after) == (["one"], ["new"])
    assert [each.model for each in found.rankings[0].models] == ["all", "half"]
    assert found.lines()[:2] == ["models only in the first run: one", "models only in the second run: new"]


def change_record(runs, older, **changes):
    """Copy a run, and change the parameters of its record."""
    shutil.copytree(runs / "first", older)
    content = read_record(older, older / "ranking.csv")
    content["job"]["parameters"] |= changes
    write_sealed(content, record_path(older, older / "ranking.csv"))


def test_what_follows_from_the_models_is_not_a_setting(runs, tmp_path):
    of_models = {"failures": ["a.json"], "pools": {"families": {"all": "counts"}, "models": ["all"]}}
    change_record(runs, tmp_path / "older", **of_models, pools_seed=1)
    found = compare_results(tmp_path / "older", runs / "again")
    assert found.settings == [SettingChange("rank", "pools_seed", 1, None)]


def test_only_lines_that_differ_are_shown_of_a_long_setting(runs, tmp_path):
    change_record(runs, tmp_path / "older", table="model\na\nb\n")
    change_record(runs, tmp_path / "newer", table="model\na\nc\nd\n")
    found = compare_results(tmp_path / "older", tmp_path / "newer")
    assert found.settings == [SettingChange("rank", "table", "b", "c\nd")]
    assert "setting of rank: table was b, is c; d" in found.lines()


def test_a_file_with_other_content_is_named(runs, tmp_path):
    def rank(out):
        files = [str(tmp_path / "in" / f"{name}.npy") for name in ("all", "half")]
        assert main(["rank", *files, "--quiet", "--out", str(tmp_path / out)]) == 0

    shutil.copytree(runs, tmp_path / "in")
    rank("before")
    changed = tmp_path / "in" / "half.npy"
    np.save(changed, np.load(changed) + 1)
    rank("after")
    found = compare_results(tmp_path / "before", tmp_path / "after")
    assert found.files == [str(changed)] and found.differs
    assert f"the content of a file differs: {changed}" in found.lines()


def test_code_that_differs_is_named_by_its_rule(runs, tmp_path):
    shutil.copytree(runs / "first", tmp_path / "older")
    older = tmp_path / "older"
    content = read_record(older, older / "ranking.csv")
    content["job"]["parameters"]["code"] = "0123456789ab suffice.ranking.rank"
    content["made"]["versions"]["numpy"] = "1.0"
    write_sealed(content, record_path(older, older / "ranking.csv"))
    found = compare_results(older, runs / "again")
    assert found.code == ["rank"]
    (numpy,) = found.settings
    assert (numpy.of, numpy.name, numpy.before) == ("packages", "numpy", "1.0")


def test_the_first_model_that_changes_is_said(runs, tmp_path):
    shutil.copytree(runs / "first", tmp_path / "older")
    table = tmp_path / "older" / "ranking.csv"
    head, first, *rest = table.read_text().splitlines(keepends=True)
    table.write_text("".join([head, *rest, first]))
    found = compare_results(tmp_path / "older", runs / "again")
    assert found.lines()[0] == f"ranking: {found.rankings[0].first_before} was first, all is first now"


def test_json_is_the_same_on_standard_output(runs, capsys):
    assert main(["compare", str(runs / "first"), str(runs / "seed"), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["settings"] == [{"of": "rank", "name": "seed", "before": 0, "after": 3}]
    assert content["rankings"][0]["models"][0]["before"]["rank"] == 1


def test_a_folder_without_rankings_is_named(tmp_path, runs):
    with pytest.raises(DataError, match="holds no ranking"):
        compare_results(tmp_path, runs / "first")
