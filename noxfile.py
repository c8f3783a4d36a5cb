"""Install the wheel in each Python that is there, and try it: `make matrix`, or a part, `make smoke`."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
LOCKS = ("requirements.lock", "requirements-torch.lock", "requirements-cuda.lock")
ROOT = Path(__file__).resolve().parent
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["smoke"]


def interpreter(version: str) -> str | None:
    """A Python of this version that can make environments: from the path, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    return next((place for place in places if place and is_version(place, version)), None)


def is_version(place: str, version: str) -> bool:
    """Whether an interpreter starts and has this version; a name that pyenv keeps may lead nowhere."""
    told = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([place, "-c", told], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


FOUND = {version: found for version in VERSIONS if (found := interpreter(version))}
for missing in (version for version in VERSIONS if version not in FOUND):
    print(f"skipped: no python{missing}")


def wheel(session: nox.Session) -> Path:
    """Build the wheel, and return its path."""
    folder = session.create_tmp()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, str(ROOT), silent=True)
    return next(Path(folder).glob("suffice-*.whl"))


THIS = "{}.{}".format(*sys.version_info)
OTHERS = [found for version, found in FOUND.items() if version != THIS]
"""Interpreters other than that of this environment, in which all tests run anyway."""


@nox.session(python=OTHERS)
def smoke(session: nox.Session) -> None:
    """The wheel without extras: import, estimate and rank vectors with a known answer."""
    session.install("--quiet", str(wheel(session)))
    session.chdir(session.create_tmp())  # where the checkout cannot be imported
    session.run("python", "-I", str(ROOT / "tools" / "smoke.py"))


@nox.session(python=list(FOUND.values()))
def fast(session: nox.Session) -> None:
    """The wheel with the development extra, at the versions and hashes of the locks, and all fast tests."""
    built = wheel(session)
    wanted = Path(session.create_tmp()) / "wanted.txt"
    digest = hashlib.sha256(built.read_bytes()).hexdigest()
    wanted.write_text(f"suffice[dev] @ {built.as_uri()} --hash=sha256:{digest}\n")
    install = ("python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r")
    session.run(*install, "requirements-pip.lock")
    session.run(*install, str(wanted), *(f"--constraint={name}" for name in LOCKS))
    session.run(*install, "requirements-data.lock", "--no-deps")
    session.run("python", "-m", "pytest", "-m", "not slow and not workflow", *session.posargs)
