"""The workflow on a SLURM that is brought up for the tests."""

import pytest
from one_node import NoSlurmError, one_node_slurm
from running import Workflow

HASTE = {
    "--slurm-status-command": "squeue",  # nothing is accounted here
    "--slurm-init-seconds-before-status-checks": "2",
    "--latency-wait": "5",
}


@pytest.fixture(scope="session")
def slurm():
    """A SLURM of one node, with a partition `cpu` and a partition `gpu`."""
    try:
        with one_node_slurm() as folder:
            yield folder
    except NoSlurmError as error:
        pytest.skip(f"no SLURM can be brought up here: {error}")


@pytest.fixture
def on_slurm(slurm, project, toy_study, tmp_path):
    """The workflow with the profile for SLURM; `on_slurm.arguments` go with each run."""
    work = tmp_path / "slurm"
    work.mkdir()
    workflow = Workflow(project, toy_study, work, profile=project / "profiles" / "slurm")
    partitions = ("--slurm-partition-config", str(project / "profiles" / "slurm" / "partitions.yaml"))
    haste = [part for option in HASTE.items() for part in option]
    workflow.arguments = [*partitions, "--slurm-no-account", *haste]
    return workflow
