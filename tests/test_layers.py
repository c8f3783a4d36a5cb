"""No package imports upwards, no kind of study imports another, and a question is in few files."""

import ast
import re

import pytest

LAYERS = (
    {
        "_version",
        "dimensions",
        "errors",
        "lazy",
        "links",
        "memory",
        "names",
        "numbers",
        "progress",
        "row_hashes",
        "secrets",
        "seeds",
        "settings",
        "text_vectors",
    },
    {"alignment", "arrays", "health", "looks", "vectors"},
    {"storage"},
    {"devices", "groups"},
    {"data"},
    {"estimators"},
    {"embed"},
    {"tasks"},
    {"ranking"},
    {"baselines"},
    {"plots"},
    {"analyses"},
    {"page"},
    {"study"},
    {"kinds"},
    {"jobs", "narrate", "run", "workflow"},
    {"cli", "commands"},
    {"__main__"},
)
"""From the lowest: a package may import from those before it, and those beside it in one line."""


def name_of(path, root):
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def nodes_in(tree):
    """All nodes but those under `if TYPE_CHECKING`."""
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        return
    yield tree
    for child in ast.iter_child_nodes(tree):
        yield from nodes_in(child)


def imports_in(source, modules):
    """The modules of the library that a source text imports, anywhere in it but for types alone."""
    for node in nodes_in(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else node.module for name in whole)


def layer_of(module):
    """How high a module is; the whole library's offer, in `suffice` itself, is over everything."""
    room = [*module.split("."), ""][1]
    found = [place for place, layer in enumerate(LAYERS) if room in layer]
    assert found or module == "suffice", f"{module} has no layer: give its package one in LAYERS"
    return found[0] if found else len(LAYERS)


def kind_of(module):
    """The kind of study that a module belongs to; empty if to none."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["kinds"] and len(parts) > 3 else ""


def is_wrong(importer, imported):
    """Whether one module may not import another."""
    kinds = {kind_of(importer), kind_of(imported)} - {""}
    return layer_of(importer) < layer_of(imported) or len(kinds) > 1


@pytest.fixture(scope="module")
def imports(project):
    root = project / "src" / "suffice"
    paths = {name_of(path, root): path for path in root.rglob("*.py") if "scripts" not in path.parts}
    return {
        (name, other) for name, path in paths.items() for other in imports_in(path.read_text(), set(paths))
    }


def test_no_package_imports_upwards(imports):
    assert len(imports) > 900
    wrong = {(importer, imported) for importer, imported in imports if is_wrong(importer, imported)}
    assert wrong == set()


@pytest.mark.parametrize(
    ("importer", "imported", "expected"),
    [
        ("suffice.data.build", "suffice.storage.files", False),
        ("suffice.storage.files", "suffice.data.build", True),
        ("suffice.embed.base", "suffice.workflow", True),
        ("suffice.kinds.registry", "suffice.cli", True),
        ("suffice.kinds.published.page", "suffice.kinds.calibration.page", True),
        ("suffice.kinds.published.page", "suffice.kinds.kind", False),
    ],
)
def test_an_import_upwards_is_seen(importer, imported, expected):
    source = f"def later():\n    from {imported} import x\n"
    assert list(imports_in(source, {imported})) == [imported]
    assert is_wrong(importer, imported) is expected


@pytest.mark.parametrize("question", ["few_labels", "pareto", "sensitivity", "explain"])
def test_a_question_is_in_few_files(project, question):
    """The name of a question is in the files that make it. Sentences may have the word too."""
    files = [path for room in ("src", "rules", "scripts") for path in (project / room).rglob("*.*")]
    code = [path for path in files if path.suffix in {".py", ".smk"}]
    found = [str(path.relative_to(project)) for path in code if names_in(path, question)]
    assert 0 < len(found) <= 4, found


def names_in(path, question):
    """Whether code names a question: in a name, an import, or a text that is one word."""
    words = re.compile(rf"""(?:id|attr|name|arg|module|value)=['"]\S*{question}\S*['"]""")
    text = path.read_text()
    return question in text if path.suffix == ".smk" else bool(words.search(ast.dump(ast.parse(text))))
