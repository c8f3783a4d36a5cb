import pytest
from pydantic import ValidationError

from suffice.errors import StudyError
from suffice.tasks.probes import PROBES
from suffice.tasks.settings import FIELDS_OF_KIND, TaskSettings, check_task, columns_of_task


def test_every_kind_has_a_probe_and_its_fields():
    kinds = set(TaskSettings.model_json_schema()["properties"]["kind"]["enum"])
    assert kinds == set(PROBES) == set(FIELDS_OF_KIND)


def test_every_field_has_a_description():
    assert all(field.description for field in TaskSettings.model_fields.values())


@pytest.mark.parametrize(
    ("settings", "columns"),
    [
        ({"kind": "classification", "label": "topic"}, ["topic", "split", "group"]),
        ({"kind": "regression", "label": "y"}, ["y", "split", "group"]),
        ({"kind": "similarity", "label": "score"}, ["score", "pair", "side", "group"]),
        ({"kind": "retrieval"}, ["role", "group"]),
        ({"kind": "retrieval", "relevance": "object"}, ["role", "object", "group"]),
        ({"kind": "clustering", "label": "topic"}, ["topic", "group"]),
    ],
)
def test_columns_of_task(settings, columns):
    assert columns_of_task(TaskSettings(**settings)) == columns


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "classification"}, "a classification task needs 'label'"),
        ({"kind": "retrieval", "label": "topic"}, "a retrieval task does not read label"),
        ({"kind": "regression", "label": "y", "pair": "p"}, "does not read pair"),
        ({"kind": "clustering", "label": "y", "cutoff": 5}, "does not read cutoff"),
        ({"kind": "ranking", "label": "y"}, "Input should be 'classification'"),
        ({"kind": "retrieval", "cutoff": 0}, "greater than or equal to 1"),
        ({"kind": "clustering", "label": "y", "lable": "z"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TaskSettings(**settings)


def test_check_task_names_what_is_missing():
    settings = TaskSettings(kind="similarity", label="score")
    check_task(settings, ["score", "pair", "side", "group"])
    with pytest.raises(
        StudyError, match="reads the column.s. 'score', 'side', but the data set has only pair, group"
    ):
        check_task(settings, ["pair", "group"])
