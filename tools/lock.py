"""Write requirements.lock and envs/suffice.yaml from pyproject.toml (`make lock`).

pip resolves the development extra, which contains all others, without installing anything; the exact
versions go into the lock, from which the Makefile installs, and into the conda environment.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
CONDA = ROOT / "envs" / "suffice.yaml"
OWN_NAME = "suffice"
LOCK_HEADER = "# Exact versions of everything that pyproject.toml asks for; made by `make lock`.\n"
CONDA_HEADER = "# The same versions as requirements.lock, for conda users; made by `make lock`.\n"


def resolve(constraints: list[str]) -> list[str]:
    """Ask pip which versions satisfy all extras; returns `name==version` lines in alphabetical order."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", str(report), *constraints, f"{ROOT}[dev]"], check=True)
        packages = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    # A local version label such as 2.13.0+cpu names one machine's build: the lock names the release.
    pins = {p["name"].lower().replace("_", "-"): p["version"].split("+")[0] for p in packages}
    return [f"{name}=={version}" for name, version in sorted(pins.items()) if name != OWN_NAME]


def conda_environment(pins: list[str]) -> str:
    """The conda environment file that installs the locked versions with pip."""
    lines = ["name: suffice", "channels:", "  - conda-forge", "dependencies:", "  - python=3.11"]
    lines += ["  - pip", "  - pip:", *(f"      - {pin}" for pin in pins)]
    return CONDA_HEADER + "\n".join(lines) + "\n"


if __name__ == "__main__":
    locked = resolve(sys.argv[1:])
    LOCK.write_text(LOCK_HEADER + "\n".join(locked) + "\n")
    CONDA.write_text(conda_environment(locked))
