"""Damaged studies as a user meets them: the last lines hold a message, and nothing is written elsewhere."""

import html
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hostile.cases import replace, write
from hostile.data_cases import ITEMS
from hostile.vector_cases import ARRAYS
from toy import toy_texts, write_toy_study

from suffice.storage.files import FORMULA_STARTS, read_table

SCRIPT = "<script>alert(1)</script>"
SHOWN = "&lt;script&gt;alert(1)&lt;/script&gt;"
LAST_LINES = 12


def files_below(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if ".snakemake" not in path.parts}


def workflow(project, study, work, *arguments):
    """Run the project's workflow on a study."""
    profile = ["--workflow-profile", str(project / "profiles" / "default"), "--cores", "2"]
    places = ["--snakefile", str(project / "Snakefile"), "--directory", str(work)]
    command = [sys.executable, "-m", "snakemake", *places, *profile, *arguments, "--config", f"study={study}"]
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=offline, timeout=600)


BEFORE_WORK = {
    "path in a name": (
        replace("models.tsv", "words-2\t", "../../escaped\t"),
        "model '../../escaped' is not a name",
    ),
    "object in YAML": (write("study.yaml", b"title: !!python/object/apply:os.getcwd []\n"), "not valid YAML"),
    "gone": (replace("datasets.tsv", "toys.csv", "/etc/passwd"), "is outside the study's folder"),
    "one group": (ITEMS["one group"][0], "1 groups are too few"),
}


@pytest.mark.slow
@pytest.mark.workflow
@pytest.mark.parametrize(("damage", "message"), BEFORE_WORK.values(), ids=BEFORE_WORK.keys())
def test_the_workflow_stops_before_any_work(project, toy_study, tmp_path, damage, message):
    damage(toy_study)
    (tmp_path / "work").mkdir()
    before = files_below(tmp_path)
    done = workflow(project, toy_study, tmp_path / "work")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert message in " ".join(done.stderr.splitlines()[-LAST_LINES:])
    assert files_below(tmp_path) == before


@pytest.mark.slow
@pytest.mark.workflow
def test_a_job_that_meets_bad_vectors_says_so_without_a_traceback(project, toy_study, tmp_path):
    ARRAYS["NaN"][0](toy_study)
    (tmp_path / "work").mkdir()
    target = "results/toy/embeddings/toys/own.npy"
    done = workflow(project, toy_study, tmp_path / "work", target)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert "NaN or infinite values in 1 of 300 rows, first in row 5" in done.stderr
    assert not (tmp_path / "work" / target).exists()


@pytest.mark.slow
def test_the_command_line_says_what_is_wrong_last(tmp_path):
    np.save(tmp_path / "a.npy", np.full((60, 2), np.nan))
    np.save(tmp_path / "b.npy", np.zeros((60, 2)))
    command = [sys.executable, "-m", "suffice", "rank", "a.npy", "b.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("suffice: ")
    assert "a: the embedding has 120 NaN or infinite values" in done.stderr.splitlines()[-1]
    assert files_below(tmp_path) == {*map(type(tmp_path), ("a.npy", "b.npy"))}


@pytest.fixture(scope="module")
def scripted(project, tmp_path_factory):
    """The results of a study whose texts, labels, title and families are scripts and formulas."""
    folder = tmp_path_factory.mktemp("scripted")
    study = write_toy_study(folder / "toy")
    table = toy_texts()
    table["text"] = [f"={SCRIPT} {text}" for text in table["text"]]
    table["topic"] = "=" + SCRIPT + table["topic"]
    table.to_csv(study / "toys.csv", index=False)
    replace("study.yaml", "title: Toy", f"title: '{SCRIPT}'")(study)
    replace("models.tsv", "\twords\t8", f"\t{SCRIPT}\t8")(study)
    replace("models.tsv", "chars-8\tbag_of_words\tcharacters", "chars-8\tbag_of_words\t=1+1")(study)
    replace("datasets.tsv", "\tgroup", "\tgroup\tlicense")(study)
    replace("datasets.tsv", "\tdocument", f"\tdocument\t{SCRIPT}")(study)
    (folder / "work").mkdir()
    done = workflow(project, study, folder / "work")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "work" / "results" / "toy"


@pytest.mark.slow
@pytest.mark.workflow
def test_the_page_escapes_everything_that_came_from_data(scripted):
    page = (scripted / "report.html").read_text()
    assert SCRIPT not in page
    assert page.count(SHOWN) >= 5  # title, license, configuration, and texts at the ends of directions
    assert page.count("<script") == 1  # the page's own
    assert "default-src 'none'" in html.unescape(page)


@pytest.mark.slow
@pytest.mark.workflow
def test_no_table_of_the_study_holds_a_formula(scripted):
    tables = [path for path in scripted.rglob("*.csv")]
    assert len(tables) > 10
    for path in tables:
        plain = pd.read_csv(path, dtype=str, keep_default_na=False)
        numbers = plain.apply(pd.to_numeric, errors="coerce").notna()
        texts = plain.mask(numbers, "").to_numpy().ravel()
        assert not [cell for cell in texts if cell.startswith(FORMULA_STARTS)], path
    items = read_table(next(scripted.rglob("*.items.csv")))
    assert items["text"].str.startswith(f"={SCRIPT}").all()
    assert "'=<script" in next(scripted.rglob("*.items.csv")).read_text()
