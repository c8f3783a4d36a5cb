"""Locks between processes, by files: the system frees them when their holder ends, however it ends."""

import errno
import fcntl
import logging
import os
from pathlib import Path

log = logging.getLogger("suffice")

NOT_SUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Lock a file, which is made if need be.

    Args:
        path: the file; it stays when the lock is freed.
        shared: a lock that others may share too, but none may have alone.

    Returns:
        The open file, to be kept as long as the lock; None if another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        if error.errno not in NOT_SUPPORTED:
            raise
        log.warning("%s: this file system has no locks; see that only one run works on it", path.parent)
    return handle
