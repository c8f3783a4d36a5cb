"""The source itself: nothing that runs what a file or a user holds."""

import ast
import re
from pathlib import Path

import pytest

from suffice.embed.registry import LOADERS

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load",
    "pd.read_pickle", "pandas.read_pickle",
}  # fmt: skip
FORBIDDEN_METHODS = {"extractall", "extract", "unpack_archive", "to_pickle"}
ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("src", "scripts", "tools") for path in (ROOT / folder).rglob("*.py"))


def name_of(node):
    """The dotted name of what is called."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers_in(path):
    """What a module does that could run what a file holds."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if names == ["UnpicklingError", "pickle"]:  # an error to catch; nothing is unpickled
                continue
            yield from (name for name in names if name.split(".")[0] in FORBIDDEN_MODULES)
        if isinstance(node, ast.Call):
            yield from dangers_of_call(node)


def dangers_of_call(node):
    """What is dangerous in one call."""
    name = name_of(node.func)
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
    if name in FORBIDDEN_CALLS or name.rpartition(".")[2] in FORBIDDEN_METHODS:
        yield name
    if given.get("shell") or given.get("allow_pickle") or given.get("trust_remote_code") is True:
        yield f"{name}({given})"
    if name.endswith("torch.load") and given.get("weights_only") is not True:
        yield f"{name} without weights_only"
    if name in ("np.load", "numpy.load") and given.get("allow_pickle", True) is not False:
        yield f"{name} without allow_pickle=False"


def test_there_is_source_to_look_at():
    assert len(SOURCES) > 200


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("eval(x)", "eval"),
        ("torch.load(path)", "torch.load without weights_only"),
        ("np.load(path)", "np.load without allow_pickle=False"),
        ("subprocess.run(x, shell=True)", "shell"),
        ("archive.extractall(folder)", "archive.extractall"),
    ],
)
def test_a_danger_is_seen(tmp_path, text, danger):
    (tmp_path / "a.py").write_text(text)
    assert any(danger in found for found in dangers_in(tmp_path / "a.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_a_file_holds(path):
    assert list(dangers_in(path)) == []


def test_no_template_leaves_a_text_as_it_is():
    templates = sorted((ROOT / "src").rglob("*.j2"))
    assert len(templates) > 5
    for path in templates:
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|\bMarkup\b", path.read_text()), path


def test_code_of_a_checkpoint_runs_only_where_a_row_asks_for_it():
    fields = [loader.Settings.model_fields.get("trust_remote_code") for loader in LOADERS.values()]
    assert [field.default for field in fields if field is not None] == [False] * 3
