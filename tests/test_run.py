"""What `suffice run` takes for a study, and what it asks of Snakemake."""

import pytest
from toy import toy_texts

from suffice.cli import main
from suffice.errors import StudyError
from suffice.run import Effort, _command, study_of, workflow_root


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "My Docs.csv"
    toy_texts().to_csv(path, index=False)
    return path


def test_a_file_of_texts_becomes_a_study_beside_it(texts):
    folder = study_of(str(texts), ["tfidf-64", "chars-256"], "text")
    assert folder == texts.parent / "my-docs-study" and (folder / "models.tsv").is_file()
    assert study_of(str(folder), [], None) == folder
    with pytest.raises(StudyError, match="my-docs-study exists; to run it: suffice run"):
        study_of(str(texts), ["tfidf-64", "chars-256"], "text")


@pytest.mark.parametrize("models", [[], ["tfidf-64"]])
def test_a_new_study_needs_two_models(texts, models):
    with pytest.raises(StudyError, match="name at least two models"):
        study_of(str(texts), models, "text")
    assert not (texts.parent / "my-docs-study").exists()


def test_what_is_no_study_is_named(tmp_path, toy_study):
    with pytest.raises(StudyError, match="'nothing' is neither a study"):
        study_of("nothing", [], None)
    with pytest.raises(StudyError, match="is a study whose tables name models"):
        study_of(str(toy_study), ["minilm"], None)
    assert study_of("api-docs", [], None) == workflow_root() / "config" / "api-docs"


def test_the_command_has_the_profile_and_the_settings(toy_study, tmp_path):
    command = _command(toy_study, Effort(cores=3, settings=["seed=2"]))
    assert command[command.index("--cores") + 1] == "3"
    assert command[-2:] == [f"study={toy_study}", "seed=2"] and "--dry-run" not in command
    assert any(part.startswith("mem_mb=") for part in command)
    on_slurm = _command(toy_study, Effort(profile="slurm", plan=True))
    assert "--dry-run" in on_slurm and "--cores" not in on_slurm
    assert str(workflow_root() / "profiles" / "slurm") in on_slurm
    with pytest.raises(StudyError, match="unknown profile 'slrum'; use one of default, slurm"):
        _command(toy_study, Effort(profile="slrum"))


def test_bad_texts_leave_nothing_behind(tmp_path, capsys):
    (tmp_path / "texts.csv").write_text("body\none\n")
    assert (
        main(["run", str(tmp_path / "texts.csv"), "--content", "bdoy", "--models", "tfidf-64,chars-256"]) == 1
    )
    assert "bdoy" in capsys.readouterr().err and not (tmp_path / "texts-study").exists()
