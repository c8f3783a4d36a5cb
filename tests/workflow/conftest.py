"""Running the workflow for real, in a folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Workflow:
    """The project's workflow on one study.

    `work` is the working folder, where results go.
    """

    project: Path
    study: Path
    work: Path

    def command(self, *arguments, **config):
        settings = [f"{key}={value}" for key, value in {"study": self.study, **config}.items()]
        fixed = [
            "--snakefile",
            str(self.project / "Snakefile"),
            "--directory",
            str(self.work),
            "--cores",
            "2",
        ]
        profile = ["--workflow-profile", str(self.project / "profiles" / "default")]
        return [sys.executable, "-m", "snakemake", *fixed, *profile, *arguments, "--config", *settings]

    def run(self, *arguments, check=True, **config):
        done = subprocess.run(
            self.command(*arguments, **config),
            capture_output=True,
            text=True,
            env=self.environment(),
            timeout=1500,
        )
        done.output = done.stdout + done.stderr
        if check:
            assert done.returncode == 0, done.output[-4000:]
        return done

    def environment(self):
        return os.environ | {"HF_HUB_OFFLINE": "1"}

    @property
    def results(self):
        return self.work / "results" / self.study.name

    def tables(self):
        """Contents of every table and array of the results that is not a measurement of time, by path.

        Pareto tables hold seconds, which differ from run to run.
        """
        suffixes = {".csv", ".parquet", ".npy", ".npz"}
        files = [
            path
            for path in self.results.rglob("*")
            if path.suffix in suffixes and "pareto" not in str(path.relative_to(self.results))
        ]
        return {str(path.relative_to(self.results)): path.read_bytes() for path in sorted(files)}


@pytest.fixture
def workflow(project, toy_study, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    return Workflow(project, toy_study, work)
