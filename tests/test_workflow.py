import errno
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from suffice.errors import StudyError
from suffice.storage.files import create_array, read_json, whole_file, write_json
from suffice.workflow import claim_results, failed_models, is_full_disk, job_at_work, recording_failure


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
        assert "still running or was killed" in read_json(path)["message"]
    assert not path.exists()
    with pytest.raises(ValueError), recording_failure(str(path), "m", "d"):
        raise ValueError("too wide")
    assert read_json(path)["message"] == "too wide"


def test_a_model_that_succeeds_leaves_no_record_of_its_shards_behind(tmp_path):
    for name in ("m.shard-0", "m.shard-12", "m.linear", "m2.shard-0"):
        write_json({"model": name.split(".")[0], "dataset": "d", "message": "x"}, tmp_path / f"{name}.json")
    with pytest.raises(ValueError), recording_failure(str(tmp_path / "m.json"), "m", "d"):
        raise ValueError("too wide")
    assert (tmp_path / "m.shard-0.json").exists()
    with recording_failure(str(tmp_path / "m.json"), "m", "d"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.linear.json", "m2.shard-0.json"]


def test_one_run_at_a_time_has_the_results(tmp_path):
    lock = claim_results(tmp_path)
    with pytest.raises(StudyError, match="another run is using"):
        claim_results(tmp_path)
    os.close(lock)
    with job_at_work(tmp_path), pytest.raises(StudyError, match="jobs of an earlier run are still using"):
        claim_results(tmp_path)
    os.close(claim_results(tmp_path))


def test_a_lock_is_free_when_its_holder_is_killed(tmp_path):
    code = "import sys, time; from pathlib import Path; from suffice.workflow import claim_results; "
    code += "claim_results(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StudyError):
            claim_results(tmp_path)
        holder.kill()
    os.close(claim_results(tmp_path))


def test_a_full_disk_is_known_from_any_library():
    assert is_full_disk(OSError(errno.ENOSPC, "No space left on device"))
    assert is_full_disk(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert not is_full_disk(OSError(errno.EACCES, "Permission denied"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here (it needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_space_that_is_not_there_is_an_error_before_the_first_page_is_written(small_disk):
    with (
        pytest.raises(OSError, match="No space left") as caught,
        whole_file(small_disk / "a.npy") as temporary,
    ):
        create_array(temporary, (1000, 1000))
    assert is_full_disk(caught.value)
    assert list(small_disk.iterdir()) == []


def test_a_job_on_a_full_disk_ends_with_a_message(small_disk):
    code = "from pathlib import Path; from types import SimpleNamespace\n"
    code += "from suffice.storage.files import create_array; from suffice.workflow import running_job\n"
    code += "job = dict(input=[], output=['results/toy/a.npy'], params={}, log=[])\n"
    code += (
        "with running_job(SimpleNamespace(**job, resources={})): create_array(Path('a.npy'), (1000, 1000))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=small_disk, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no disk space left")
    assert "Traceback" not in done.stderr
