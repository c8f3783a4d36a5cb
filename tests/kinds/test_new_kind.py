"""A kind of study that another package brings: one folder, found by its entry point, run by Snakemake."""

import os
import subprocess
import sys

import pytest

from suffice.errors import StudyError
from suffice.kinds import registry
from suffice.kinds.registry import all_kinds, get_kind, kind_of_study, kind_places
from suffice.storage import provenance

INIT = '''"""Counts the words of one text."""

from pydantic import Field

from suffice.kinds.kind import Kind
from suffice.settings import Settings


class CountSettings(Settings):
    kind: str = Field(description="counting")
    text: str = Field(description="what is counted")


class Counting(Kind):
    name = "counting"
    summary = "Counts the words of a text."

    def load(self, folder, overrides):
        from suffice.study.read import read_study_settings

        return read_study_settings(folder / "study.yaml", overrides, CountSettings)

    def settings(self):
        return CountSettings


KIND = Counting()
'''
RULES = '''"""Counting: a text -> the number of its words."""

SETTINGS = opened_study()
RESULTS = f"results/{FOLDER.name}"


def final_files():
    """What a study ends with."""
    return [f"{RESULTS}/summary.csv"]


rule count_words:
    output:
        f"{RESULTS}/summary.csv",
    params:
        text=SETTINGS.text,
        code=code_of("count_words"),
    script:
        "scripts/count_words.py"
'''
SCRIPT = """from counting_kind.count import n_words

from suffice.storage.files import write_table
from suffice.workflow import running_job

with running_job(snakemake):
    write_table(n_words(snakemake.params.text), snakemake.output[0])
"""
COUNT = """import pandas as pd


def n_words(text):
    return pd.DataFrame({"words": [len(text.split())]})
"""


@pytest.fixture
def outside(tmp_path):
    """A folder with the package of a kind, as an installer leaves it."""
    package, facts = tmp_path / "site" / "counting_kind", tmp_path / "site" / "counting_kind-1.dist-info"
    (package / "scripts").mkdir(parents=True)
    facts.mkdir()
    (package / "__init__.py").write_text(INIT)
    (package / "rules.smk").write_text(RULES)
    (package / "count.py").write_text(COUNT)
    (package / "scripts" / "count_words.py").write_text(SCRIPT)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: counting-kind\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[suffice.kinds]\ncounting = counting_kind:KIND\n")
    return package


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "sea"
    folder.mkdir()
    (folder / "study.yaml").write_text("kind: counting\ntext: the old man and the sea\n")
    return folder


@pytest.fixture
def installed(outside, monkeypatch):
    """The same for this process."""
    monkeypatch.syspath_prepend(outside.parent)
    caches = (kind_places, provenance._folders)
    for kept in caches:
        kept.cache_clear()
    yield outside
    monkeypatch.undo()
    for kept in caches:
        kept.cache_clear()


def test_the_kinds_of_the_library_are_its_packages(project):
    assert list(kind_places()) == ["embeddings", "calibration", "published", "saturation"]
    for kind in all_kinds():
        assert kind.rules(project).is_file() and list(kind.scripts(project).glob("*.py"))


@pytest.mark.workflow
def test_a_kind_of_another_package_runs_to_its_final_file(project, outside, study, tmp_path):
    def run(command, *arguments):
        path = os.pathsep.join([str(outside.parent), str(project / "src")])
        called = [sys.executable, "-m", "suffice", command, *arguments]
        done = subprocess.run(
            called, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    assert "6" in run("run", str(study), "--cores", "1")
    assert (tmp_path / "results" / "sea" / "summary.csv").read_text().split() == ["words", "6"]
    assert "nothing to do" in run("run", str(study), "--cores", "1")
    assert "1 results and 0 stored parts: 0 damaged, 0 stale" in run("verify", "results/sea")

    (outside / "count.py").write_text(COUNT.replace("len(text.split())", "2 * len(text.split())"))
    assert "made by different code" in run("run", str(study), "--cores", "1")
    assert (tmp_path / "results" / "sea" / "summary.csv").read_text().split() == ["words", "12"]


def test_a_kind_of_another_package_is_known(installed, study):
    assert kind_of_study(study).folder == installed
    assert "`text` | required | what is counted" in kind_of_study(study).manual()
    script = installed / "scripts" / "count_words.py"
    assert "counting_kind.count" in provenance.code_of_script(script).split()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("counting = counting_kind:KINDD", "cannot be imported: .*KINDD"),
        ("counting = no_such_package:KIND", "cannot be imported: .*no_such_package"),
        ("counting = counting_kind:Counting", "is not a `Kind` with the name 'counting'"),
        ("published = counting_kind:KIND", "two packages provide a kind of study 'published'"),
    ],
)
def test_a_package_that_brings_no_kind_is_named(installed, entry, message):
    facts = installed.parent / "counting_kind-1.dist-info" / "entry_points.txt"
    facts.write_text(f"[suffice.kinds]\n{entry}\n")
    with pytest.raises(StudyError, match=message):
        get_kind("counting")


def test_there_is_no_kind_but_through_the_registry(project):
    names = set(kind_places()) - {registry.DEFAULT}
    library = project / "src" / "suffice"
    for path in [*library.rglob("*.py"), *(project / "rules").rglob("*.smk"), project / "Snakefile"]:
        if not path.is_relative_to(library / "kinds") or path.parent == library / "kinds":
            text = path.read_text()
            assert not any(f"kinds.{name}" in text for name in names), path
