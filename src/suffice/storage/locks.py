"""Locks between processes, by files. The system frees a lock when its process ends for any reason.

Lock libraries offer shared locks on some systems only. This module therefore uses the system's own calls:
`flock` if `fcntl` is available, and `LockFileEx` on Windows.
"""

import errno
import importlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

log = logging.getLogger("suffice")

NOT_SUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)
FAIL_IMMEDIATELY, EXCLUSIVE = 1, 2  # flags of LockFileEx
SECONDS_BETWEEN_TRIES = 0.5
LOCK_VIOLATION = 33  # Windows: another process has the lock


def try_lock(path: Path, *, shared: bool = False, of_all_users: bool = False) -> int | None:
    """Lock a file, which is created if necessary.

    Args:
        path: the file; it stays when the lock is freed.
        shared: a lock that others may share, but that nobody can have exclusively.
        of_all_users: whether a file that is created here may be locked by any user.

    Returns:
        The open file, to be kept as long as the lock; None if another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _open(path, of_all_users)
    try:
        _system_lock()(handle, shared)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        log.warning("%s: this file system has no locks; make sure that only one run uses it", path.parent)
    return handle


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Have a lock in the context; wait for it while another process has it, which is logged.

    Args:
        path: the file, as for `try_lock`.
        what: what another process is doing, for the log.
    """
    handle = try_lock(path)
    if handle is None:
        log.info("another job is busy with %s; waiting until it ends", what)
    while handle is None:
        time.sleep(SECONDS_BETWEEN_TRIES)
        handle = try_lock(path)
    try:
        yield
    finally:
        os.close(handle)


def _system_lock() -> Callable[[int, bool], None]:
    """The call that locks an open file, or raises BlockingIOError at once if another process has it."""
    try:
        importlib.import_module("fcntl")
    except ImportError:
        return _lock_on_windows
    return _lock_on_unix


def _lock_on_unix(handle: int, shared: bool) -> None:
    fcntl: Any = importlib.import_module("fcntl")
    fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _lock_on_windows(handle: int, shared: bool) -> None:
    """Lock the first byte, which need not exist; closing the file or ending the process frees it."""
    ctypes: Any = importlib.import_module("ctypes")
    msvcrt: Any = importlib.import_module("msvcrt")
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    file, overlapped = ctypes.c_void_p(msvcrt.get_osfhandle(handle)), (ctypes.c_uint64 * 4)()
    flags = FAIL_IMMEDIATELY | (0 if shared else EXCLUSIVE)
    if kernel.LockFileEx(file, flags, 0, 1, 0, ctypes.byref(overlapped)):
        return
    if ctypes.get_last_error() == LOCK_VIOLATION:
        raise BlockingIOError(errno.EAGAIN, "another process has the lock")
    raise ctypes.WinError(ctypes.get_last_error())


def _open(path: Path, of_all_users: bool) -> int:
    """The file, created only if necessary: on some systems only its owner may open it for creation."""
    while True:
        try:
            return os.open(path, os.O_RDWR)
        except PermissionError:  # another user's file, which can still be locked
            return os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            with suppress(FileExistsError):
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)  # minus the umask
                if of_all_users:
                    path.chmod(0o666)
                return handle
