"""Remove data that must not leave this computer: secrets in addresses, and home folders in paths."""

import logging
import os
import re
from pathlib import Path
from typing import Any

ADDRESS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,30}:/{2})(?P<user>[^\s/?#\"'<>]{0,999}@)?(?P<place>[^\s?#\"'<>]*)"
    r"(?P<rest>[?#][^\s\"'<>]*)?",
    re.IGNORECASE,
)
HARMLESS = frozenset({"download", "format", "version", "ref", "rev", "revision", "raw", "dl", "export"})
NAME = (
    r"[\w-]{0,40}(?:signature|token|secret|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|credential)"
    r"[\w-]{0,40}|sig|jwt|pwd"
)
TOKEN = re.compile(
    r"\b(hf|ghp|gho|ghs|ghu|glpat|github_pat|r8|jina|xox[abprs]|nvapi)[_-][A-Za-z0-9_-]{16,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[A-Z0-9]{16}\b|\bAIza[\w-]{30,}|\bdapi[0-9a-f]{32}"
    r"|\beyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]+"  # a JSON web token
    r"|(?<=\bBearer )\s*[\w.~+/=-]{8,}|(?<=\bBasic )\s*[\w+/=-]{8,}"
)
PARAMETER = re.compile(rf"\b((?:{NAME})=)[^\s&\"']+", re.IGNORECASE)
HEADER = re.compile(
    r"(\b[\w-]{0,40}(?:api-key|passw(?:or)?d|secret|access[_-]key)[\"']?\s{0,9}[:=]\s{0,9}[\"']?)"
    r"[^\s\"',;}]{4,}",
    re.IGNORECASE,
)  # of requests, and settings of tools
USER = re.compile(r"(?<![\w/@.+-])[\w.+-]{1,99}:[^\s/@:\"'<>]{1,99}@(?=[\w.-]{1,99}:\d{1,5}\b)")
"""User and password before a host with a port, as in the settings of proxies."""
CUT = "…"
OTHER_HOMES = re.compile(r"(?<![\w.~])/(home|Users)/[^/\s\"']+(?=/|$)")


def without_secrets(text: str) -> str:
    """A text without users, passwords and unknown parameters in its addresses.

    Any parameter may be a signature or a key, so all are removed except those of `HARMLESS`. Tokens of known
    forms are removed outside addresses, too.
    """
    text = USER.sub("", ADDRESS.sub(_bare, text))
    return TOKEN.sub(CUT, HEADER.sub(rf"\1{CUT}", PARAMETER.sub(rf"\1{CUT}", text)))


def _bare(found: "re.Match[str]") -> str:
    """An address without its secrets."""
    rest = found["rest"] or ""
    parameters = re.split(r"[?&;#]", rest)[1:]
    kept = [each for each in parameters if each.partition("=")[0].lower() in HARMLESS]
    kept += [CUT] if len(kept) < len(parameters) else []
    return found["scheme"] + _place(found["place"]) + ("?" + "&".join(kept) if kept else "")


def _place(text: str) -> str:
    """Host and path; empty if the port is not a number, as in a password with a slash or `#`."""
    host, _, port = text.partition("/")[0].rpartition(":")
    is_address = not host or host.startswith("[") or port.isdigit() or not port
    return text if is_address else CUT


def for_sharing(value: Any) -> Any:
    """A JSON-compatible value for a record, without secrets and with the user's home folder as `~`.

    Names of other people's home folders are removed.
    """
    if isinstance(value, str):
        return _without_homes(without_secrets(value))
    if isinstance(value, dict):
        return {for_sharing(key): for_sharing(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [for_sharing(each) for each in value]
    return value


def _without_homes(text: str) -> str:
    home = str(Path.home()) if os.environ.get("HOME") else ""
    if len(home) > 1:
        text = re.sub(rf"(?<![\w.~/-]){re.escape(home)}(?=/|$|[\s\"',;:)])", "~", text)
    return OTHER_HOMES.sub(rf"/\1/{CUT}", text)


class WithoutSecrets(logging.Formatter):
    """Formats messages and their errors without secrets in addresses."""

    def format(self, record: logging.LogRecord) -> str:
        """The formatted message."""
        return without_secrets(super().format(record))
