"""A study reads its own folder, and elsewhere only what study.yaml says."""

import numpy as np
import pytest
from toy import toy_texts

from suffice.embed.standin import write_standin
from suffice.errors import StudyError
from suffice.study import load_study
from suffice.study.model import StudySettings
from suffice.study.new import write_new_study
from suffice.study.read import check_sources, read_study_settings

SECRET = "root:x:0:0:secret:/root:/bin/bash"
NOT_ITS_OWN = "is outside the study's folder; if the study may read it, add the key `outside: "


@pytest.fixture
def elsewhere(tmp_path):
    """A folder beside the study with a secret, texts, vectors and a checkpoint."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "passwd").write_text(SECRET + "\n")
    toy_texts().to_csv(folder / "toys.csv", index=False)
    np.save(folder / "own.npy", np.zeros((300, 2), dtype=np.float32))
    write_standin(folder / "bert", "bert", "sentence_transformer", ["rain fell"] * 3, seed=0)
    return folder


def change(path, old, new):
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def add_checkpoint(study, place):
    header, *rows = (study / "models.tsv").read_text().splitlines()
    rows = [*(row + "\t" for row in rows), f"bert\tsentence_transformer\tbert\t\t\t\t{place}"]
    (study / "models.tsv").write_text("\n".join([header + "\tcheckpoint", *rows]) + "\n")


def by_link(study, name, target):
    (study / name).unlink(missing_ok=True)
    (study / name).symlink_to(target)


WAYS = {
    "a table": lambda study, other: (study / "study.yaml").write_text(f"title: T\nmodels: {other}/passwd\n"),
    "a table above": lambda study, other: (study / "study.yaml").write_text("title: T\ntasks: ../x/t.tsv\n"),
    "a table that is a link": lambda study, other: by_link(study, "models.tsv", other / "passwd"),
    "texts": lambda study, other: change(study / "datasets.tsv", "toys.csv", str(other / "toys.csv")),
    "texts above": lambda study, other: change(study / "datasets.tsv", "toys.csv", "../elsewhere/toys.csv"),
    "texts that are a link": lambda study, other: by_link(study, "toys.csv", other / "toys.csv"),
    "vectors": lambda study, other: change(study / "models.tsv", "own.npy", str(other / "own.npy")),
    "vectors that are a link": lambda study, other: by_link(study, "own.npy", other / "own.npy"),
    "vectors of each data set": lambda study, other: (
        change(study / "models.tsv", "own.npy", "{dataset}.npy"),
        by_link(study, "toys.npy", other / "own.npy"),
    ),
    "a checkpoint": lambda study, other: add_checkpoint(study, other / "bert"),
    "a checkpoint that is a link": lambda study, other: (
        by_link(study, "bert", other / "bert"),
        add_checkpoint(study, "bert"),
    ),
    "a file of a checkpoint that is a link": lambda study, other: (
        (study / "bert").mkdir(),
        by_link(study, "bert/model.safetensors", other / "bert" / "model.safetensors"),
        add_checkpoint(study, "bert"),
    ),
    "scores": lambda study, other: (study / "study.yaml").write_text(
        f"title: T\npublic_scores: {{table: {other}/passwd}}\n"
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_another_folder_is_not_read_unless_the_study_says_so(way, toy_study, elsewhere):
    way(toy_study, elsewhere)
    with pytest.raises(StudyError) as caught:
        load_study(toy_study)
    assert NOT_ITS_OWN in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["texts", "vectors that are a link", "a checkpoint", "texts above"])
@pytest.mark.parametrize("outside", ["[{other}]", "[../elsewhere]", "true"])
def test_the_key_lets_the_study_read_there(name, outside, toy_study, elsewhere):
    WAYS[name](toy_study, elsewhere)
    with (toy_study / "study.yaml").open("a") as stream:
        stream.write(f"outside: {outside.format(other=elsewhere)}\n")
    load_study(toy_study)


def test_the_key_is_for_the_folders_it_names_alone(toy_study, elsewhere, tmp_path):
    WAYS["texts"](toy_study, elsewhere)
    with pytest.raises(StudyError, match="is outside"):
        load_study(toy_study, {"outside": [str(tmp_path / "else")]})
    load_study(toy_study, {"outside": [str(tmp_path / "elsewhere")]})


def test_a_study_that_is_a_link_as_a_whole_is_read(toy_study, tmp_path):
    (tmp_path / "linked").symlink_to(toy_study)
    check_sources(load_study(tmp_path / "linked"))


def test_settings_that_are_a_link_elsewhere_are_not_read(toy_study, elsewhere):
    by_link(toy_study, "study.yaml", elsewhere / "passwd")
    for step in (load_study, lambda folder: read_study_settings(folder / "study.yaml", {}, StudySettings)):
        with pytest.raises(StudyError, match="is a link that leads out of its folder") as caught:
            step(toy_study)
        assert "secret" not in str(caught.value)


def test_what_is_no_table_is_not_shown(toy_study):
    (toy_study / "models.tsv").write_text(SECRET + "\n" + SECRET + "\n")
    with pytest.raises(StudyError, match="the column 'model' is missing") as caught:
        load_study(toy_study)
    assert "secret" not in str(caught.value)


def test_a_new_study_says_where_its_texts_and_models_are(elsewhere, tmp_path):
    link = tmp_path / "linked.csv"
    link.symlink_to(elsewhere / "toys.csv")
    models = [str(elsewhere / "own.npy"), str(elsewhere / "bert"), "tfidf-64"]
    study = load_study(write_new_study(tmp_path / "new" / "mine", link, models, content="text"))
    assert study.settings.outside == (str(elsewhere),)
    study = load_study(write_new_study(tmp_path / "new" / "presets", link, ["tfidf-64", "chars-256"], "text"))
    check_sources(study)


def test_studies_of_the_project_are_read(project):
    for name in ("api-docs", "text-darrin2024", "text-darrin2024-more", "text-darrin2024-prompts"):
        assert load_study(project / "config" / name).settings.outside is not True
