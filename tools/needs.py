"""Print the packages that some uses of suffice need directly, for pip: `make install USE=text,images`.

A use is an extra of pyproject.toml, and `core` is the library without extras. The locks give pip the versions
and the hashes, so a use installs only what it needs.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def uses_of(project: Mapping[str, dict]) -> dict[str, Sequence[str]]:
    """The requirements of each use, from the contents of pyproject.toml."""
    build, core = project["build-system"]["requires"], project["project"]["dependencies"]
    return {"core": [*core, *build], **project["project"]["optional-dependencies"]}


def needs(uses: Mapping[str, Sequence[str]], wanted: Iterable[str], own_name: str) -> set[str]:
    """The requirements of the wanted uses, and of the uses that these name in turn.

    Raises:
        KeyError: a use is not known.
    """
    found: set[str] = set()
    for requirement in (each for use in wanted for each in uses[use]):
        own = re.fullmatch(rf"{own_name}\[(.*)\]", requirement)
        found |= needs(uses, own[1].split(","), own_name) if own else {requirement}
    return found


if __name__ == "__main__":
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    known = uses_of(settings)
    asked = sys.argv[1].split(",")
    if unknown := sorted(set(asked) - set(known)):
        sys.exit(
            f"{unknown[0]!r} is not a use of suffice; choose from {', '.join(known)}, separated by commas"
        )
    print("\n".join(sorted(needs(known, ["core", *asked], settings["project"]["name"]))))
