"""Read YAML that a user wrote: plain values, unique keys, and no more than a person would write."""

from pathlib import Path
from typing import Any

import yaml

from suffice.data.text_files import decode
from suffice.errors import DataError, StudyError

MAX_DEPTH = 40
MAX_NODES = 100_000  # with aliases expanded


class _PlainLoader(yaml.SafeLoader):
    """YAML's plain values; values that are nested too deeply are refused before they are read."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node unless it is nested too deeply."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"values are nested in more than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read_yaml_file(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        StudyError: it cannot be read, is not YAML, has a key twice or a tag of a programming language, or its
            aliases expand to more than a person would write.
    """
    try:
        return _plain(decode(path.read_bytes(), str(path)))
    except DataError as error:
        raise StudyError(str(error)) from error
    except OSError as error:
        raise StudyError(f"{path} cannot be read ({error.strerror}); give a text file") from None
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(f"{path} is not valid YAML: {error}") from error


def _plain(text: str) -> Any:
    loader = _PlainLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _count_nodes(root, {})
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _count_nodes(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Number of nodes with all aliases expanded.

    Raises:
        MarkedYAMLError: there are too many, one contains itself, or a key occurs twice.
    """
    if id(node) in known:
        return _known(node, known[id(node)])
    known[id(node)] = None
    _refuse_repeated_key(node)
    total = 1 + sum(_count_nodes(child, known) for child in _children(node))
    if total > MAX_NODES:
        raise yaml.MarkedYAMLError(
            problem=f"its aliases expand to more than {MAX_NODES:,} values", problem_mark=node.start_mark
        )
    known[id(node)] = total
    return total


def _known(node: yaml.Node, total: int | None) -> int:
    if total is None:
        raise yaml.MarkedYAMLError(
            problem="an alias refers to a value that contains it", problem_mark=node.start_mark
        )
    return total


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_repeated_key(node: yaml.Node) -> None:
    """YAML requires unique keys, but the library silently takes the last one."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} occurs twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
