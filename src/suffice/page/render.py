"""Figures inside a page, and the templates of pages."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from suffice.errors import DataError
from suffice.numbers import MISSING, integer
from suffice.page.glossary import entries, link_terms, term_in
from suffice.page.names import keep_names
from suffice.page.policy import set_policy

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


PIXELS_PER_CSS_PIXEL = 1.6
"""Figures have 180 dots per inch; at 1.6 dots per CSS pixel their letters match the page's text."""


@dataclass(frozen=True)
class FigureView:
    """A figure inside the page: its image as a data URI, its size in CSS pixels, and its text."""

    name: str
    title: str
    caption: str
    alt: str
    uri: str
    width: int
    height: int


def page_environment() -> Environment:
    """The templates of pages: all text is escaped, and an undefined name is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("suffice", "page"), PackageLoader("suffice", "kinds")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "keep_names": keep_names,
        "plain": plain,
        "link_terms": link_terms,
        "term_in": term_in,
    }
    environment.globals |= {"glossary": entries()}
    set_policy(environment)
    return environment


def plain(value: Any) -> str:
    """A value of a manifest in readable form, such as "too short: 812, duplicate: 377" for a mapping."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) or MISSING
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value)) or MISSING
    if isinstance(value, int) and not isinstance(value, bool):
        return integer(value)
    return MISSING if value is None else str(value)


def view_figure(name: str, title: str, caption: str, alt: str, path: Path) -> FigureView:
    """A figure with its text, read from a PNG file.

    Raises:
        DataError: the file cannot be read or is not a PNG file.
    """
    image, width, height = _read_png(path)
    uri = "data:image/png;base64," + base64.b64encode(image).decode()
    scale = PIXELS_PER_CSS_PIXEL
    return FigureView(name, title, caption, alt, uri, round(width / scale), round(height / scale))


def _read_png(path: Path) -> tuple[bytes, int, int]:
    """The bytes of a PNG file, and its width and height in pixels."""
    try:
        image = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"the figure {path} cannot be read ({error.strerror}); draw it again") from error
    if not image.startswith(PNG_SIGNATURE) or len(image) < 24:
        raise DataError(f"the figure {path} is not a PNG file; draw it again")
    width, height = struct.unpack(">II", image[16:24])
    return image, width, height
