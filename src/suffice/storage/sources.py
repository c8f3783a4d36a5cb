"""What there is to know of a source text: a hash of its code, and which modules it imports.

It takes seconds to find this out for the whole library, so it is kept beside Python's own byte code, by the
hash of the text. Where that folder cannot be written, it is found out each time.
"""

import ast
import atexit
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MAX_KEPT = 2000  # texts; those that this process did not need are dropped beyond


@dataclass(frozen=True)
class SourceFacts:
    """What is known of a source text.

    Attributes:
        code_sha256: hash of its syntax tree without docstrings; comments and layout do not count.
        imports: dotted names that it imports when it runs, of modules and of what is in them.
    """

    code_sha256: str
    imports: tuple[str, ...]


def facts_of(source: str) -> SourceFacts:
    """The facts of a source text, as they were kept, or found now and kept for the next process."""
    key = hashlib.sha256(f"{_maker()}\0{source}".encode()).hexdigest()
    kept = _kept()
    try:
        code, imports = kept[key]
        facts = SourceFacts(str(code), tuple(map(str, imports)))
    except (KeyError, TypeError, ValueError):
        facts = _find(source)
        if not _new():
            atexit.register(_keep)
        _new()[key] = facts
    return facts


def _find(source: str) -> SourceFacts:
    tree = ast.parse(source)
    imports = tuple(sorted(_imports(tree)))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body.pop(0)
    return SourceFacts(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


def _imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in _nodes_that_run(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _nodes_that_run(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all within it, but for what stands under `if TYPE_CHECKING`."""
    yield node
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        children = node.orelse
    for child in children:
        yield from _nodes_that_run(child)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _maker() -> str:
    """What facts depend on beside the text: this file, and Python, whose syntax trees differ."""
    return f"{sys.version}\0{Path(__file__).read_text(encoding='utf-8')}"


@cache
def _file() -> Path:
    return Path(importlib.util.cache_from_source(__file__)).with_suffix(".json")


@cache
def _kept() -> dict[str, Any]:
    """The facts that earlier processes kept; empty if there are none, or they cannot be read."""
    try:
        content = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@cache
def _new() -> dict[str, SourceFacts]:
    """The facts that this process found."""
    return {}


def _keep() -> None:
    """Write all facts, for the next process."""
    new = {key: [facts.code_sha256, facts.imports] for key, facts in _new().items()}
    old = _kept() if len(_kept()) + len(new) <= MAX_KEPT else {}
    temporary = _file().with_suffix(f".{os.getpid()}")
    try:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({**old, **new}), encoding="utf-8")
        temporary.replace(_file())
    except OSError:
        temporary.unlink(missing_ok=True)
