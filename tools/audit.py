"""Compare the locks with a public database of vulnerabilities, and report if it is not available.

The database is OSV (https://osv.dev), which contains the Python Packaging Advisory Database. Only names and
versions of the locked packages are sent. Status 1 if a package has a known vulnerability.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATABASE = os.environ.get("AUDIT_DATABASE", "https://api.osv.dev/v1/querybatch")
SECONDS = 15
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+-]+)", re.MULTILINE)


def locked(root: Path) -> dict[str, str]:
    """The version of each package in the locks, by its name, without the label of a build."""
    return {
        name: version.partition("+")[0]
        for path in root.glob("requirements*.lock")
        for name, version in PIN.findall(path.read_text())
    }


def vulnerabilities(packages: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Names of the known vulnerabilities of each vulnerable package.

    Raises:
        OSError, ValueError: the database cannot be reached, or its answer is not valid.
    """
    asked = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": packages[name]} for name in packages]
    body = json.dumps({"queries": asked}).encode()
    request = urllib.request.Request(DATABASE, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        results = json.load(answer)["results"]
    found = zip(packages, results, strict=True)
    return {name: [each["id"] for each in result["vulns"]] for name, result in found if result.get("vulns")}


def main() -> int:
    """Print the result; 1 if a package has a known vulnerability."""
    packages = locked(ROOT)
    try:
        found = vulnerabilities(packages)
    except (OSError, ValueError, KeyError) as error:
        reason = str(getattr(error, "reason", error))
        print(f"audit: NOT DONE, the database {DATABASE} is not available ({reason})")
        return 0
    for name, names in sorted(found.items()):
        print(f"audit: {name} {packages[name]} has {', '.join(names)}; raise its version and run `make lock`")
    print(f"audit: {len(packages)} locked packages compared, {len(found)} with known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
