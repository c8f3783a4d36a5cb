"""A new study is written from a file of texts and names of models."""

import numpy as np
import pytest

from suffice.cli import main
from suffice.errors import SufficeError
from suffice.study import load_study
from suffice.study.new import MODEL_PRESETS, write_new_study
from suffice.study.read import check_sources


@pytest.fixture
def texts(toy_study):
    return toy_study / "toys.csv"


def test_presets_make_a_study_that_can_run(tmp_path, texts):
    folder = write_new_study(tmp_path / "mine", texts, list(MODEL_PRESETS), content="text")
    study = load_study(folder)
    check_sources(study)
    assert list(study.models) == list(MODEL_PRESETS)
    assert list(study.datasets) == ["toys"]
    assert study.tasks == {}


def test_vectors_and_hub_names_become_rows(tmp_path, texts):
    np.save(tmp_path / "From API.npy", np.zeros((300, 2)))
    models = ["tfidf-64", str(tmp_path / "From API.npy"), "intfloat/E5_small"]
    study = load_study(write_new_study(tmp_path / "mine", texts, models, content="text"))
    assert list(study.models) == ["tfidf-64", "from-api", "e5-small", "untrained-words-128"]
    assert study.models["e5-small"].settings["checkpoint"] == "intfloat/E5_small"
    assert study.models["from-api"].kind == "precomputed"


def test_an_untrained_control_is_added_unless_there_is_one(tmp_path, texts):
    study = load_study(write_new_study(tmp_path / "mine", texts, ["tfidf-64", "chars-256"], content="text"))
    assert study.controls == ["untrained-words-128"]
    assert study.candidates == ["tfidf-64", "chars-256"]  # what others tell of the untrained is worth little
    models = ["tfidf-64", "random-transformer"]
    study = load_study(write_new_study(tmp_path / "other", texts, models, content="text"))
    assert study.controls == ["random-transformer"] and list(study.models) == models


def test_columns_that_are_called_id_group_or_split_are_used_as_such(tmp_path):
    lines = ["text,split,group"] + [
        f"a text number {n},{'train' if n % 2 else 'test'},g{n}" for n in range(300)
    ]
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    study = load_study(
        write_new_study(tmp_path / "mine", tmp_path / "own.csv", ["tfidf-64", "chars-256"], "text")
    )
    check_sources(study)
    assert (study.datasets["own"].settings.split, study.datasets["own"].settings.group) == ("split", "group")


@pytest.mark.parametrize(
    ("name", "models", "content", "message"),
    [
        ("My Study", ["tfidf-64", "chars-256"], "text", "'My Study' is not a name"),
        ("mine", ["tfidf-65", "chars-256"], "text", "model 'tfidf-65' is no preset.*did you mean 'tfidf-64'"),
        ("mine", ["tfidf-64", "tfidf-64"], "text", "model 'tfidf-64' is named twice"),
        ("mine", ["tfidf-64", "chars-256"], "body", "'body'"),
        ("mine", ["tfidf-64", "chars-256"], None, "'content'"),
        ("mine", ["tfidf-64"], "text", "a ranking needs at least 2"),
    ],
)
def test_what_cannot_be_a_study_gets_a_message(tmp_path, texts, name, models, content, message):
    with pytest.raises(SufficeError, match=message):
        write_new_study(tmp_path / name, texts, models, content)


def test_an_existing_folder_is_left_alone(tmp_path, texts):
    with pytest.raises(SufficeError, match="exists; choose another name"):
        write_new_study(texts.parent, texts, ["tfidf-64", "chars-256"], "text")


def test_the_command_says_what_to_do_next(tmp_path, texts, capsys):
    arguments = ["new-study", "mine", "--texts", str(texts), "--content", "text", "--folder", str(tmp_path)]
    assert main([*arguments, "--models", "tfidf-64, chars-256"]) == 0
    assert f"next: suffice run {tmp_path / 'mine'}" in capsys.readouterr().out


@pytest.mark.parametrize("above", ["mine", "not/there/mine"])
def test_a_study_that_could_not_run_leaves_nothing_behind(tmp_path, texts, above):
    few = tmp_path / "few.csv"
    few.write_text("text\n" + "one text\n" * 20)
    with pytest.raises(SufficeError, match="few"):
        write_new_study(tmp_path / above, few, ["tfidf-64", "chars-256"], content="text")
    assert [path.name for path in tmp_path.iterdir() if path != texts.parent] == ["few.csv"]
