"""Files by URL: downloaded once into a cache, and checked against a SHA-256 from the user."""

import ipaddress
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from suffice.errors import SufficeError, first_line
from suffice.secrets import without_secrets
from suffice.storage.files import CHUNK_BYTES, sha256_of_file, whole_file

if TYPE_CHECKING:
    import requests

log = logging.getLogger("suffice")

CACHE_VARIABLE = "SUFFICE_CACHE"
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_SECONDS = 60  # for the next part of an answer
MEGABYTES_VARIABLE, MAX_MEGABYTES = "SUFFICE_MAX_DOWNLOAD_MB", 20_000
SECONDS_VARIABLE, MAX_SECONDS = "SUFFICE_MAX_DOWNLOAD_SECONDS", 6 * 3600
MAX_REDIRECTIONS = 5
N_HEX = 16  # digits of the hash in the name of a cached file


class FetchError(SufficeError):
    """A file is not available at its address."""


def is_url(text: str) -> bool:
    """Whether a path is a web address."""
    return "://" in text


def is_offline() -> bool:
    """Whether the environment switches downloads off (HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE)."""
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in OFFLINE_VARIABLES)


def check_url(url: str, sha256: str | None) -> None:
    """Raise FetchError unless the address is encrypted and the file's hash is known. Uses no network."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or is_local) or not Path(parts.path).name:
        raise FetchError(
            f"{url!r} is not the address of a file that begins with https://; give one, or a local path"
        )
    if sha256 is None:
        raise FetchError(
            f"{url} needs the setting sha256, to check what is downloaded; add the file's SHA-256"
        )


def cached_file(url: str, sha256: str) -> Path:
    """The path in the cache for the file of a URL, which may not exist yet."""
    return cache_folder() / f"{sha256[:N_HEX]}-{Path(urlsplit(url).path).name}"


def cache_folder() -> Path:
    """The folder in SUFFICE_CACHE (an environment variable), else the user's cache of the platform."""
    folder = os.environ.get(CACHE_VARIABLE)
    if folder is None:
        import pooch

        folder = str(pooch.os_cache("suffice"))
    return Path(folder)


def fetched(url: str, sha256: str | None) -> Path:
    """The file of a URL in the cache, with its hash checked. Uses no network.

    Raises:
        FetchError: the address or hash is invalid, or the file is not in the cache or has another hash.
    """
    check_url(url, sha256)
    path = cached_file(url, str(sha256))
    if not path.is_file():
        raise FetchError(
            f"{url} is not in the cache; run `suffice fetch STUDY` with network access, or download it "
            f"as {path}"
        )
    if sha256_of_file(path) != sha256:
        raise FetchError(f"the SHA-256 of {path} is not {sha256}; run `suffice fetch STUDY` again")
    return path


def fetch(url: str, sha256: str | None) -> Path:
    """The file of a URL, from the cache or downloaded now; it is complete and has that hash.

    Raises:
        FetchError: the file cannot be reached, has another hash, is too large or takes too long, or its
            server redirects to an address without encryption.
    """
    check_url(url, sha256)
    path = cached_file(url, str(sha256))
    if path.is_file() and sha256_of_file(path) == sha256:
        return path
    if is_offline():
        raise FetchError(
            f"{url} is not in the cache, and downloads are switched off; run `suffice fetch STUDY` with "
            f"network access, or download it as {path}"
        )
    try:
        with whole_file(path) as temporary:
            _download(url, temporary)
            check_file_hash(temporary, sha256)
    except (OSError, ValueError) as error:
        raise FetchError(
            f"{url} cannot be downloaded ({_reason(error)}); if you have the file, put it at {path}"
        ) from error
    return path


def _reason(error: Exception) -> str:
    """Why a download failed, without a library's text about the address."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"the server answered with status {answer.status_code}"
    return first_line(error) if isinstance(error, FetchError) else type(error).__name__


def _download(url: str, path: Path) -> None:
    """Download an address to a file.

    Raises:
        FetchError: it is too large, takes too long, or redirects to a refused address.
        OSError: the server cannot be reached, or does not have the file.
    """
    max_seconds = limit(SECONDS_VARIABLE, MAX_SECONDS)
    deadline = time.monotonic() + max_seconds
    max_bytes = limit(MEGABYTES_VARIABLE, MAX_MEGABYTES) * 1_000_000
    too_long = FetchError(f"it takes over {max_seconds:,} s; to allow more, set {SECONDS_VARIABLE}")
    with _opened(url, deadline, too_long) as answer, path.open("wb") as stream:
        _check_size(int(answer.headers.get("Content-Length") or 0), max_bytes)
        while chunk := _next_chunk(answer):
            stream.write(chunk)
            _check_size(stream.tell(), max_bytes)
            if time.monotonic() > deadline:
                raise too_long


def _next_chunk(answer: "requests.Response") -> bytes:
    """The next part of an answer; empty at its end."""
    from urllib3.exceptions import HTTPError

    try:
        return bytes(answer.raw.read1(CHUNK_BYTES))
    except HTTPError as error:
        raise FetchError(f"the connection was lost ({type(error).__name__})") from error


def _check_size(n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise FetchError(
            f"it has over {max_bytes // 1_000_000:,} MB; to allow more, set {MEGABYTES_VARIABLE}"
        )


@contextmanager
def _opened(url: str, deadline: float, too_long: FetchError) -> "Iterator[requests.Response]":
    """The answer to a request, after a limited number of redirections. Each one is checked and logged.

    `too_long` is raised if an answer has not begun at the deadline, by the monotonic clock.
    """
    try:
        import requests
    except ImportError:
        raise FetchError("files by URL need the package requests: pip install 'suffice[hub]'") from None
    with requests.Session() as session:
        for _ in range(MAX_REDIRECTIONS):
            ask = partial(
                session.get,
                url,
                stream=True,
                allow_redirects=False,
                timeout=TIMEOUT_SECONDS,
                headers={"Accept-Encoding": "identity"},
            )
            answer = _before(deadline, ask, too_long)
            if not answer.is_redirect:
                answer.raise_for_status()
                yield answer
                return
            url = _next_address(url, answer.headers["Location"])
            answer.close()
    raise FetchError(f"it is redirected more than {MAX_REDIRECTIONS} times")


def _before(
    deadline: float, ask: "Callable[[], requests.Response]", too_long: FetchError
) -> "requests.Response":
    """The answer, if its headers are here at the deadline; a server can send them one byte at a time."""
    answers: list[requests.Response | OSError | ValueError] = []

    def wait() -> None:
        try:
            answers.append(ask())
        except (OSError, ValueError) as error:
            answers.append(error)

    thread = threading.Thread(target=wait, daemon=True)  # if it takes too long, it ends with the process
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not answers:
        raise too_long
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]


def _next_address(url: str, location: str) -> str:
    """The target of a redirection: encrypted, and not on this computer. Another host is logged."""
    found = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(found)
    is_here, was_here = (parts.hostname in LOOPBACK for parts in (new, old))
    if not was_here if is_here else new.scheme != "https" or _is_private(new.hostname):
        raise FetchError(f"{old.hostname} redirects to {found}, which is not an encrypted public address")
    if (old.hostname, old.port) != (new.hostname, new.port):
        log.warning("%s redirects to another host: %s", old.hostname, without_secrets(found))
    return found


def _is_private(host: str | None) -> bool:
    """Whether a host is the number of a computer that is not on the internet."""
    try:
        return not ipaddress.ip_address(host or "").is_global
    except ValueError:
        return False


def limit(variable: str, default: int) -> int:
    """A limit for downloads: the default, or the value of an environment variable.

    Raises:
        FetchError: the variable is not a number.
    """
    text = os.environ.get(variable, str(default))
    if not text.isdigit():
        raise FetchError(f"the environment variable {variable} is {text!r}; it must be a number")
    return int(text)


@contextmanager
def without_network() -> Iterator[None]:
    """Stop libraries from contacting the hub inside the block, regardless of the environment."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        with _offline_datasets():
            yield
    finally:
        constants.HF_HUB_OFFLINE = before


@contextmanager
def _offline_datasets() -> Iterator[None]:
    """The same for the library of data sets, which has its own switch, if it is loaded."""
    config = sys.modules.get("datasets.config")
    if config is None:
        yield
        return
    before, config.HF_HUB_OFFLINE = config.HF_HUB_OFFLINE, True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        config.HF_HUB_OFFLINE = before  # type: ignore[attr-defined]


def check_file_hash(path: Path, sha256: str | None) -> None:
    """Raise FetchError if a local file does not have the given hash, if any."""
    if sha256 is not None and sha256_of_file(path) != sha256:
        raise FetchError(f"the SHA-256 of {path} is not {sha256}; it is a different file, or damaged")
