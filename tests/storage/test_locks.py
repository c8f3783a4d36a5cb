"""Locks of files: shared or alone, freed by the end of their holder, also on a system without `fcntl`."""

import ctypes
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from suffice.storage import locks
from suffice.storage.locks import locked, try_lock

HOLD = """import sys, time
from pathlib import Path
from suffice.storage.locks import try_lock
print(try_lock(Path(sys.argv[1]), shared=sys.argv[2] == "shared") is not None, flush=True)
time.sleep(60)
"""


def holder(path, kind):
    return subprocess.Popen([sys.executable, "-c", HOLD, str(path), kind], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("theirs", "shared", "gets_it"), [
    ("shared", True, True), ("shared", False, False), ("alone", True, False), ("alone", False, False),
])  # fmt: skip
def test_only_shared_locks_are_shared(tmp_path, theirs, shared, gets_it):
    path = tmp_path / "lock"
    with holder(path, theirs) as process:
        assert process.stdout.readline().strip() == "True"
        assert (try_lock(path, shared=shared) is not None) is gets_it
        process.kill()
    assert try_lock(path) is not None or gets_it  # the dead hold none


class Kernel:
    """What `LockFileEx` of Windows does, for one file in one process; the flags it was called with."""

    def __init__(self, code):
        self.code, self.flags = code, []

    def LockFileEx(self, file, flags, reserved, low, high, overlapped):  # noqa: N802
        self.flags.append(flags)
        assert (file.value, reserved, low, high) == (7000, 0, 1, 0)
        return not self.code


@pytest.fixture
def windows(monkeypatch):
    """A system that has no `fcntl`, whose kernel answers with an error code; 0: it gives the lock."""

    def with_answer(code):
        kernel = Kernel(code)
        monkeypatch.setitem(sys.modules, "fcntl", None)
        monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(get_osfhandle=lambda handle: 7000))
        monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: kernel, raising=False)
        monkeypatch.setattr(ctypes, "get_last_error", lambda: code, raising=False)
        monkeypatch.setattr(ctypes, "WinError", lambda code: OSError(22, f"code {code}"), raising=False)
        return kernel

    return with_answer


def test_windows_is_asked_for_a_lock_without_waiting(windows, tmp_path):
    kernel = windows(0)
    for shared in (True, False):
        os.close(try_lock(tmp_path / "lock", shared=shared))
    assert kernel.flags == [locks.FAIL_IMMEDIATELY, locks.FAIL_IMMEDIATELY | locks.EXCLUSIVE]


def test_windows_says_that_another_has_the_lock(windows, tmp_path):
    windows(locks.LOCK_VIOLATION)
    assert try_lock(tmp_path / "lock") is None
    windows(5)
    with pytest.raises(OSError, match="code 5"):
        try_lock(tmp_path / "lock")


def test_the_command_and_the_ranking_are_imported_without_fcntl():
    code = "import sys; sys.modules['fcntl'] = None; import suffice.cli, suffice.workflow; suffice.rank"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_context_waits_until_the_lock_is_free(tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(locks, "SECONDS_BETWEEN_TRIES", 0.01)
    entered = threading.Event()

    def wait():
        with locked(tmp_path / "lock", "the pass"):
            entered.set()

    with locked(tmp_path / "lock", "nothing"):
        waiting = threading.Thread(target=wait)
        waiting.start()
        assert not entered.wait(0.2)
    waiting.join(timeout=10)
    assert entered.is_set()
    assert caplog.messages == ["another job is busy with the pass; waiting until it ends"]
    with locked(tmp_path / "lock", "nothing"):
        pass  # freed after the context
