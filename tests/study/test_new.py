"""A new study is written from a file of texts and names of models."""

import numpy as np
import pytest

from suffice.cli import main
from suffice.data.modalities.molecule import MOLECULE
from suffice.data.modalities.text import TEXT
from suffice.errors import SufficeError
from suffice.study import load_study
from suffice.study.new import write_new_study
from suffice.study.read import check_sources


@pytest.fixture
def texts(toy_study):
    return toy_study / "toys.csv"


def test_presets_make_a_study_that_can_run(tmp_path, texts):
    folder = write_new_study(tmp_path / "mine", texts, list(TEXT.models), content="text")
    study = load_study(folder)
    check_sources(study)
    assert list(study.models) == list(TEXT.models)
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
        (
            "mine",
            ["tfidf-65", "chars-256"],
            "text",
            "model 'tfidf-65' is not a preset.*did you mean 'tfidf-64'",
        ),
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


def test_molecules_have_models_and_a_control_of_their_own(tmp_path):
    lines = [f"C{'C' * number}O\tm{number}" for number in range(210)]
    (tmp_path / "drugs.smi").write_text("\n".join(lines))
    folder = write_new_study(tmp_path / "mine", tmp_path / "drugs.smi", content_type=MOLECULE.name)
    study = load_study(folder)
    assert list(study.models) == [*MOLECULE.models, "untrained-gin"] and study.controls == ["untrained-gin"]
    assert study.datasets["drugs"].settings.modality is MOLECULE
    with pytest.raises(SufficeError, match="model 'minilm' is not a preset"):
        write_new_study(tmp_path / "other", tmp_path / "drugs.smi", ["minilm", "maccs"], None, MOLECULE.name)
    with pytest.raises(SufficeError, match="no content type 'smile'; did you mean 'smiles'"):
        write_new_study(tmp_path / "other", tmp_path / "drugs.smi", ["maccs"], None, "smile")


def test_data_sets_that_are_joined_are_of_one_content_type(tmp_path):
    lines = [f"C{'C' * number}O\tm{number}" for number in range(210)]
    (tmp_path / "drugs.smi").write_text("\n".join(lines))
    folder = write_new_study(tmp_path / "mine", tmp_path / "drugs.smi", content_type=MOLECULE.name)
    rows = "dataset\tsource\tpath\tcontent_type\nall\tdatasets\tone,two\t\n"
    one, two = "one\tfile\t../drugs.smi\tsmiles\n", "two\tfile\t../drugs.smi\tsmiles\n"
    (folder / "datasets.tsv").write_text(rows + one + two)
    study = load_study(folder)
    assert study.datasets["all"].settings.modality is MOLECULE
    assert study.datasets["all"].looks.note == ""  # one look at a molecule is not known to be weaker
    (folder / "datasets.tsv").write_text(rows + one + two.replace("smiles", "text"))
    with pytest.raises(SufficeError, match="'all' joins data sets of the content types smiles, text"):
        load_study(folder)
