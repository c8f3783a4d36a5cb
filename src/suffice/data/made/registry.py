"""All makers of data sets and of folders, one line for each."""

from pathlib import Path

from suffice.data.made.base import Folder, Maker
from suffice.data.made.cartpole.agents import CARTPOLE_AGENTS
from suffice.data.made.cartpole.states import CARTPOLE_STATES
from suffice.data.made.generators.digits import DIGIT_GENERATORS, DIGIT_VERSIONS
from suffice.data.made.pictures import PICTURES
from suffice.data.made.spoken_numbers import SPOKEN_NUMBERS
from suffice.data.made.texts import PACKAGE_TEXTS
from suffice.data.paths import MADE_PREFIX
from suffice.errors import DataError
from suffice.settings import did_you_mean

MAKERS: dict[str, Maker] = {
    "cartpole-states": CARTPOLE_STATES,
    "digit-versions": DIGIT_VERSIONS,
    "pictures": PICTURES,
    "spoken-numbers": SPOKEN_NUMBERS,
    "package-texts": PACKAGE_TEXTS,
}
FOLDERS: dict[str, Folder] = {
    "cartpole-agents": CARTPOLE_AGENTS,
    "digit-generators": DIGIT_GENERATORS,
}


def folder_of(path: str | None) -> str:
    """The name of the folder that `made:FOLDER/FILE` names; empty for other paths.

    Raises:
        DataError: no folder has this name, or it has no such file.
    """
    if path is None or not path.startswith(MADE_PREFIX):
        return ""
    name, _, file = path.removeprefix(MADE_PREFIX).partition("/")
    if name not in FOLDERS:
        raise DataError(f"{path!r} names no folder that can be made{did_you_mean(name, list(FOLDERS))}")
    if file not in FOLDERS[name].files:
        raise DataError(f"{path!r}: {name} has no such file{did_you_mean(file, list(FOLDERS[name].files))}")
    return name


def place_of_made(results: str, path: str) -> str:
    """Where a file `made:FOLDER/FILE` is."""
    return str(Path(results, "made", path.removeprefix(MADE_PREFIX)))


def maker_of(path: str | None) -> Maker | None:
    """The maker that a path `made:NAME` names; None for other paths.

    Raises:
        DataError: no maker has this name.
    """
    if path is None or not path.startswith(MADE_PREFIX):
        return None
    name = path.removeprefix(MADE_PREFIX)
    if name not in MAKERS:
        raise DataError(f"{path!r} names no data set that can be made{did_you_mean(name, list(MAKERS))}")
    return MAKERS[name]
