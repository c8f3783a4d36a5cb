"""Locks between processes, by files. The system frees a lock when its process ends for any reason."""

import errno
import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("suffice")

NOT_SUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def try_lock(path: Path, *, shared: bool = False, of_all_users: bool = False) -> int | None:
    """Lock a file, which is created if necessary.

    Args:
        path: the file; it stays when the lock is freed.
        shared: a lock that others may share too, but none may have alone.
        of_all_users: whether a file that is made here is one that any user may lock.

    Returns:
        The open file, to be kept as long as the lock; None if another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _open(path, of_all_users)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        log.warning("%s: this file system has no locks; make sure that only one run uses it", path.parent)
    return handle


def _open(path: Path, of_all_users: bool) -> int:
    """The file, which is made only if need be: some systems let none but its owner ask to make it again."""
    while True:
        try:
            return os.open(path, os.O_RDWR)
        except FileNotFoundError:
            with suppress(FileExistsError):
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
                if of_all_users:
                    os.fchmod(handle, 0o666)
                return handle
