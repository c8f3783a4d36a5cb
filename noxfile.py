"""Install the wheel in each Python that is there, and try it: `make matrix`, or a part, `make smoke`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = "[api,completion,hub,images,molecules,text]"
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


def wheel(session: nox.Session) -> str:
    """Build the wheel, and return its path."""
    folder = session.create_tmp()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, str(ROOT), silent=True)
    return str(next(Path(folder).glob("suffice-*.whl")))


THIS = "{}.{}".format(*sys.version_info)
OTHERS = [found for version, found in FOUND.items() if version != THIS]
"""Interpreters other than that of this environment, in which all tests run anyway."""


@nox.session(python=OTHERS)
def smoke(session: nox.Session) -> None:
    """The wheel without extras: import, estimate and rank vectors with a known answer."""
    session.install("--quiet", wheel(session))
    session.chdir(session.create_tmp())  # where the checkout cannot be imported
    session.run("python", "-I", str(ROOT / "tools" / "smoke.py"))


@nox.session(python=list(FOUND.values()))
def fast(session: nox.Session) -> None:
    """The wheel with extras, and all fast tests."""
    session.install("--quiet", f"{wheel(session)}{EXTRAS}", "pytest", "pytest-xdist", "hypothesis")
    session.run("python", "-m", "pytest", "-m", "not slow and not workflow", *session.posargs)
