"""All makers, one line for each."""

from suffice.data.made.base import Maker
from suffice.data.made.pictures import PICTURES
from suffice.data.made.spoken_numbers import SPOKEN_NUMBERS
from suffice.data.made.texts import PACKAGE_TEXTS
from suffice.data.paths import MADE_PREFIX
from suffice.errors import DataError
from suffice.settings import did_you_mean

MAKERS: dict[str, Maker] = {
    "pictures": PICTURES,
    "spoken-numbers": SPOKEN_NUMBERS,
    "package-texts": PACKAGE_TEXTS,
}


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
