"""Damaged studies end with a message that names what is wrong, or with the numbers of the sound study."""

import re
from collections import Counter

import pytest
from hostile.cases import SAME, names, types, whole_files, yaml_texts
from hostile.data_cases import cells, checksums, datasets
from hostile.outcome import outcome_of
from hostile.vector_cases import vectors
from toy import write_toy_study

TOLERANCE = 1e-6  # nats; vectors are stored in single precision
CASES = [*whole_files(), *names(), *yaml_texts(), *types(), *cells(), *datasets(), *checksums(), *vectors()]

LEAST = {
    "whole file": 110, "name": 120, "YAML": 25, "type": 110, "cell": 110, "items": 45,
    "form of the items": 35, "checksum": 5, "array": 50, "file of vectors": 30,
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    return outcome_of(write_toy_study(folder / "toy"), folder / "work").scores


@pytest.mark.parametrize("case", CASES, ids=str)
def test_damage_ends_with_a_message_or_changes_nothing(toy_study, tmp_path, monkeypatch, sound, case):
    monkeypatch.chdir(tmp_path)
    case.damage(toy_study)
    found = outcome_of(toy_study, tmp_path / "work")
    if case.expected.startswith(SAME):
        assert found.message is None
        same = set(found.scores) - ({"topic", "length", "topic-clusters"} if case.expected != SAME else set())
        expected = {name: sound[name] for name in same}
        assert {name: found.scores[name] for name in same} == pytest.approx(expected, abs=TOLERANCE)
    else:
        assert found.message is not None, f"went on to {found.scores}"
        assert re.search(case.expected, found.message)
    assert {path.name for path in tmp_path.iterdir()} <= {
        "toy",
        "work",
    }  # nothing is written elsewhere
    assert not list(tmp_path.rglob("pwned*"))


def test_every_kind_of_damage_is_tried():
    counts = Counter(case.kind for case in CASES)
    assert set(counts) == set(LEAST)
    assert not [(kind, counts[kind]) for kind, least in LEAST.items() if counts[kind] < least]
    assert len({str(case) for case in CASES}) == len(CASES) >= 600
