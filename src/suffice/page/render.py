"""The templates of pages."""

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from suffice.numbers import MISSING, integer
from suffice.page.glossary import entries, link_terms, term_in
from suffice.page.names import keep_names
from suffice.page.policy import set_policy


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
