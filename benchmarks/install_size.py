"""What each use of suffice installs: packages, and megabytes of their files.

The files are those of an environment that has everything. The packages of a use are those that
`tools/needs.py` names, and all that these need on this machine.

    python benchmarks/install_size.py        # after make install; seconds
"""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "benchmarks" / "install_size.csv"
USES = ("core", "text", "images", "sound", "molecules", "api", "onnx", "docs", "dev")


def needed(use: str) -> list[str]:
    """The requirements of a use, as pip reads them."""
    command = [sys.executable, str(ROOT / "tools" / "needs.py"), use]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def closure(requirements: list[str]) -> set[str]:
    """The names of the packages that requirements install, with what these need in turn."""
    left, seen = [Requirement(each) for each in requirements], set()
    while left:
        asked = left.pop()
        for extra in ("", *asked.extras):
            name = canonicalize_name(asked.name)
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for line in distribution(name).requires or []:
                further = Requirement(line)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    left.append(further)
    return {name for name, _ in seen}


def megabytes(name: str) -> float:
    """The size of a package's files."""
    files = distribution(name).files or []
    paths = (Path(str(each.locate())) for each in files)
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def measured(use: str) -> dict[str, object]:
    """One row of the table."""
    try:
        names = closure(needed(use))
    except PackageNotFoundError as error:
        raise SystemExit(f"{error} is not installed here; run make install first") from None
    sizes = {name: megabytes(name) for name in names}
    return {
        "use": use,
        "packages": len(names),
        "megabytes": round(sum(sizes.values())),
        "of_torch": round(sizes.get("torch", 0)),
    }


if __name__ == "__main__":
    table = pd.DataFrame([measured(use) for use in USES])
    table.to_csv(OUT, index=False)
    print(table.to_string(index=False))
