"""What the published ranking rests on: its ablations, run on stand-ins without network."""

import pandas as pd
import pytest
from published_text import write_small

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MODELS = ["gtr-t5-large", "stella-base-en-v2", "gemma-2b-it", "gemma-2b"]
TEXTS = ["amazon-polarity", "banking77", "snli-test"]


def test_ablations_of_stand_ins(workflow, project, tmp_path):
    workflow.study = write_small(project, tmp_path / "text", MODELS, TEXTS, ablations=True)
    workflow.run("ablations", offline_standins="true")
    results = workflow.work / "results" / "text-standins"
    ranking = pd.read_csv(results / "ranking" / "common" / "modes-2.csv")
    assert set(ranking["model"]) == set(MODELS) and ranking["score"].notna().all()
    folder = results / "ablations"
    versions = pd.read_csv(folder / "common" / "versions.linear.csv")
    assert versions[["model", "version_of"]].values.tolist() == [["gemma-2b-it", "gemma-2b"]]
    modes = pd.read_csv(folder / "common" / "settings.modes.csv")
    assert set(modes["variant"].astype(str)) == {"1", "2"}
    datasets = pd.read_csv(folder / "datasets.linear.csv")
    assert set(datasets["variant"]) | set(datasets["against"]) == {"common", "amazon-polarity", "tasks"}
    assert (folder / "common" / "curves.png").exists()
    assert "Nothing to be done" in workflow.run("ablations", offline_standins="true").output
