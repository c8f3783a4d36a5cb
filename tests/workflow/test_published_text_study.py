"""The published experiment on texts: planned to the last job, and run on stand-ins without network."""

import os
import re
import subprocess

import pandas as pd
import pytest
from published_text import TASK, write_small

from suffice.embed.standin import ARCHITECTURES

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

STUDIES = {
    "text-darrin2024": {
        "embed_items": 340,
        "estimate_pairs": 34,
        "estimate_all_pairs": 2,
        "probe_model": 34,
        "build_corpus": 22,
    },
    "text-darrin2024-prompts": {
        "embed_items": 340,
        "estimate_pairs": 34,
        "estimate_all_pairs": 2,
        "probe_model": 34,
    },
    "text-darrin2024-more": {
        "embed_items": 520,
        "estimate_pairs": 34,
        "estimate_all_pairs": 1,
        "probe_model": 52,
    },
}
MODELS = [
    "sfr-embedding-mistral", "stella-base-en-v2", "gtr-t5-large", "llama-2-7b-hf", "all-distilroberta-v1",
    "all-mpnet-base-v2", "udever-bloom-560m", "word-average-glove", "croissant-5k",
    "stella-base-en-v2.and.gtr-t5-large",
]  # fmt: skip


@pytest.mark.parametrize("study", STUDIES)
def test_the_whole_experiment_is_planned_without_network(study, workflow, project):
    workflow.study = project / "config" / study
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    command = workflow.command("--dry-run", "--quiet", "rules")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, flags=re.MULTILINE))
    assert {name: int(counts[name]) for name in STUDIES[study]} == STUDIES[study]
    assert not (workflow.work / "results").exists()


@pytest.mark.parametrize("study", STUDIES)
def test_what_comes_from_the_hub_is_pinned_or_said_not_to_be(study, project):
    for table in ("models.tsv", "datasets.tsv"):
        path = project / "config" / study / table
        if not path.exists():
            continue
        read = pd.read_csv(path, sep="\t", comment="#", dtype=str).fillna("")
        hub = read[read["checkpoint"] != ""] if table == "models.tsv" else read[read["source"] == "hub"]
        pinned = hub["revision"].str.fullmatch("[0-9a-f]{40}") if "revision" in hub else hub.index < 0
        assert (pinned | (hub.get("revision", "") == "")).all()
        if not pinned.all():
            assert "not pinned" in path.read_text()
        if table == "models.tsv":
            assert set(hub["architecture"]) <= set(ARCHITECTURES)


def test_stand_ins_go_the_whole_way(workflow, project, tmp_path):
    workflow.study = write_small(project, tmp_path / "text", MODELS)
    workflow.run(offline_standins="true")
    results = workflow.work / "results" / "text-standins"
    page = re.sub("<[^>]*>", "", (results / "report.html").read_text())
    assert "STAND-INS" in page and "public scores on 7 tasks are among the tasks" in page
    corpus = pd.read_parquet(results / "corpora" / "common.parquet")
    parts = corpus["part"].value_counts()
    # 120 rows each; pairs of texts are two items
    assert len(parts) == 12 and parts["banking77"] == 120 and parts["snli-test"] == 240
    ranking = pd.read_csv(results / "ranking" / "common" / "linear.csv")
    assert set(ranking["model"]) == set(MODELS)
    assert ranking["score"].notna().all()
    assert ranking["is_target"].sum() == len(MODELS) - 2
    correlation = pd.read_csv(results / "correlation" / "common.csv")
    assert {TASK, "mteb-retrieval", "mteb-summarization"} <= set(correlation["task"])
    gaps = pd.read_csv(results / "public_scores" / "gaps.csv")
    assert {"llama-2-7b-hf", "croissant-5k"} <= set(gaps["model"])
