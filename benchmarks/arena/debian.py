"""Data that ship inside packages of Debian: fetched by apt-get, checked, unpacked, and read as data."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from packages import sha256_of


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian 12 that is unpacked and not installed.

    Attributes:
        name: its name.
        version: its version.
        sha256: of the package file.
    """

    name: str
    version: str
    sha256: str


def unpack_debian(package: DebianPackage, cache: Path) -> Path:
    """The folder of the unpacked package, fetched if need be (Debian 12, after `apt-get update`).

    Raises:
        ValueError: the package is not the one that the arena was measured with.
        subprocess.CalledProcessError: apt-get cannot fetch it.
    """
    folder = cache / "debian" / package.name
    if not folder.exists():
        archives = cache / "debian" / "archives" / package.name
        archives.mkdir(parents=True, exist_ok=True)
        if not any(archives.glob("*.deb")):
            wanted = f"{package.name}={package.version}"
            subprocess.run(["apt-get", "download", "-qq", wanted], cwd=archives, check=True)
        (archive,) = archives.glob("*.deb")
        check(archive, package)
        partial = folder.with_suffix(".partial")
        subprocess.run(["dpkg-deb", "-x", str(archive), str(partial)], check=True)
        partial.rename(folder)
    return folder


def check(archive: Path, package: DebianPackage) -> None:
    """Raise ValueError if the file has another hash."""
    found = sha256_of(archive)
    if found != package.sha256:
        raise ValueError(f"{archive} has the SHA-256 {found}, expected {package.sha256}; delete it and retry")
