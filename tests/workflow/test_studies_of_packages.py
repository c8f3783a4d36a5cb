"""A small study of made pictures, with packages and a function of its own, to its page."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from of_packages import write_packages
from running import Workflow

from suffice.storage.files import read_json

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
