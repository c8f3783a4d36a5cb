"""What CONTRIBUTING.md promises: additions are made to a copy of the project, word for word, and run."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pandas as pd
import pytest
from running import Workflow
from toy import add_model, write_toy_study

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("src", "rules", "scripts", "config", "profiles", "envs", "report")

ESTIMATOR = '''"""A toy: the linear family with a large penalty."""

from suffice.estimators.linear import Linear, LinearSettings, PreparedLinear


class Toy(Linear):
    """Ridge regression."""

    name = "toy"
    summary = "a toy"
    about = "A toy."
    Settings = LinearSettings
    Prepared = PreparedLinear
'''
LOADER = '''"""A toy: how many words an item has, and how many letters."""

import numpy as np

from suffice.embed.base import Encoder, Loader
from suffice.settings import Settings


class ToySettings(Settings):
    """No settings."""


class Lengths(Encoder):
    """Two numbers of each item."""

    embed_dim = 2

    def encode(self, window):
        """Words and letters."""
        return np.array([[len(item.split()), len(item)] for item in window.contents], dtype=np.float32)


class Toy(Loader[ToySettings]):
    """Lengths."""

    kind = "toy"
    Settings = ToySettings
    libraries = ()

    def open(self, corpus):
        """Nothing is fitted."""
        return Lengths()
'''


class Copy:
    """A copy of the project that counts the files it is changed in."""

    def __init__(self, folder):
        self.folder = folder
        for part in PARTS:
            copytree(ROOT / part, folder / part, ignore=ignore_patterns("__pycache__", "*.egg-info"))
        (folder / "Snakefile").write_bytes((ROOT / "Snakefile").read_bytes())
        self.touched = set()

    def write(self, name, text):
        self.touched.add(name)
        (self.folder / name).write_text(text)

    def add_line(self, name, after, line):
        """Put a line after the first that ends with `after`."""
        before, found, rest = (self.folder / name).read_text().partition(f"{after}\n")
        assert found, f"{name} has no line {after!r}"
        self.write(name, f"{before}{found}{line}\n{rest}")

    def python(self, *arguments):
        environment = os.environ | {"PYTHONPATH": str(self.folder / "src")}
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=ROOT
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout


class InCopy(Workflow):
    """The workflow of the copy, with the copy's library."""

    def environment(self):
        return super().environment() | {"PYTHONPATH": str(self.project / "src")}


@pytest.fixture
def project(tmp_path):
    return Copy(tmp_path / "project")


@pytest.mark.slow
def test_an_estimator_is_one_file_and_one_line_and_is_tested_without_a_new_test(project):
    project.write("src/suffice/estimators/toy.py", ESTIMATOR)
    registry = "src/suffice/estimators/registry.py"
    project.add_line(
        registry,
        "from suffice.estimators.neighbours import Neighbours",
        "from suffice.estimators.toy import Toy",
    )
    text = (project.folder / registry).read_text()
    project.write(registry, text.replace("in (Linear, ", "in (Toy, Linear, "))
    assert len(project.touched) == 2
    tests = "tests/estimators/test_every_estimator.py", "tests/estimators/test_looks.py"
    project.python("-m", "pytest", "-n0", *tests, "-k", "toy", "-p", "no:cacheprovider")


@pytest.mark.slow
@pytest.mark.workflow
def test_a_loader_is_one_file_and_one_line_and_a_baseline_one_row(project, tmp_path):
    project.write("src/suffice/embed/toy.py", LOADER)
    registry = "src/suffice/embed/registry.py"
    project.add_line(registry, "from suffice.errors import ModelError", "from suffice.embed.toy import Toy")
    project.add_line(registry, '    "sentence_transformer": SentenceTransformer,', '    "toy": Toy,')
    assert len(project.touched) == 2
    baselines = "src/suffice/baselines/registry.py"
    row = '    Baseline("toy", "higher", "a toy", "a test", "items", lambda each: float(each[0, 0])),'
    project.add_line(baselines, "_KNOWN = (", row)
    assert len(project.touched) == 3
    study = write_toy_study(tmp_path / "lengths")
    add_model(study, "lengths\ttoy\ttoy\t\t\t\n")
    (tmp_path / "work").mkdir()
    workflow = InCopy(project.folder, study, tmp_path / "work")
    workflow.run()
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")
    assert "lengths" in set(ranking["model"])
    baselines = pd.read_csv(workflow.results / "baselines" / "toys.csv").set_index("model")
    assert baselines["toy"]["lengths"] > 2  # words of the first item
    correlation = pd.read_csv(workflow.results / "correlation" / "toys.csv")
    assert "toy" in set(correlation["predictor"])
