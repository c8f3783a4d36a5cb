"""Files by URL: fetched once into a cache, and checked against a SHA-256 that the user gives."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from suffice.errors import SufficeError, first_line
from suffice.files import sha256_of_file

CACHE_VARIABLE = "SUFFICE_CACHE"
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_SECONDS = 60
N_HEX = 16  # of the hash in the name of a cached file


class FetchError(SufficeError):
    """A file cannot be had from where it is said to be."""


def is_url(text: str) -> bool:
    """Whether a path is an address of the web."""
    return "://" in text


def is_offline() -> bool:
    """Whether the environment switches downloads off (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE)."""
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in OFFLINE_VARIABLES)


def check_url(url: str, sha256: str | None) -> None:
    """Raise FetchError unless the address is encrypted and the file's hash is known; no network."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or is_local) or not Path(parts.path).name:
        raise FetchError(
            f"{url!r} is no address of a file that begins with https://; give one, or a local path"
        )
    if sha256 is None:
        raise FetchError(
            f"{url} needs the setting sha256, so that it is known what comes; add the file's SHA-256"
        )


def cached_file(url: str, sha256: str) -> Path:
    """Where the file of a URL is kept, whether it is there or not.

    The folder is that of the environment variable SUFFICE_CACHE, else the user's cache of the platform.
    """
    folder = os.environ.get(CACHE_VARIABLE)
    if folder is None:
        import pooch

        folder = str(pooch.os_cache("suffice"))
    return Path(folder) / f"{sha256[:N_HEX]}-{Path(urlsplit(url).path).name}"


def check_fetchable(url: str, sha256: str | None) -> Path | None:
    """What can be told of a URL without network: the file if it is in the cache, else None.

    Raises:
        FetchError: the address or hash is not fit, or the file is not in the cache and downloads are
            switched off.
    """
    check_url(url, sha256)
    _require_pooch()
    path = cached_file(url, str(sha256))
    if path.is_file():
        return path
    if is_offline():
        raise FetchError(
            f"{url} is not in the cache, and downloads are switched off; run `make fetch STUDY=...` where "
            f"there is a network, or fetch it as {path}"
        )
    return None


def fetch(url: str, sha256: str | None) -> Path:
    """The file of a URL, from the cache or fetched now: whole and with that hash, or not at all.

    Raises:
        FetchError: the file cannot be reached, or has another hash.
    """
    check_fetchable(url, sha256)
    import pooch

    path = cached_file(url, str(sha256))
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}",
            fname=path.name,
            path=path.parent,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS),
        )
    except (OSError, ValueError) as error:
        reason = first_line(error)
        raise FetchError(
            f"{url} cannot be fetched ({reason}); if it was fetched elsewhere, put it into {path}"
        ) from error
    return path


def check_file_hash(path: Path, sha256: str | None) -> None:
    """Raise FetchError if a local file has another hash than the one that is asked for, if any."""
    if sha256 is not None and sha256_of_file(path) != sha256:
        raise FetchError(f"{path} has another SHA-256 than {sha256}; it is another file, or damaged")


def _require_pooch() -> None:
    try:
        import pooch  # noqa: F401
    except ImportError:
        raise FetchError("files by URL need the package pooch: pip install 'suffice[hub]'") from None
