"""Small studies of made pictures and made texts, with packages and functions of their own, to their pages."""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from of_packages import write_packages
from running import Workflow
from text_packages import VERSIONS, write_text_packages

from suffice.storage.files import read_json, read_table

MODELS = {
    "means": {"loader": "callable", "path": "means.py", "function": "means", "unsafe": "true"},
    "edges": {"loader": "image_pixels", "features": "edges", "side": "32"},
    "pixels-8": {"loader": "image_pixels", "side": "8"},
    "colours": {"loader": "image_pixels", "features": "colours"},
    "chance": {
        "loader": "image_pixels", "n_components": "16", "reduction": "random_projection", "control": "true",
    },
}  # fmt: skip
FUNCTION = """
import numpy as np

def means(images):
    small = [np.asarray(image.resize((4, 4))) for image in images]
    return np.stack(small).reshape(len(images), -1) / 255.0
"""

ENCODERS = {
    "letters": {"loader": "callable", "path": "letters.py", "function": "letters", "unsafe": "true"},
    "words-16": {"loader": "bag_of_words", "n_components": "16"},
    "words-32": {"loader": "bag_of_words", "n_components": "32"},
    "chars-16": {"loader": "bag_of_words", "n_components": "16", "analyzer": "char_wb", "ngram_max": "3"},
    "hashed-128": {
        "loader": "bag_of_words", "n_components": "8", "reduction": "random_projection",
        "weighting": "counts", "control": "true",
    },
}  # fmt: skip
TEXT_STUDY = """
title: Small texts
estimators:
  linear: {}
  knife: {conditional_epochs: 1, targets: [words-16, chars-16]}
explain: {pairs: []}
"""
LETTERS = """
import numpy as np

def letters(texts):
    return np.array([[text.lower().count(letter) for letter in "aeinorst"] for text in texts], dtype=float)
"""


@dataclass
class WithPackages(Workflow):
    """The workflow with a folder of packages on Python's path."""

    packages: Path = Path()

    def environment(self):
        own = super().environment()
        paths = filter(None, (str(self.packages), own.get("PYTHONPATH")))
        return own | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.workflow
def test_a_study_of_made_pictures_runs_to_its_page(project, tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    study = tmp_path / "config" / "small-images"
    study.mkdir(parents=True)
    shutil.copy(project / "config" / "images" / "tasks.tsv", study)
    rows = (project / "config" / "images" / "datasets.tsv").read_text().splitlines()
    (study / "datasets.tsv").write_text(f"{rows[0]}\tmax_items\n{rows[1]}\t600\n")
    (study / "study.yaml").write_text("title: Small pictures\n")
    models = pd.DataFrame(MODELS).T.rename_axis("model")
    models.to_csv(study / "models.tsv", sep="\t")
    (study / "means.py").write_text(FUNCTION)
    (study / "requirements.lock").write_text("mlxtend==1.0\nscikit-image==1.0\n")
    workflow = WithPackages(project, study, tmp_path, packages=packages)
    said = workflow.run(check=False).output
    assert "the study needs mlxtend, scikit-image; run `pip install --no-deps -r" in said
    assert not workflow.results.exists()
    write_packages(packages)
    workflow.run()
    manifest = read_json(workflow.results / "corpora" / "pictures.json")
    assert manifest["n_items"] == 600 and manifest["root"] == "."
    assert {"digit", "photograph", "slant"} <= set(manifest["labels"])
    looks = read_json(workflow.results / "looks" / "pictures.json")
    assert looks["looks"] == "crops"
    ranking = pd.read_csv(workflow.results / "ranking" / "pictures" / "neighbours.csv").set_index("model")
    assert set(ranking.index) == set(MODELS)
    tasks = pd.concat(pd.read_csv(path) for path in (workflow.results / "tasks").glob("*.csv"))
    value = tasks.set_index(["task", "model"])["value"]
    assert value["digit", "edges"] > 0.8 > value["digit", "colours"]
    page = (workflow.results / "report.html").read_text()
    assert "Small pictures" in page and "two random crops of an image" in page
    os.utime(study / "means.py")
    assert "Nothing to be done" in workflow.run().output


@pytest.mark.workflow
def test_a_study_of_made_texts_runs_to_its_page_and_its_benchmark(project, tmp_path, monkeypatch):
    packages = write_text_packages(tmp_path / "packages")
    study = tmp_path / "config" / "small-texts"
    study.mkdir(parents=True)
    shutil.copy(project / "config" / "text-real" / "tasks.tsv", study)
    rows = (project / "config" / "text-real" / "datasets.tsv").read_text().splitlines()
    (study / "datasets.tsv").write_text(f"{rows[0]}\tmax_items\n{rows[1]}\t700\n")
    (study / "study.yaml").write_text(TEXT_STUDY)
    pd.DataFrame(ENCODERS).T.rename_axis("model").to_csv(study / "models.tsv", sep="\t")
    (study / "letters.py").write_text(LETTERS)
    (study / "requirements.lock").write_text("".join(f"{name}==1.0\n" for name in VERSIONS))
    workflow = WithPackages(project, study, tmp_path, packages=packages)
    assert "make_texts" in workflow.run("--dry-run").output
    workflow.run()
    manifest = read_json(workflow.results / "corpora" / "texts.json")
    assert {"chapter", "verse", "topic", "package"} <= set(manifest["labels"])
    assert read_json(workflow.results / "looks" / "texts.json")["looks"] == "halves"
    tasks = pd.concat(read_table(path) for path in (workflow.results / "tasks").glob("*.csv"))
    assert tasks["task"].nunique() == 13 and tasks["value"].between(-1, 1).all()
    page = (workflow.results / "report.html").read_text()
    assert "Small texts" in page and "halves" in page
    check_benchmark(project, workflow.results, tmp_path, monkeypatch)


def check_benchmark(project, results, folder, monkeypatch):
    """The tables of the benchmark have the product's own values."""
    spec = importlib.util.spec_from_file_location("text_real", project / "benchmarks" / "text_real.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    for name in ("METHODS", "PUBLISHED"):
        monkeypatch.setattr(benchmark, name, folder / f"{name}.csv")
    monkeypatch.setattr(benchmark, "FLOORS", ("hashed-128",))
    benchmark.main([results])
    methods = read_table(folder / "METHODS.csv")
    of_all = methods[methods["models"] == "all"].set_index(["predictor", "looks", "summary"])
    ways = read_table(results / "decision" / "texts.csv").set_index("predictor")
    ours = of_all.loc[("linear", "halves", "ranks")]
    for column in ("spearman", "regret_at_1"):
        assert ours[column] == pytest.approx(ways[column]["linear"], abs=1e-4)
    assert (of_all.loc[["linear", "knife"], "cpu_seconds"] > 0).all()
    assert set(methods["n_models"]) == {4, 5} and set(of_all.loc["knife", "n_targets"]) == {2}
    beside = read_table(folder / "PUBLISHED.csv").set_index(["outcome", "statistic"])
    assert beside["printed"]["mteb_average", "spearman"] == pytest.approx(0.8967, abs=1e-4)
    assert (beside["n_models"] == 5).all()
    assert beside["n_tasks"].to_dict()["mteb_clustering", "kendall"] == 1
