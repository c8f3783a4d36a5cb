"""The site: every public name and every page is in it, the tutorial runs, and the build warns of nothing."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from matplotlib.figure import Figure

import suffice


@pytest.fixture(scope="module")
def tutorial(project):
    return json.loads((project / "docs" / "tutorial.ipynb").read_text())


def code_of(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_every_public_name_is_in_the_reference(project):
    text = (project / "docs" / "reference.md").read_text()
    missing = [name for name in suffice.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == ["__version__"]


def test_every_page_is_in_the_contents(project):
    text = (project / "mkdocs.yml").read_text()
    listed = set(re.findall(r": ([\w/-]+\.md)$", text, re.M))
    docs = project / "docs"
    pages = {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    assert pages | {"tutorial.md", "manual.md", "glossary.md"} == listed
    assert yaml.safe_load(text)["strict"] is True


def test_every_message_that_is_explained_is_in_the_code(project):
    text = (project / "docs" / "troubleshooting.md").read_text()
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    messages = [part for cell in cells for part in re.findall(r'[`"]([^`"]+)[`"]', cell)]
    code = "".join(path.read_text() for path in sorted((project / "src" / "suffice").rglob("*.py")))
    said = re.sub(r'"\n\s*f?"', "", code)  # a string on several lines is one
    parts = [part.strip() for message in messages for part in message.split("...")]
    assert len(messages) > 12 and [part for part in parts if part not in said] == []


def test_every_promise_has_a_test_that_is_there(project):
    text = (project / "docs" / "integrity.md").read_text()
    assert [
        name
        for name in re.findall(r"`(tests/[\w/.]+|benchmarks/[\w/.]+)`", text)
        if not (project / name).exists()
    ] == []
    tables = re.findall(r"^\| promise \| test \| limit \|\n\|---\|---\|---\|\n((?:\|.*\n)+)", text, re.M)
    rows = [line.strip("|").split("|") for table in tables for line in table.splitlines()]
    assert len(rows) > 25
    for promise, test, _ in (map(str.strip, row) for row in rows):
        assert promise and ("`tests/" in test or test.startswith("the same")), promise


@pytest.mark.filterwarnings("ignore")
def test_the_tutorial_runs_to_a_decision_in_ten_cells(tutorial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = code_of(tutorial)
    assert len(cells) == 10
    names = {}
    for number, source in enumerate(cells):
        exec(compile(source, f"cell {number + 1}", "exec"), names)
    assert names["ranking"].recommend().model in names["models"]
    assert (tmp_path / "ranking" / "ranking.csv").is_file()
    picture = names["ranking"].plot()
    assert isinstance(picture, Figure) and picture._repr_png_().startswith(b"\x89PNG")


def test_the_tutorial_was_executed_in_order_without_an_error(tutorial):
    cells = [cell for cell in tutorial["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, 11))
    kinds = [output["output_type"] for cell in cells for output in cell["outputs"]]
    assert "error" not in kinds and sum("image/png" in str(cell["outputs"]) for cell in cells) == 2


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(project, tmp_path):
    pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr
    page = (tmp_path / "site" / "reference.html").read_text()
    assert "suffice.ranking.rank.rank" in page and "to_pandas" in page
    for path in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]*)"', path.read_text())
        assert not [address for address in loaded if "canonical" not in address], path
