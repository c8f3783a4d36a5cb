"""Limits on what a page may load and run: its own images, and one style and one script, known by hash."""

import base64
import hashlib

from jinja2 import Environment
from markupsafe import Markup

STYLE, SCRIPT = "style.html.j2", "script.html.j2"


def set_policy(environment: Environment) -> None:
    """Give pages their style, their script and the policy that limits a browser to these."""
    style, script = (environment.get_template(name).render() for name in (STYLE, SCRIPT))
    environment.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": content_policy(style, script),
    }


def content_policy(style: str, script: str) -> str:
    """A content security policy that blocks any other style or script, including those in attributes.

    Source: W3C, Content Security Policy Level 3, section 2.3.1 (hash-source).
    """
    own = f"style-src '{source_of(style)}'; script-src '{source_of(script)}'"
    return f"default-src 'none'; img-src data:; {own}; base-uri 'none'; form-action 'none'"


def source_of(text: str) -> str:
    """The hash of an element's text in the form that a policy uses."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
