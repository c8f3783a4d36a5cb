"""The glossary: the same entries in the documentation, at the end of a page, and as tooltips on terms."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup

from suffice.page.names import keep_names

ENTRY = re.compile(r"^\*\*(.+?)\.\*\* (.+?)(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\s*See \[[^\]]*\]\([^)]*\)\.")
ORDINARY = {"Embedding", "Model", "Item", "Source, target", "Family", "Study", "Task"}
"""Entries whose words are too common to be linked."""


@dataclass(frozen=True)
class Entry:
    """An entry of the glossary.

    Attributes:
        title: its names, separated by commas.
        anchor: its id on a page.
        text: what it means, in plain text.
    """

    title: str
    anchor: str
    text: str

    @property
    def names(self) -> list[str]:
        """The terms that it defines."""
        return self.title.split(", ")


@cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the file."""
    source = files("suffice.page").joinpath("glossary.md").read_text(encoding="utf-8")
    return tuple(_entry(*found.groups()) for found in ENTRY.finditer(source))


def _entry(title: str, text: str) -> Entry:
    anchor = "term-" + re.sub(r"\W+", "-", title.split(", ")[0].lower())
    return Entry(title, anchor, " ".join(LINK.sub("", text).replace("`", "").split()))


@cache
def _anchors() -> dict[str, str]:
    """The anchor of each linked term, in lower case."""
    linked = [entry for entry in entries() if entry.title not in ORDINARY]
    return {name.lower(): entry.anchor for entry in linked for name in entry.names}


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(re.escape(name) for name in sorted(_anchors(), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])({names})(?:s|es)?(?![\w-])", re.IGNORECASE)


def link_terms(text: str) -> Markup:
    """Escaped text in which the first use of each term is a link to its entry; markup stays as it is."""
    if isinstance(text, Markup):
        return text
    parts, seen, at = [Markup()], set(), 0
    for found in _pattern().finditer(text):
        anchor = _anchors()[found[1].lower()]
        if anchor not in seen:
            link = Markup('<a class="term" href="#{0}" data-term="{0}">{1}</a>').format(anchor, found[0])
            parts += [keep_names(text[at : found.start()]), link]
            at = found.end()
        seen.add(anchor)
    return Markup().join([*parts, keep_names(text[at:])])


def term_in(text: str) -> str:
    """The anchor of the first term in a heading; empty if the heading has no term."""
    found = _pattern().search(text)
    return _anchors()[found[1].lower()] if found else ""
