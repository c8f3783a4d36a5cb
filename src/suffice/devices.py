"""Sharing the GPUs of one machine among jobs: each job that needs a GPU has one to itself."""

import getpass
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suffice.errors import SufficeError
from suffice.storage.locks import try_lock

log = logging.getLogger("suffice")

VISIBLE = "CUDA_VISIBLE_DEVICES"
LOCKS_VARIABLE = "SUFFICE_LOCKS"
WAIT_SECONDS = 1.0


class DeviceError(SufficeError):
    """The device that a study asks for is not available."""


def visible_gpus() -> list[str]:
    """Names of the GPUs that this process may use: their UUIDs, or what CUDA_VISIBLE_DEVICES lists.

    A UUID always means the same card, but the number 0 is a different card in each job of a scheduler.
    """
    installed = _installed_gpus()
    named = os.environ.get(VISIBLE)
    if named is None:
        return list(installed.values())
    return [_uuid_of(name.strip(), installed) for name in named.split(",") if name.strip() not in ("", "-1")]


def _uuid_of(name: str, installed: dict[str, str]) -> str:
    starting = [uuid for uuid in installed.values() if uuid.startswith(name)]
    return installed.get(name) or (starting[0] if len(starting) == 1 else name)


def _installed_gpus() -> dict[str, str]:
    """UUID of each GPU by its number; empty if nvidia-smi is missing or finds no GPU."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    asked = [program, "--query-gpu=index,uuid", "--format=csv,noheader"]
    done = subprocess.run(asked, capture_output=True, text=True)
    rows = [line.split(", ") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}


def lock_folder() -> Path:
    """The folder of GPU locks: SUFFICE_LOCKS, or a folder of this user among temporary files."""
    user = getattr(os, "getuid", getpass.getuser)  # Windows has only user names
    default = Path(tempfile.gettempdir()) / f"suffice-gpus-{user()}"
    return Path(os.environ.get(LOCKS_VARIABLE) or default)


@contextmanager
def own_gpu() -> Iterator[str]:
    """Use one GPU alone and see no other, by a lock that ends with this block or with the process.

    It waits while all GPUs are taken. It must start before CUDA is initialised.

    Yields:
        The GPU's name.

    Raises:
        DeviceError: this process may use no GPU.
    """
    gpus, before = visible_gpus(), os.environ.get(VISIBLE)
    if not gpus:
        raise DeviceError("the study uses the device cuda, but no GPU was found; use device: cpu")
    gpu, lock = _first_free(gpus)
    os.environ[VISIBLE] = gpu
    log.info("on GPU %s", gpu)
    try:
        yield gpu
    finally:
        os.close(lock)
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def _first_free(gpus: list[str]) -> tuple[str, int]:
    waiting = False
    while True:
        for gpu in gpus:
            lock = try_lock(lock_folder() / f"{gpu.replace('/', '-')}.lock", of_all_users=True)
            if lock is not None:
                return gpu, lock
        if not waiting:
            log.info("waiting for one of %d GPUs; other jobs use them all", len(gpus))
            waiting = True
        time.sleep(WAIT_SECONDS)
