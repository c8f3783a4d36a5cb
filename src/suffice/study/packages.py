"""Packages that a study takes models and data from: listed in its folder, and installed before it runs."""

import importlib.metadata
import re
from pathlib import Path

from suffice.data.text_files import decode
from suffice.errors import StudyError

LOCK = "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)


def check_packages(folder: Path) -> None:
    """Raise StudyError, with pip's command, if a package in the study's requirements.lock is not installed.

    Only the files of these packages are read, so their own dependencies are not needed.
    """
    lock = folder / LOCK
    if not lock.is_file():
        return
    missing = [name for name in PIN.findall(decode(lock.read_bytes(), str(lock))) if not is_installed(name)]
    if missing:
        raise StudyError(
            f"the study needs {', '.join(missing)}; run `pip install --no-deps -r {lock}`, which installs "
            "exact versions without the packages that these ask for"
        )


def is_installed(distribution: str) -> bool:
    """Whether any version of a distribution is installed."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
