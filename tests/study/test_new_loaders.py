"""Rows of the loaders `api`, `static`, `onnx` and `callable` in a study."""

import numpy as np
import pytest
from loopback_endpoint import Endpoint, loopback_endpoint

from suffice.errors import StudyError
from suffice.study import load_study
from suffice.study.model_files import files_of_settings
from suffice.study.read import check_sources

OWN = "def embed(texts):\n    return [[len(text)] for text in texts]\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def with_row(toy_study):
    """A function that adds a row to the toy study's models, given as columns and cells."""

    def add(name, loader, **cells):
        path = toy_study / "models.tsv"
        header, *rows = path.read_text().splitlines()
        new = [column for column in cells if column not in header.split("\t")]
        given = {"model": name, "loader": loader, **cells}
        row = "\t".join(given.get(column, "") for column in [*header.split("\t"), *new])
        path.write_text("\n".join(["\t".join([header, *new]), *rows, row]) + "\n")
        return toy_study

    return add


def test_function_in_the_studys_folder(with_row):
    study_folder = with_row("mine", "callable", function="embed", path="own.py", unsafe="true")
    (study_folder / "own.py").write_text(OWN)
    study = load_study(study_folder)
    check_sources(study)
    assert str(study_folder / "own.py") in files_of_settings(study.models["mine"].settings)


def test_function_without_a_word_of_trust_is_told_with_its_row(with_row):
    study_folder = with_row("mine", "callable", function="embed", path="own.py")
    (study_folder / "own.py").write_text(OWN)
    with pytest.raises(StudyError, match="row 'mine': embed would run Python code .*set unsafe to true"):
        check_sources(load_study(study_folder))


def test_function_outside_of_the_study_is_refused(with_row, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    folder = with_row("mine", "callable", function="embed", path=str(tmp_path / "own.py"), unsafe="true")
    with pytest.raises(StudyError, match="is outside the study's folder"):
        load_study(folder)


@pytest.mark.parametrize("kind", ["onnx", "static"])
def test_folder_that_holds_no_model_is_told_with_its_row(with_row, kind):
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    study_folder = with_row("mine", kind, checkpoint="folder")
    (study_folder / "folder").mkdir()
    with pytest.raises(
        StudyError, match="row 'mine': .*folder'.* (it has no .onnx file|is not a static embedding)"
    ):
        check_sources(load_study(study_folder))


@pytest.mark.parametrize("kind", ["onnx", "static"])
def test_there_is_no_stand_in_for_other_forms_of_checkpoints(with_row, kind):
    with pytest.raises(StudyError, match=f"row 'mine': there are no stand-ins for models of kind {kind}"):
        load_study(with_row("mine", kind, checkpoint="owner/name"), {"offline_standins": True})


def test_endpoint_is_asked_before_the_first_job(with_row):
    pytest.importorskip("openai", reason="the extra api is not installed")
    endpoint = Endpoint(lambda texts: np.ones((len(texts), 3)))
    with loopback_endpoint(endpoint):
        study_folder = with_row("mine", "api", base_url=endpoint.address, model_id="another")
        with pytest.raises(StudyError, match="row 'mine': model 'another' at .*it has tiny"):
            check_sources(load_study(study_folder))
    study = load_study(with_row("other", "api", base_url=endpoint.address, model_id="tiny"))
    with pytest.raises(StudyError, match="cannot be reached"):
        check_sources(study)
    check_sources(study, plan=True)


def test_plain_http_to_another_computer_is_told_with_its_row(with_row):
    with pytest.raises(StudyError, match="row 'mine': key 'base_url' .*in the clear; use https"):
        load_study(with_row("mine", "api", base_url="http://example.org/v1", model_id="m"))
