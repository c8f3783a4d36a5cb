"""A checkout, its interpreter, a study and its results in folders with spaces and quotes."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.workflow

PARTS = ("Snakefile", "rules", "scripts", "src", "config", "profiles", "envs", "report")


@pytest.mark.parametrize("name", ["My Drive", "it's (mine) & $HOME"])
def test_jobs_run_from_a_checkout_with_spaces(project, toy_study, tmp_path, name):
    checkout = tmp_path / name / "suffice"
    checkout.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (project / part).is_dir() else shutil.copy
        copy(project / part, checkout / part)
    (checkout / ".venv").symlink_to(sys.prefix)  # its interpreter has the path of the checkout
    study = toy_study.rename(tmp_path / name / "toy")
    target = "results/toy/embeddings/toys/words-2.npy"
    command = [checkout / ".venv/bin/python", "-m", "suffice.cli", "run", study, "--cores", "1"]
    done = subprocess.run(
        [*map(str, command), "--target", target],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
    )
    assert (checkout / target).is_file(), done.stdout + done.stderr
