"""The toy study through a real SLURM: the same bytes as on one machine, GPUs from the queue for GPUs."""

import re
import subprocess

import pytest
from running import Workflow

from suffice.storage.verify import verify_results

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_the_profile_for_slurm_makes_the_tables_of_one_machine(on_slurm, project, tmp_path):
    done = on_slurm.run(*on_slurm.arguments)
    here = Workflow(project, on_slurm.study, tmp_path / "here")
    here.work.mkdir()
    here.run()
    assert on_slurm.tables() == here.tables()
    assert verify_results(on_slurm.results).is_good
    submitted = set(re.findall(r"SLURM jobid '?(\d+)", done.output))
    # A corpus, all pairs, and for each of five models an embedding and its tasks; the rest is baselines, one
    # group for the ranking with all that follows from it, and the page.
    assert 13 <= len(submitted) <= 18, done.output[-3000:]


def test_a_job_that_asks_for_a_gpu_has_one_from_the_queue_for_gpus(on_slurm):
    made = "results/toy/embeddings/toys/own.npy"
    on_slurm.run(made, *on_slurm.arguments, "--set-resources", "embed_items:gpu=1")
    log = on_slurm.work / "logs" / "toy" / "embed_items" / "toys" / "own.log"
    assert "on GPU 0" in log.read_text()
    queues = subprocess.run(["squeue", "-h", "-t", "all", "-o", "%P"], capture_output=True, text=True).stdout
    assert queues.split().count("gpu") == 1


def test_a_job_that_lacks_memory_gets_more(on_slurm):
    made = "results/toy/corpora/toys.json"
    limits = ["--set-resources", "build_corpus:mem_mb=80*5**(attempt-1)", "--retries", "2"]
    done = on_slurm.run(made, *on_slurm.arguments, *limits)
    assert "mem_mb=80" in done.output and "mem_mb=400" in done.output
