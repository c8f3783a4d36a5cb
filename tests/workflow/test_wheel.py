"""The installed package alone: a wheel, a folder with texts, one command."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from toy import toy_texts

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

PARTS = ("Snakefile", "config", "envs", "profiles", "report", "rules", "scripts", "src", "setup.py")
FILES = ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


@pytest.fixture
def installed(project, tmp_path):
    """A folder in which the wheel is installed; other packages are those of the tests."""
    copy, wheels, place = tmp_path / "copy", tmp_path / "wheels", tmp_path / "installed"
    copy.mkdir()
    for name in (*PARTS, *FILES):
        whole = project / name
        made = shutil.copytree if whole.is_dir() else shutil.copy2
        made(whole, copy / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *alone, "--wheel-dir", wheels, copy], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", place, wheel], check=True)
    shutil.rmtree(copy)
    return place


def test_texts_become_an_answer_by_one_command(installed, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    toy_texts().to_csv(folder / "docs.csv", index=False)

    def run(*arguments):
        command = [sys.executable, "-m", "suffice.cli", *arguments]
        environment = os.environ | {"PYTHONPATH": str(installed)}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    new = ("docs.csv", "--content", "text", "--models", "tfidf-16,chars-256", "--cores", "2")
    refused = run("run", *new)
    assert refused.returncode == 1 and "tfidf-16" in refused.stderr and not (folder / "docs-study").exists()
    new = ("docs.csv", "--content", "text", "--models", "tfidf-64,chars-256", "--cores", "2")
    done = run("run", *new)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "could be first" in done.stdout and "page: results/docs-study/report.html" in done.stdout
    assert (folder / "results" / "docs-study" / "report.html").is_file()
    assert "embedded tfidf-64 on docs (" in done.stderr and "Finished jobid" not in done.stderr
    assert "Finished jobid" in (folder / "logs" / "docs-study" / "snakemake.log").read_text()
    again = run("run", "docs-study", "--json")
    assert again.returncode == 0 and "nothing to do" in again.stderr
    told = json.loads(again.stdout)
    assert told["page"] == "results/docs-study/report.html"
    assert {row["model"] for row in told["rankings"][0]["models"]} >= {"tfidf-64", "chars-256"}
    for kind, rule in (("calibration", "measure_group"), ("published", "recompute_published")):
        planned = run("run", kind, "--plan")  # the rules of a kind lie in its package
        assert planned.returncode == 0 and rule in planned.stdout, planned.stderr
