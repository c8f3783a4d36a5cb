"""A run makes anew what its content says, whatever times and Snakemake's notes say."""

import os
import shutil

import pytest
from toy import write_toy_study

from suffice.storage.files import read_json

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

CORPUS = "results/toy/corpora/toys.json"
DONE = "Nothing to be done"


def n_items(workflow):
    return read_json(workflow.results / "corpora" / "toys.json")["n_items"]


def test_an_older_file_other_settings_without_notes_and_another_study(workflow, tmp_path):
    data = workflow.study / "toys.csv"
    workflow.run(CORPUS)
    assert n_items(workflow) == 300 and DONE in workflow.run(CORPUS).output

    lines = data.read_text().splitlines(keepends=True)
    (tmp_path / "older.csv").write_text("".join(lines[:281]))
    os.utime(tmp_path / "older.csv", (1e9, 1e9))
    os.replace(tmp_path / "older.csv", data)
    planned = workflow.run(CORPUS, "--dry-run").output
    assert "computed again: corpora/toys.json" in planned and n_items(workflow) == 300
    workflow.run(CORPUS)
    assert n_items(workflow) == 280 and DONE in workflow.run(CORPUS).output

    shutil.rmtree(workflow.work / ".snakemake")
    assert DONE in workflow.run(CORPUS).output
    shutil.rmtree(workflow.work / ".snakemake")
    datasets = workflow.study / "datasets.tsv"
    header, row = datasets.read_text().splitlines()
    datasets.write_text(f"{header}\tmax_items\n{row}\t240\n")
    workflow.run(CORPUS)
    assert n_items(workflow) == 240

    (tmp_path / "elsewhere").mkdir()
    other = write_toy_study(tmp_path / "elsewhere" / "toy")
    refused = workflow.run(CORPUS, check=False, study=other)
    assert refused.returncode != 0 and "has the results of the study in" in refused.output
