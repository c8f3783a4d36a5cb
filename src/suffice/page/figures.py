"""Figures as part of a page: SVG files of matplotlib that take the page's colours and the reader's fonts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

from suffice.errors import DataError
from suffice.plots.style import ACCENT_BAND, BAND, COLORS, INK, MISSING_COLOR, MUTED, RULE

CSS_PIXELS_PER_POINT = 1.6
"""How much larger than in print a figure is: its letters of 8 points then match those of tables."""
VARIABLES = {
    INK: "--ink",
    "#000000": "--ink",
    MUTED: "--soft",
    RULE: "--line",
    MISSING_COLOR: "--line",
    BAND: "--stripe",
    ACCENT_BAND: "--accent-soft",
    "#ffffff": "--sheet",
    **{color: f"--mark-{place}" for place, color in enumerate(COLORS, start=1)},
}
"""Variables of the page's style that stand for a colour of a figure; any other colour stays as it is."""
DROPPED = {"metadata", "style"}
SHAPES = {"svg", "g", "defs", "clipPath", "path", "rect", "use", "image", "text", "tspan"}
PLACING = {"d", "x", "y", "width", "height", "viewBox", "transform", "clip-path", "clip-rule"}
LOOK = {
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linejoin",
    "stroke-linecap", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "opacity",
    "font-size", "font-weight", "font-style", "text-anchor", "image-rendering",
}  # fmt: skip
HREF, PICTURE = "href", "data:image/png;base64,"
NO_TURN = re.compile(r"rotate\(-?0 [^)]*\)")
REFERENCE = re.compile(r"url\(#([^)]+)\)")


class Words(NamedTuple):
    """A figure's name, which no other figure of the page has, and what it shows, for who cannot see it."""

    name: str
    alt: str


@dataclass(frozen=True)
class FigureView:
    """A figure inside the page: its heading and caption, the id of its name, and its image."""

    title: str
    caption: str
    named_by: str
    image: Markup


def view_figure(title: str, caption: str, alt: str, path: Path, subject: str = "") -> FigureView:
    """A figure with its words, read from an SVG file.

    Args:
        title: its heading.
        caption: what a reader should know to read it.
        alt: what it shows, for readers who cannot see it.
        path: the file.
        subject: what tells figures of one title apart.

    Raises:
        DataError: the file cannot be read, is not an SVG file, or holds what a figure has no use for.
    """
    words = Words(f"{title}: {subject}" if subject else title, alt)
    prefix = "f" + sha256("\n".join(words).encode()).hexdigest()[:8]
    return FigureView(title, caption, f"{prefix}-name", _inline(_read(path), words, prefix, path))


def _read(path: Path) -> Element:
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise DataError(f"the figure {path} cannot be read ({error.strerror}); draw it again") from error
    except ElementTree.ParseError as error:
        raise DataError(f"the figure {path} is not an SVG file; draw it again") from error
    if _plain(root.tag) != "svg" or "viewBox" not in root.attrib:
        raise DataError(f"the figure {path} is not an SVG file; draw it again")
    return root


def _inline(root: Element, words: Words, prefix: str, path: Path) -> Markup:
    """The markup of a figure whose ids begin with `prefix`."""
    used = {name for element in root.iter() for name in _references(element)}
    ids = {name: f"{prefix}-{place}" for place, name in enumerate(sorted(used))}
    try:
        image = _clean(root, ids)
    except ValueError as error:
        raise DataError(f"the figure {path} holds {error}; draw it again") from error
    image.attrib |= {"role": "img", **_size(image.attrib["viewBox"])} | _label(image, words, prefix)
    return Markup(ElementTree.tostring(image, encoding="unicode"))


def _label(image: Element, words: Words, prefix: str) -> dict[str, str]:
    """Put a figure's words at its beginning; the attributes that point to them."""
    labels = []
    for place, (tag, text) in enumerate(zip(("title", "desc"), words, strict=True)):
        if text:
            label = Element(tag, {"id": f"{prefix}-{Words._fields[place]}"})
            label.text = text
            image.insert(place, label)
            labels.append(label.attrib["id"])
    return {"aria-labelledby": " ".join(labels)}


def _size(view_box: str) -> dict[str, str]:
    """Width and height in CSS pixels."""
    points = map(float, view_box.split()[2:])
    sides = zip(("width", "height"), points, strict=True)
    return {side: f"{length * CSS_PIXELS_PER_POINT:.0f}" for side, length in sides}


def _clean(element: Element, ids: dict[str, str]) -> Element:
    """A copy with what a figure needs and nothing else, and the style as attributes.

    Raises:
        ValueError: an element or an attribute has no place in a figure.
    """
    tag = _plain(element.tag)
    if tag not in SHAPES:
        raise ValueError(f"an element {tag!r}")
    copy = Element(tag, dict(_attributes(element, ids)))
    if element.text and element.text.strip():
        copy.text = element.text
    copy.extend([_clean(child, ids) for child in element if _plain(child.tag) not in DROPPED])
    return copy


def _attributes(element: Element, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    given = {_plain(key): value for key, value in element.items()}
    style = (part.split(":", 1) for part in given.pop("style", "").split(";") if part.strip())
    for key, value in [*given.items(), *((key.strip(), value.strip()) for key, value in style)]:
        if key == "id":
            if value in ids:
                yield key, ids[value]
        elif key == HREF:
            yield key, _target(value, ids)
        elif key in LOOK:
            yield key, f"var({VARIABLES[value]})" if value in VARIABLES else value
        elif key in PLACING and not NO_TURN.fullmatch(value):
            yield key, REFERENCE.sub(lambda found: f"url(#{ids[found[1]]})", " ".join(value.split()))


def _target(value: str, ids: dict[str, str]) -> str:
    if value.startswith("#"):
        return f"#{ids[value[1:]]}"
    if value.startswith(PICTURE):
        return "".join(value.split())
    raise ValueError(f"a link to {value[:40]!r}")


def _references(element: Element) -> Iterator[str]:
    """The ids that an element points to."""
    for key, value in element.items():
        if _plain(key) == HREF and value.startswith("#"):
            yield value[1:]
        yield from REFERENCE.findall(value)


def _plain(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
