from types import SimpleNamespace

import pytest

from suffice.files import read_json, write_json
from suffice.workflow import failed_models, recording_failure


def study(*models):
    return SimpleNamespace(models=dict.fromkeys(models), datasets={"d": None})


def test_a_model_that_fails_under_two_estimators_is_named_once(tmp_path):
    for estimator in ("linear", "gaussian"):
        record = {"model": "m", "dataset": "d", "message": f"{estimator} failed"}
        write_json(record, tmp_path / "failed" / "d" / f"m.{estimator}.json")
    write_json({"model": "gone", "dataset": "d", "message": "x"}, tmp_path / "failed" / "d" / "gone.json")
    (failure,) = failed_models(tmp_path, study("m"))
    assert failure["message"] == "gaussian failed"
    assert not (tmp_path / "failed" / "d" / "gone.json").exists()


def test_a_record_is_there_while_a_job_runs_and_after_it_failed(tmp_path):
    path = tmp_path / "m.json"
    with recording_failure(str(path), "m", "d"):
        assert "did not end" in read_json(path)["message"]
    assert not path.exists()
    with pytest.raises(ValueError), recording_failure(str(path), "m", "d"):
        raise ValueError("too wide")
    assert read_json(path)["message"] == "too wide"
