"""Write the locks and envs/suffice.yaml from pyproject.toml (`make lock`).

pip resolves the development extra, which contains all others, without installing anything. uv adds the
hashes of all files of each release, so that the lock holds for every platform, and says what torch's build
for GPUs needs on Linux. The hash of the file that pip chose is added where it is another one, such as torch's
build for processors.
"""

import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, DATA = ROOT / "requirements.lock", ROOT / "requirements-data.lock"
GPU, PIP = ROOT / "requirements-gpu.lock", ROOT / "requirements-pip.lock"
CONDA = ROOT / "envs" / "suffice.yaml"
OWN_NAME, UV = "suffice", "uv==0.13.9"
PYTHON = "3.11"
HEADERS = {
    LOCK: "# Exact versions, with hashes, of everything that pyproject.toml asks for; made by `make lock`.\n",
    DATA: "# Packages of which only the data files are used; installed without their own dependencies.\n",
    GPU: "# What torch's build for GPUs needs on Linux beside requirements.lock; made by `make lock`.\n",
    PIP: "# The pip that installs the locks; made by `make lock`.\n",
}
CONDA_HEADER = "# The same versions as the locks, for conda users; made by `make lock`.\n"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*==[\w.!+-]+)", re.MULTILINE)
Hashes = Mapping[str, str]


def pins_of(text: str) -> list[str]:
    """The `name==version` of a lock's lines, in their order."""
    return PIN.findall(text)


def resolve(constraints: list[str]) -> tuple[list[str], Hashes]:
    """Ask pip which versions satisfy all extras: `name==version`, and the hash of the file of each."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        subprocess.run([*pip, "--report", str(report), *constraints, f"{ROOT}[dev]"], check=True)
        entries = json.loads(report.read_text())["install"]
    chosen = {}
    for entry in entries:
        name = entry["metadata"]["name"].lower().replace("_", "-")
        # A local version label such as 2.13.0+cpu names one machine's build: the lock names the release.
        pin = f"{name}=={entry['metadata']['version'].split('+')[0]}"
        hashes = entry["download_info"].get("archive_info", {}).get("hashes", {})
        if name != OWN_NAME:
            chosen[pin] = hashes.get("sha256", "")
    return sorted(chosen), chosen


def compiled(uv: Path, requirements: Iterable[str], *options: str) -> str:
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
        run = [*command, "--quiet", "--python-version", PYTHON, *options, str(given)]
        return subprocess.run(run, check=True, capture_output=True, text=True).stdout


def with_chosen(text: str, chosen: Hashes) -> str:
    """A lock with the hashes of the files that pip chose where they are missing."""
    for pin, sha256 in chosen.items():
        if sha256 and sha256 not in text:
            text = text.replace(f"{pin} \\\n", f"{pin} \\\n    --hash=sha256:{sha256} \\\n")
    return text


def without(text: str, pins: Iterable[str]) -> str:
    """A lock without some pins, for Linux alone."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    left = [entry for entry in entries if entry.partition(" ")[0] not in set(pins)]
    return (
        "\n".join(re.sub(r" \\\n", ' ; sys_platform == "linux" \\\n', entry, count=1) for entry in left)
        + "\n"
    )


def conda_environment(pins: list[str]) -> str:
    """The conda environment file that installs the locked versions with pip."""
    lines = ["name: suffice", "channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}"]
    lines += ["  - pip", "  - pip:", *(f"      - {pin}" for pin in pins)]
    return CONDA_HEADER + "\n".join(lines) + "\n"


def write_locks(uv: Path, locked: list[str], chosen: Hashes) -> None:
    """Write all locks and the conda environment.

    Args:
        uv: the program.
        locked: `name==version` of everything that pyproject.toml asks for.
        chosen: hash of the file that pip chose, by `name==version`.
    """
    data = pins_of(DATA.read_text())
    torch = [pin for pin in locked if pin.startswith("torch==")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(locked))
        constraints.flush()
        gpu = compiled(uv, torch, "--python-platform", "linux", "--constraints", constraints.name)
    texts = {
        LOCK: with_chosen(compiled(uv, locked, "--no-deps"), chosen),
        DATA: compiled(uv, data, "--no-deps"),
        GPU: without(gpu, locked),
        PIP: compiled(uv, ["pip"], "--no-deps"),
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
        write_locks(programs / "uv", *pinned)
