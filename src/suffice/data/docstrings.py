"""The corpus `api-docs`: prose paragraphs from the docstrings of six installed Python packages.

The packages are located, not imported, and their source files are parsed. The corpus depends only on the
installed versions and on the seed.
"""

import ast
import importlib.metadata
import importlib.util
import inspect
import random
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from suffice.data.columns import DOCUMENT, QUERY
from suffice.data.prose import clean_markup, is_prose, near_duplicate_keys, split_docstring
from suffice.errors import DataError

PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
    "networkx": "networkx",
}
LICENSE = "BSD-3-Clause (numpy, scipy, pandas, scikit-learn, networkx), PSF-based (matplotlib)"
N_ITEMS = 10_000
MAX_PARAGRAPHS_PER_OBJECT = 8
MAX_PARAGRAPHS_PER_GROUP = 40
N_MODULES = 40
MIN_ITEMS_PER_SECTION = 100
LABEL_COLUMNS = ("package", "module", "kind", "section", "object", "role")
SKIPPED_PARTS = frozenset(
    ["tests", "_tests", "testing", "_testing", "externals", "_vendor", "_lib", "distutils", "_build_utils"]
    + ["_pyinstaller", "__check_build", "sphinxext", "version", "clipboard", "conftest", "conftest.py"]
)
CONTAINERS_OF_MODULES = frozenset(["pandas.core", "networkx.algorithms"])


@dataclass(frozen=True)
class Docstring:
    """A docstring of a public object and its place."""

    module: str
    name: str
    kind: str
    text: str

    @property
    def object(self) -> str:
        """Qualified name of the object."""
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def group(self) -> str:
        """Qualified name of the class of a method, of the object itself for everything else."""
        return self.object.rpartition(".")[0] if self.kind == "method" else self.object


def api_docs_items(seed: int, n_items: int = N_ITEMS) -> tuple[pd.DataFrame, dict[str, int]]:
    """The paragraphs of the `api-docs` corpus, at most `n_items`, with labels, and what was left out.

    Every package contributes the same number of paragraphs if it has enough. Within a package, whole objects
    are drawn at random, each with its first paragraph (most often the summary) and at most seven others.
    Methods of a class are drawn until the class has 40 paragraphs.

    Args:
        seed: seed of the draw.
        n_items: largest number of paragraphs.

    Returns:
        Columns id, content, group, package, module, kind, section, role, object; rows sorted by id.
        `role` is "query" for the summary of an object with other paragraphs, and "document" for every
        paragraph that is not a summary. Missing labels are None. The second value is the number of paragraphs
        left out for each reason.

    Raises:
        DataError: one of the six packages is not installed.
    """
    found = all_paragraphs()
    distinct = without_duplicates(found)
    items = balanced_sample(distinct, n_items, seed)
    dropped = {"near duplicate": len(found) - len(distinct), "not sampled": len(distinct) - len(items)}
    return with_labels(items).sort_values("id", ignore_index=True), dropped


def package_versions() -> dict[str, str]:
    """Versions of the packages of the corpus."""
    return {package: importlib.metadata.version(distribution) for package, distribution in PACKAGES.items()}


def all_paragraphs(packages: Iterable[str] = tuple(PACKAGES)) -> pd.DataFrame:
    """Every prose paragraph of every public docstring, with all columns except `role`.

    Raises:
        DataError: a package is not installed.
    """
    seen: Counter[str] = Counter()
    rows = []
    for package in packages:
        for docstring in package_docstrings(package):
            for section, content in docstring_paragraphs(docstring.text):
                seen[docstring.object] += 1
                rows.append(
                    {
                        "id": f"{docstring.object}/{seen[docstring.object]}",
                        "content": content,
                        "group": docstring.group,
                        "package": package,
                        "module": module_label(docstring.module),
                        "kind": docstring.kind,
                        "section": section,
                        "object": docstring.object,
                    }
                )
    return pd.DataFrame(rows)


def docstring_paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Section name and cleaned text of each prose paragraph of a docstring."""
    for section, raw in split_docstring(inspect.cleandoc(text)):
        content = clean_markup(raw)
        if is_prose(content):
            yield section, content


def package_docstrings(package: str) -> Iterator[Docstring]:
    """The docstrings of the public objects of an installed package, with files in alphabetical order.

    Raises:
        DataError: the package is not installed.
    """
    folder = package_folder(package)
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        if SKIPPED_PARTS.isdisjoint(parts):
            yield from file_docstrings(path.read_bytes(), public_module(parts))


def package_folder(package: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataError(
            f"the package {package!r} is not installed, but the corpus api-docs is made from its docstrings; "
            f"install it with: pip install {PACKAGES.get(package, package)}"
        )
    return Path(spec.origin).parent


def public_module(parts: tuple[str, ...]) -> str:
    """Dotted name of a module up to its first private part: ("scipy", "fft", "_basic") -> "scipy.fft"."""
    n_public = next((i for i, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join(parts[:n_public])


def module_label(module: str) -> str:
    """The subpackage of a module: two parts of its name, or three if two would be too general."""
    parts = module.split(".")
    return ".".join(parts[:3] if ".".join(parts[:2]) in CONTAINERS_OF_MODULES else parts[:2])


def file_docstrings(source: bytes, module: str) -> Iterator[Docstring]:
    """The docstrings of one source file: module, public functions, classes, methods, and added ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        tree = ast.parse(source)
    if text := ast.get_docstring(tree, clean=False):
        yield Docstring(module, "", "module", text)
    yield from defined_docstrings(tree.body, module)
    yield from added_docstrings(tree.body, module)


def defined_docstrings(body: Iterable[ast.stmt], module: str, parent: str = "") -> Iterator[Docstring]:
    """Docstrings of the public functions and classes in `body` and of their public methods."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_"):
            continue
        name = f"{parent}.{node.name}" if parent else node.name
        if text := ast.get_docstring(node, clean=False):
            yield Docstring(module, name, node_kind(node, parent), text)
        if isinstance(node, ast.ClassDef):
            yield from defined_docstrings(node.body, module, name)


def node_kind(node: ast.stmt, parent: str) -> str:
    """The kind of a definition: "class", "method" (a function inside a class) or "function"."""
    if isinstance(node, ast.ClassDef):
        return "class"
    return "method" if parent else "function"


def added_docstrings(body: Iterable[ast.stmt], module: str) -> Iterator[Docstring]:
    """Docstrings that `add_newdoc(...)` calls give to objects written in C.

    The forms are `add_newdoc(place, name, text)`, `add_newdoc(place, name, (method, text))` and
    `add_newdoc(name, text)`. An object with methods is treated as a class.
    """
    added = [constants for node in body if 2 <= len(constants := added_constants(node)) <= 3]
    classes = {constants[0] for constants in added if len(constants) == 3}
    for *names, text in added:
        if not any(name.startswith("_") for name in names):
            kind = "method" if len(names) == 2 else "class" if names[0] in classes else "function"
            yield Docstring(module, ".".join(names), kind, text)


def added_constants(node: ast.stmt) -> list[str]:
    """The strings in the last two arguments of an `add_newdoc` call: name, optional method, text."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "add_newdoc":
        return []
    return [value for argument in call.args[-2:] for value in constant_strings(argument)]


def constant_strings(node: ast.expr) -> list[str]:
    """The string constants of an argument: of the argument itself, or of its elements if it is a tuple."""
    elements = node.elts if isinstance(node, ast.Tuple) else [node]
    return [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]


def without_duplicates(items: pd.DataFrame) -> pd.DataFrame:
    """The items without those that are nearly equal to an earlier one: see `near_duplicate_keys`."""
    seen: set[str] = set()
    keep = []
    for content in items["content"]:
        keys = near_duplicate_keys(content)
        keep.append(seen.isdisjoint(keys))
        seen.update(keys)
    return items[keep]


def balanced_sample(items: pd.DataFrame, n_items: int, seed: int) -> pd.DataFrame:
    """At most `n_items` items: equal numbers from each package if possible, and whole objects at random.

    Objects with one paragraph come last, because they help neither retrieval nor the study of groups.
    """
    rng = random.Random(seed)
    drawn = {package: drawn_rows(items[items["package"] == package], rng) for package in PACKAGES}
    quotas = equal_quotas({package: len(rows) for package, rows in drawn.items()}, n_items)
    return items.loc[[row for package, rows in drawn.items() for row in rows[: quotas[package]]]]


def drawn_rows(items: pd.DataFrame, rng: random.Random) -> list[int]:
    """Row labels of whole objects in random order, at most 40 per group."""
    objects = capped_objects(items, rng)
    rng.shuffle(objects)
    objects.sort(key=lambda rows: len(rows) == 1)
    group_of = items["group"].to_dict()
    taken: Counter[str] = Counter()
    drawn = []
    for rows in objects:
        group = group_of[rows[0]]
        if taken[group] + len(rows) <= MAX_PARAGRAPHS_PER_GROUP:
            taken[group] += len(rows)
            drawn += rows
    return drawn


def capped_objects(items: pd.DataFrame, rng: random.Random) -> list[list[int]]:
    """Row labels of each object: its first paragraph and at most seven others, drawn at random."""
    objects = []
    for rows in items.groupby("object", sort=True).groups.values():
        first, *others = map(int, rows)
        objects.append([first, *rng.sample(others, min(len(others), MAX_PARAGRAPHS_PER_OBJECT - 1))])
    return objects


def equal_quotas(available: dict[str, int], total: int) -> dict[str, int]:
    """Equal shares of `total`; if one cannot fill its share, the others take the rest."""
    quotas: dict[str, int] = {}
    for n_done, (name, count) in enumerate(sorted(available.items(), key=lambda entry: entry[1])):
        quotas[name] = min(count, (total - sum(quotas.values())) // (len(available) - n_done))
    return quotas


def with_labels(items: pd.DataFrame) -> pd.DataFrame:
    """The items with the column `role`, and with rare modules and sections set to None."""
    is_summary = items["section"] == "summary"
    with_documents = set(items.loc[~is_summary, "object"])
    summary_role = items["object"].map(lambda name: QUERY if name in with_documents else None)
    counts = items["section"].value_counts()
    return items.assign(
        role=summary_role.astype(object).where(is_summary, DOCUMENT),
        module=only(items["module"], largest_modules(items)),
        section=only(items["section"], counts.index[counts >= MIN_ITEMS_PER_SECTION]),
    )


def largest_modules(items: pd.DataFrame) -> list[str]:
    """The 40 modules with most items among those in which no group has more than half of the items.

    A group is on one side of the split, so a module that is almost one group could not be learned.
    """
    sizes = items.groupby(["module", "group"]).size().groupby("module").agg(["sum", "max"])
    sizes = sizes[sizes["max"] <= sizes["sum"] / 2].sort_values("sum", ascending=False, kind="stable")
    return [str(module) for module in sizes.index[:N_MODULES]]


def only(labels: pd.Series, kept: Iterable[str]) -> pd.Series:
    """The labels, with all except the `kept` ones set to None."""
    kept = set(kept)
    return pd.Series([label if label in kept else None for label in labels], index=labels.index, dtype=object)
