"""Jobs of every stage are killed, and the study still ends with the same tables."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from running import jobs_at_work
from toy import STAGES, add_all_stages

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

RULES = {"estimate_pairs": "estimate_all_pairs"}
"""The rule of a stage's jobs in the toy study, if its script has another name."""


def kill_jobs(workflow, stages):
    """Run the workflow and end the first job of each of some stages with SIGKILL; which stages had one."""
    rules = [RULES.get(stage, stage) for stage in stages]
    again = ["--forcerun", *rules] if rules else []  # one whose job was too quick has another chance
    command = workflow.command(*again)
    main = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=workflow.environment()
    )
    killed = []
    while main.poll() is None:
        for job, stage in jobs_at_work(workflow.work).items():
            if stage in stages and stage not in killed:
                time.sleep(0.1)
                with suppress(ProcessLookupError):
                    os.kill(job, signal.SIGKILL)
                    killed.append(stage)
        time.sleep(0.02)
    return killed


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds jobs through /proc")
def test_a_killed_job_of_any_stage_changes_no_table(workflow, project, tmp_path):
    add_all_stages(workflow.study)
    undisturbed = type(workflow)(project, workflow.study, tmp_path / "undisturbed")
    undisturbed.work.mkdir()
    undisturbed.run()
    left = list(STAGES)
    while killed := kill_jobs(workflow, left):
        left = [stage for stage in left if stage not in killed]
    assert left == []
    assert (workflow.results / "report.html").exists()
    assert workflow.tables() == undisturbed.tables()
