"""A small study of agents that the workflow trains, to its page: checkpoints, states, values and returns."""

import os
import shutil
from dataclasses import dataclass

import pandas as pd
import pytest
from running import Workflow

from suffice.errors import StudyError
from suffice.storage.files import read_json
from suffice.study.read import load_study

FOLDERS = ("config", "envs", "profiles", "report", "rules", "scripts", "src")
PLACE = "src/suffice/data/made/cartpole"
STEPS = {"(10_000, 40_000, 120_000)": "(256, 512, 768)", "(5_000, 15_000, 40_000)": "(64, 1_040, 1_200)"}
MODELS = ("a2c-0-late", "scripted", "untrained-tanh", "cem-0-late-actions")


@dataclass
class OfCopy(Workflow):
    """The workflow of a copy of the project."""

    def environment(self):
        paths = filter(None, (str(self.project / "src"), os.environ.get("PYTHONPATH")))
        return super().environment() | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture
def quick(project, tmp_path):
    """A copy of the project whose agents are trained for a moment."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(project / name, copy / name, ignore=ignored)
    shutil.copy2(project / "Snakefile", copy / "Snakefile")
    for file, changes in (("agents.py", STEPS), ("states.py", {"N_EPISODES = 60": "N_EPISODES = 20"})):
        text = (copy / PLACE / file).read_text()
        for before, after in changes.items():
            assert before in text
            text = text.replace(before, after)
        (copy / PLACE / file).write_text(text)
    return copy


def small_study(project, folder):
    """The study `agents` with four of its models and one of its tasks."""
    shutil.copytree(project / "config" / "agents", folder)
    for name, kept in (("models.tsv", MODELS), ("tasks.tsv", ("value-random",))):
        header, *rows = (folder / name).read_text().splitlines()
        chosen = [row for row in rows if row.split("\t")[0] in kept]
        (folder / name).write_text("\n".join([header, *chosen, ""]))
    text = (folder / "study.yaml").read_text()
    (folder / "study.yaml").write_text(text[: text.index("few_labels")] + "ranking: {n_resamples: 100}\n")
    return folder


@pytest.mark.workflow
def test_a_study_of_agents_runs_to_its_page(quick, tmp_path):
    pytest.importorskip("gymnasium", reason="gymnasium of config/agents is not installed")
    study = small_study(quick, tmp_path / "config" / "small-agents")
    workflow = OfCopy(quick, study, tmp_path)
    workflow.run()
    results = workflow.results
    manifest = read_json(results / "corpora" / "cartpole-states.json")
    assert manifest["n_groups"] == 21 * 20 and manifest["n_items"] > 1.9 * manifest["n_groups"]
    assert read_json(results / "looks" / "cartpole-states.json")["looks"] == "group"
    ranking = pd.read_csv(results / "ranking" / "cartpole-states" / "linear.csv").set_index("model")
    assert set(ranking.index) == set(MODELS)
    card = read_json(results / "embeddings" / "cartpole-states" / "cem-0-late-actions.json")
    assert card["embed_dim"] == 2
    scores = pd.read_csv(results / "public_scores" / "tasks.csv")
    returns = pd.read_csv(results / "made" / "cartpole-agents" / "returns.csv")
    joined = scores.merge(returns, on=["model", "task"], suffixes=("", "_made"))
    assert len(joined) == len(scores) == 4 * (len(MODELS) - 1)
    assert (joined["value"] == joined["value_made"]).all()
    page = (results / "report.html").read_text()
    assert "Agents that balance a pole" in page and "return-weak-motor" in page
    assert "Nothing to be done" in workflow.run().output


def test_what_is_not_made_is_named_before_any_job(project, tmp_path, monkeypatch):
    monkeypatch.setattr("suffice.study.packages.is_installed", lambda package: True)
    study = small_study(project, tmp_path / "small-agents")
    text = (study / "models.tsv").read_text()
    (study / "models.tsv").write_text(text.replace("/scripted.safetensors", "/script.safetensors"))
    with pytest.raises(StudyError, match="'scripted'.*no such file; did you mean 'scripted.safetensors'"):
        load_study(study)
    (study / "models.tsv").write_text(text)
    load_study(study)
    yaml = (study / "study.yaml").read_text()
    tasks = "  tasks: [return, return-weak-motor, return-heavy-pole, return-slips]\n"
    (study / "study.yaml").write_text(yaml.replace(tasks, ""))
    with pytest.raises(StudyError, match="returns.csv is not made yet; name its tasks"):
        load_study(study)
