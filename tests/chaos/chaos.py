"""Kill runs of a study at random moments, again and again, and compare what they end with.

    python tests/chaos/chaos.py --kills 60
    python tests/cluster/one_node.py -- python tests/chaos/chaos.py --kills 12 --profile profiles/slurm \
        -- --slurm-no-account --slurm-status-command squeue --slurm-init-seconds-before-status-checks 2

A round runs a study with a job of every stage, is struck until it is complete, and its tables must then be,
byte for byte, those of a run that nobody disturbed; `suffice verify` must find nothing. Rounds follow until
all strikes are done.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from running import Workflow, jobs_at_work  # noqa: E402
from toy import STAGES, add_all_stages, write_toy_study  # noqa: E402

from suffice.storage.verify import verify_results  # noqa: E402

LONGEST_WAIT_SECONDS = 6.0  # for a job of a stage that has not been struck yet
LONGEST_DELAY_SECONDS = 0.6  # after which a job, once seen, is struck
WAYS = {
    "the main process is killed, its jobs go on": "main",
    "the main process and all its jobs are killed": "group",
    "one job is killed": "job",
    "the main process is asked to end (SIGTERM)": "term",
    "the run is interrupted (Ctrl-C)": "interrupt",
}
SIGNALS = {
    "main": signal.SIGKILL,
    "group": signal.SIGKILL,
    "term": signal.SIGTERM,
    "interrupt": signal.SIGINT,
}
AT_WORK = ("another run is using", "jobs of an earlier run are still using")


@dataclass
class Chaos:
    """Strikes against runs of one study, and what they hit."""

    study: Path
    profile: Path
    random: random.Random
    deadline: float
    arguments: tuple[str, ...] = ()
    strikes: Counter = field(default_factory=Counter)
    stages: Counter = field(default_factory=Counter)
    n_rounds: int = 0

    @property
    def n_strikes(self) -> int:
        return self.strikes.total()

    def quiet_run(self, work: Path) -> Workflow:
        """A run that nobody disturbs; one that is refused, since jobs are still at work, is tried again."""
        workflow = Workflow(ROOT, self.study, work, self.profile)
        while (done := workflow.run(*self.arguments, check=False)).returncode:
            if not any(said in done.output for said in AT_WORK):
                raise AssertionError(f"a run failed:\n{done.output[-4000:]}")
            time.sleep(1)
        return workflow

    def round(self, work: Path, n_strikes: int) -> Workflow:
        """Strike runs in one folder until one is complete or all strikes are done; then run in peace."""
        workflow = Workflow(ROOT, self.study, work, self.profile)
        self.n_rounds += 1
        while self.n_strikes < n_strikes and time.monotonic() < self.deadline:
            if self._strike(workflow):
                break
        return self.quiet_run(work)

    def _strike(self, workflow: Workflow) -> bool:
        """Begin a run and strike it once; whether it was complete before."""
        main = subprocess.Popen(
            workflow.command(*self.arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=workflow.environment(), start_new_session=True,
        )  # fmt: skip
        jobs = self._wait_for_jobs(main, workflow.work)
        struck = main.poll() is None and self._hit(main, jobs)
        output, _ = main.communicate()
        refused = any(said in output for said in AT_WORK)
        assert struck or refused or main.returncode == 0, (
            f"a run that was not struck failed:\n{output[-4000:]}"
        )
        return main.returncode == 0 and "Nothing to be done" in output

    def _wait_for_jobs(self, main: subprocess.Popen, work: Path) -> dict[int, str]:
        """Wait for a job of a stage not struck yet, or for any job a while; then a moment more."""
        seen, end = None, time.monotonic() + 60
        while main.poll() is None and time.monotonic() < end:
            jobs = jobs_at_work(work)
            if jobs and seen is None:
                seen = time.monotonic()
            if set(jobs.values()) - set(self.stages) or (
                jobs and time.monotonic() > seen + LONGEST_WAIT_SECONDS
            ):
                break
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, LONGEST_DELAY_SECONDS))
        return jobs_at_work(work)

    def _hit(self, main: subprocess.Popen, jobs: dict[int, str]) -> bool:
        """Strike a run in a way that chance decides; whether it was struck."""
        way, kind = self.random.choice(list(WAYS.items()))
        if kind == "job" and not jobs:
            return False
        struck = jobs
        with suppress(ProcessLookupError):
            if kind == "job":
                job = self.random.choice(list(jobs))
                struck = {job: jobs[job]}
                os.kill(job, signal.SIGKILL)
            elif kind == "main":
                main.send_signal(SIGNALS[kind])
            elif kind == "term":
                main.send_signal(SIGNALS[kind])
            else:
                os.killpg(main.pid, SIGNALS[kind])
            self.strikes[way] += 1
            self.stages.update(set(struck.values()) or {"between jobs"})
            return True
        return False


def check(workflow: Workflow, expected: dict[str, bytes]) -> None:
    """The tables must be those of the run that nobody disturbed, and nothing damaged, stale or left over."""
    tables = workflow.tables()
    differing = [name for name in expected.keys() | tables.keys() if tables.get(name) != expected.get(name)]
    assert not differing, f"these differ from an undisturbed run: {differing}"
    found = verify_results(workflow.results)
    assert found.is_good, "\n".join(found.lines())
    assert not list(workflow.results.rglob(".*.part*")), "half files were left"


def run_chaos(
    folder: Path,
    n_strikes: int,
    seed: int,
    profile: Path,
    max_seconds: float,
    arguments: tuple[str, ...] = (),
) -> Chaos:
    """Strike until there were enough strikes, or time is up; every round must end like an undisturbed run."""
    study = write_toy_study(folder / "toy")
    add_all_stages(study)
    chaos = Chaos(study, profile, random.Random(seed), time.monotonic() + max_seconds, arguments)
    for name in ("undisturbed", *(f"round-{number}" for number in range(n_strikes))):
        (folder / name).mkdir()
        if name == "undisturbed":
            expected = (
                Chaos(study, ROOT / "profiles/default", chaos.random, 0).quiet_run(folder / name).tables()
            )
            continue
        check(chaos.round(folder / name, n_strikes), expected)
        if chaos.n_strikes >= n_strikes or time.monotonic() > chaos.deadline:
            return chaos
    raise AssertionError(f"only {chaos.n_strikes} of {n_strikes} strikes in {chaos.n_rounds} rounds")


def main() -> None:
    """Run chaos from the command line and print what was struck."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", type=Path, default=ROOT / "profiles" / "default")
    parser.add_argument("--max-seconds", type=float, default=3600)
    parser.add_argument("arguments", nargs="*", help="of Snakemake, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        place, profile = Path(folder), options.profile.resolve()
        asked = options.kills, options.seed, profile, options.max_seconds, tuple(options.arguments)
        chaos = run_chaos(place, *asked)
    print(f"{chaos.n_strikes} strikes in {chaos.n_rounds} rounds; all tables as in an undisturbed run")
    for title, counts in (("ways", chaos.strikes), ("stages at work", chaos.stages)):
        print(f"{title}:")
        print("\n".join(f"  {count:3d}  {name}" for name, count in counts.most_common()))
    print("stages never struck:", ", ".join(sorted(set(STAGES) - set(chaos.stages))) or "none")


if __name__ == "__main__":
    main()
