"""What the workflow is asked for on its command line, and records of earlier runs that are damaged."""

from pathlib import Path

import pytest

from suffice.errors import SufficeError
from suffice.kinds.registry import kind_of_study
from suffice.workflow import open_study, study_folder

STUDIES = ("../x", "/no/such", "x" * 300, "a\0b", "", "<script>", "~nobody-of-that-name", "$(id)", "5", "-1")
OVERRIDES: tuple[tuple[str, object, str], ...] = (
    ("sede", 1, "unknown key 'sede'; did you mean 'seed'"),
    ("seed", "x", "'seed' has the value 'x'"),
    ("seed", True, "'seed' has the value True: write a number"),
    ("seed", 2**64, "18446744073709551616 is not a whole number"),
    ("models", "../../none.tsv", "none.tsv, is outside the study's folder"),
    ("models", "/etc/passwd", "passwd"),
    ("models", "a\0b", "cannot be the name of a file"),
    ("models", "x" * 5000 + ".tsv", "cannot be the name of a file|too long"),
    ("datasets", ".", "cannot be read"),
    ("tasks", "toys.csv", "the column 'task' is missing"),
    ("estimators", {"../x": {"estimator": "linear"}}, "'../x' is not a name"),
    ("estimators", {"linear": {"variance_floor": float("nan")}}, "variance_floor"),
    ("estimators", {"linear": {"penalty": 1e400}}, "penalty"),
    ("estimators", {"linear": "x"}, "estimators.linear"),
    ("estimators", {"os.system": {}}, "unknown estimator 'os.system'"),
    ("ranking", {"targets": ["own", "own"]}, "own"),
    ("ranking", {"n_resamples": 10**30}, "n_resamples"),
    ("public_scores", {"table": "../../../../etc/passwd"}, "passwd"),
    ("public_scores", {"tree": "a\0b", "tasks": ["x"]}, "cannot be the name of a file"),
    ("training", {"x": {"dataset": "../toys"}}, "no data set '../toys'"),
    ("kind", "calibration", "'kind' has the value 'calibration'"),
)


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_that_is_none_is_named(project, tmp_path, monkeypatch, study):
    monkeypatch.chdir(tmp_path)
    config = {"study": study}
    with pytest.raises(
        SufficeError, match="no study|cannot be the name of a file|home folder|is not a study"
    ):
        kind_of_study(study_folder(config, project), {})


@pytest.mark.parametrize(("key", "value", "message"), OVERRIDES)
def test_an_override_that_is_wrong_is_named(toy_study, tmp_path, monkeypatch, key, value, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SufficeError, match=message):
        open_study({"study": str(toy_study), key: value}, tmp_path, check=True)


@pytest.mark.parametrize("content", ["", "[]", "5", "{}", '{"model": 5, "dataset": []}', "[" * 10**5])
def test_a_damaged_record_of_a_failure_is_named(toy_study, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    record = Path("results/toy/failed/toys/own.json")
    record.parent.mkdir(parents=True)
    record.write_text(content)
    with pytest.raises(SufficeError, match=r"own\.json"):
        open_study({"study": str(toy_study), "skip_failed": True}, tmp_path, check=False)
