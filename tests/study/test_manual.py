"""The committed manual and schemas are those that the settings make."""

import json

import pytest

from suffice.kinds.manual import manual, schemas
from suffice.study.names import NAME_PATTERN


def test_the_manual_is_up_to_date(project):
    assert (project / "config" / "README.md").read_text() == manual(), "run `make docs`"


def test_the_schemas_are_up_to_date(project):
    written = {
        path.stem: json.loads(path.read_text()) for path in (project / "config" / "schemas").glob("*.json")
    }
    assert written == schemas(), "run `make docs`"


@pytest.mark.parametrize("name", list(schemas()))
def test_every_key_is_described_and_no_other_is_allowed(name):
    schema = schemas()[name]
    assert schema["additionalProperties"] is False
    undescribed = [key for key, value in schema["properties"].items() if "description" not in value]
    assert undescribed == []


def test_the_rule_for_names_is_the_pattern():
    assert NAME_PATTERN == "[a-z0-9][a-z0-9.-]{0,99}"
