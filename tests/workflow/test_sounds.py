"""A study of sounds from their folder to a ranking across two parts of each, and to a labelled task."""

import pandas as pd
import pytest
from running import Workflow
from tones import RATE, tone

from suffice.cli import main
from suffice.run import study_of
from suffice.storage.files import read_json
from suffice.study.looks import note_on_looks
from suffice.study.read import load_study

soundfile = pytest.importorskip("soundfile")

N_SOUNDS = 220
MODELS = ("mfcc", "loudness", "untrained-projection-32")
TASKS = """task	dataset	kind	label
kind	tones	classification	label
"""


@pytest.fixture
def tones(tmp_path):
    """Tones of four kinds as WAV files in folders of the kinds, and a file that is no sound."""
    for number in range(N_SOUNDS):
        path = tmp_path / "tones" / f"kind-{number % 4}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, tone(number, number % 4, 0.3), RATE)
    (tmp_path / "tones" / "broken.wav").write_bytes(b"none")
    return tmp_path / "tones"


@pytest.mark.workflow
def test_a_study_of_sounds_runs_to_its_ranking_and_tasks(project, tones, tmp_path):
    place = tmp_path / "config"
    given = ("--texts", str(tones), "--content-type", "sound", "--models", ",".join(MODELS[:2]))
    assert main(["new-study", "sounds", *given, "--folder", str(place)]) == 0
    (place / "sounds" / "tasks.tsv").write_text(TASKS)
    workflow = Workflow(project, place / "sounds", tmp_path)
    results = "results/sounds"
    workflow.run(f"{results}/ranking/tones/linear.csv", f"{results}/tasks/mfcc.csv")
    manifest = read_json(workflow.results / "corpora" / "tones.json")
    assert manifest["n_items"] == N_SOUNDS and manifest["dropped"] == {"corrupt": 1}
    looks = read_json(workflow.results / "looks" / "tones.json")
    assert (looks["looks"], looks["n_pairs"]) == ("segments", N_SOUNDS)
    study = load_study(place / "sounds")
    note = note_on_looks(study.datasets["tones"], looks)
    assert f"two random parts of a sound: {N_SOUNDS} pairs in {N_SOUNDS} groups" in note
    ranking = pd.read_csv(workflow.results / "ranking" / "tones" / "linear.csv").set_index("model")
    assert ranking["score"].idxmax() == "mfcc"
    assert set(ranking.index[ranking["is_control"]]) == {MODELS[-1]}
    (accuracy,) = pd.read_csv(workflow.results / "tasks" / "mfcc.csv")["value"]
    assert accuracy > 0.9


def test_a_folder_of_sounds_becomes_a_study_beside_it(tones):
    folder = study_of(str(tones), ["log-mel", "mfcc"], None, "sound")
    assert folder == tones.parent / "tones-study"
    models = pd.read_csv(folder / "models.tsv", sep="\t")
    assert models["model"].tolist() == ["log-mel", "mfcc", "untrained-projection-32"]
