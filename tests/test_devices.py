"""Jobs share GPUs: each has one alone, the next waits, and the dead hold none."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from suffice import devices
from suffice.devices import DeviceError, own_gpu, visible_gpus

HOLD = """import sys, time
from suffice.devices import own_gpu
with own_gpu() as gpu:
    print(gpu, flush=True)
    time.sleep(float(sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def two_gpus(monkeypatch, tmp_path):
    monkeypatch.setenv("SUFFICE_LOCKS", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(devices, "_installed_gpus", dict)


def hold(seconds):
    return subprocess.Popen([sys.executable, "-c", HOLD, str(seconds)], stdout=subprocess.PIPE, text=True)


def test_each_job_has_a_gpu_alone_and_the_next_one_waits():
    with hold(60) as first, hold(60) as second:
        had = {first.stdout.readline().strip(), second.stdout.readline().strip()}
        assert had == {"0", "1"}
        with hold(0) as third:
            time.sleep(1.5)
            assert third.poll() is None
            first.kill()  # a killed job frees its GPU
            assert third.stdout.readline().strip() in had
        second.kill()


def test_the_environment_is_as_before_afterwards():
    with own_gpu() as gpu:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == gpu == "0"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_gpus_are_named_by_uuid_where_that_is_known(monkeypatch):
    monkeypatch.setattr(devices, "_installed_gpus", lambda: {"0": "GPU-aa", "1": "GPU-bb"})
    assert visible_gpus() == ["GPU-aa", "GPU-bb"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,MIG-cc")
    assert visible_gpus() == ["GPU-bb", "MIG-cc"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a")
    assert visible_gpus() == ["GPU-aa"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert visible_gpus() == ["GPU-aa", "GPU-bb"]


def gpu_of_another_user(gpus):
    """Which of some GPUs a process of another user takes, that shares only the folder of locks."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            os.environ["CUDA_VISIBLE_DEVICES"] = gpus
            with own_gpu() as gpu:
                os.write(start, gpu.encode())
        finally:
            os._exit(0)
    os.close(start)
    os.waitpid(child, 0)
    with open(end) as said:
        return said.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a process of another user")
def test_users_share_gpus_by_a_folder_in_which_all_may_write(monkeypatch):
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o1777)
        monkeypatch.setenv("SUFFICE_LOCKS", name)
        with own_gpu() as mine:
            assert mine == "0"
            assert gpu_of_another_user("0,1") == "1"
        assert gpu_of_another_user("0") == "0"  # by the file that this user made
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        with own_gpu() as theirs:  # by the file that the other one made
            assert theirs == "1"


@pytest.mark.parametrize("nothing", ["", "-1"])
def test_no_gpu_is_an_error_that_says_what_to_do(monkeypatch, nothing):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", nothing)
    with pytest.raises(DeviceError, match="use device: cpu"), own_gpu():
        pass
