"""The workflow as a process of its own, what it left behind, and the jobs that are at work."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Workflow:
    """The project's workflow on one study.

    `work` is the working folder, where results go; `profile` a Snakemake profile.
    """

    project: Path
    study: Path
    work: Path
    profile: Path | None = None

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
        profile = ["--workflow-profile", str(self.profile or self.project / "profiles" / "default")]
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


def jobs_at_work(work: Path) -> dict[int, str]:
    """Process id and rule of each running job: Snakemake runs a copy of its script in the working folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            scripts = [Path(part.decode()) for part in command if part.endswith(b".py")]
            found |= {int(entry.name): script.suffixes[-2][1:] for script in scripts if is_copy(script, work)}
    return found


def is_copy(script: Path, work: Path) -> bool:
    """Whether a script is Snakemake's copy of a rule's script, for a run in a folder."""
    return script.parent == work / ".snakemake" / "scripts" and len(script.suffixes) > 1
