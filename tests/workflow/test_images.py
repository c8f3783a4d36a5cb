"""A study of images from their folder to its page: two crops, nearness, and labelled tasks."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from running import Workflow
from sklearn.datasets import load_digits

from suffice.cli import main
from suffice.run import study_of
from suffice.storage.files import read_json

N_IMAGES = 300
TASKS = """task	dataset	kind	label	relevance
digit	numerals	classification	digit
groups	numerals	clustering	digit
alike	numerals	retrieval		digit
"""


@pytest.fixture
def numerals(tmp_path):
    """Digits as PNG files, with a table of them: what they show, and which are queries."""
    folder = tmp_path / "numerals"
    folder.mkdir()
    digits = load_digits()
    grey = (digits.images[:N_IMAGES] * 255 / 16).astype(np.uint8)
    for number, image in enumerate(grey):
        Image.fromarray(image).resize((24, 24)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"none")
    names = [*(f"{number}.png" for number in range(N_IMAGES)), "broken.png"]
    table = pd.DataFrame({"path": names, "digit": [*digits.target[:N_IMAGES].tolist(), 0]})
    roles = ["query" if number % 6 == 0 else "document" for number in range(len(names))]
    table.assign(role=roles).to_csv(folder / "numerals.csv", index=False)
    return folder


@pytest.mark.workflow
def test_a_study_of_images_runs_to_its_page(project, numerals, tmp_path):
    place = tmp_path / "config"
    given = ("--texts", str(numerals / "numerals.csv"), "--content-type", "image", "--folder", str(place))
    assert main(["new-study", "pictures", *given]) == 0
    (place / "pictures" / "tasks.tsv").write_text(TASKS)
    workflow = Workflow(project, place / "pictures", tmp_path)
    workflow.run()
    manifest = read_json(workflow.results / "corpora" / "numerals.json")
    assert manifest["n_items"] == N_IMAGES and manifest["dropped"] == {"corrupt": 1}
    looks = read_json(workflow.results / "looks" / "numerals.json")
    assert (looks["looks"], looks["n_pairs"]) == ("crops", N_IMAGES)
    ranking = pd.read_csv(workflow.results / "ranking" / "numerals" / "neighbours.csv")
    assert [path.name for path in (workflow.results / "ranking" / "numerals").glob("*.csv")] == [
        "neighbours.csv"
    ]
    assert set(ranking["model"]) == {
        "pixels-8",
        "pixels-pca-32",
        "colours",
        "edges",
        "untrained-projection-128",
    }
    assert ranking.loc[ranking["is_control"], "model"].tolist() == ["untrained-projection-128"]
    first = ranking.set_index("model")["rank"]
    assert first["edges"] < first["colours"]
    tasks = pd.concat(pd.read_csv(path) for path in (workflow.results / "tasks").glob("*.csv"))
    value = tasks.set_index(["task", "model"])["value"]
    floors = {"digit": 0.9, "groups": 0.7, "alike": 0.9}
    for task, floor in floors.items():
        assert value[task, "edges"] > floor > 2 * value[task, "colours"]
    lost = pd.read_csv(workflow.results / "explained" / "numerals" / "neighbours.items.csv")
    assert lost.astype(str).apply(lambda column: column.str.fullmatch(r"\d+\.png")).any(axis=None)
    page = (workflow.results / "report.html").read_text()
    assert "two random crops of an image: 300 pairs in 300 groups" in page
    assert "1 image is corrupt and left out: broken.png" in page


def test_a_folder_of_images_becomes_a_study_beside_it_even_if_a_study_has_its_name(numerals, monkeypatch):
    (numerals / "broken.png").unlink()
    images = numerals.rename(numerals.parent / "images")
    monkeypatch.chdir(images.parent)
    assert study_of("images", [], None, "image").name == "images-study"
    numerals = images.rename(numerals)
    folder = study_of(str(numerals), [], None, "image")
    assert folder == numerals.parent / "numerals-study"
    models = pd.read_csv(folder / "models.tsv", sep="\t")
    assert set(models["loader"]) == {"image_pixels"} and models["control"].sum() == 1
