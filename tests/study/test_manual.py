"""The committed manual is the one that the settings make, and so are the schemas that a command prints."""

import json

import pytest

from suffice.cli import main
from suffice.kinds.manual import manual, schemas
from suffice.study.names import NAME_PATTERN


def test_the_manual_is_up_to_date(project):
    assert (project / "config" / "README.md").read_text() == manual(), "run `make docs`"


def test_a_command_prints_a_schema(capsys):
    assert main(["schema", "study-calibration"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["grid"]["description"]
    assert main(["schema", "stduy"]) == 1
    assert "no schema 'stduy'; did you mean 'study'" in capsys.readouterr().err


@pytest.mark.parametrize("name", list(schemas()))
def test_every_key_is_described_and_no_other_is_allowed(name):
    schema = schemas()[name]
    assert schema["additionalProperties"] is False
    undescribed = [key for key, value in schema["properties"].items() if "description" not in value]
    assert undescribed == []


def test_the_rule_for_names_is_the_pattern():
    assert NAME_PATTERN == "[a-z0-9][a-z0-9.-]{0,99}"
