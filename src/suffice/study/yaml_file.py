"""Reading YAML that a user wrote: plain values alone, no key twice, and no more than a person would write."""

from pathlib import Path
from typing import Any

import yaml

from suffice.data.text_files import decode
from suffice.errors import DataError, StudyError

MAX_DEPTH = 40
MAX_NODES = 100_000  # with what aliases stand for written out


class _PlainLoader(yaml.SafeLoader):
    """YAML's plain values; nothing nested too deep, which is told before it is read."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node, unless it lies too deep."""
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
            aliases stand for more than a person would write.
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
    """How many nodes there are with all aliases written out.

    Raises:
        MarkedYAMLError: too many, one that holds itself, or a key that stands twice.
    """
    if id(node) in known:
        return _known(node, known[id(node)])
    known[id(node)] = None
    _refuse_repeated_key(node)
    total = 1 + sum(_count_nodes(child, known) for child in _children(node))
    if total > MAX_NODES:
        raise yaml.MarkedYAMLError(
            problem=f"its aliases stand for more than {MAX_NODES:,} values", problem_mark=node.start_mark
        )
    known[id(node)] = total
    return total


def _known(node: yaml.Node, total: int | None) -> int:
    if total is None:
        raise yaml.MarkedYAMLError(problem="an alias stands for what holds it", problem_mark=node.start_mark)
    return total


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_repeated_key(node: yaml.Node) -> None:
    """YAML says that keys are unique, and the library takes the last one in silence."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
