"""Results are known by their bytes: what is altered, truncated or stale is seen and named."""

import json
import os

import pytest

from suffice.cli import main
from suffice.errors import DataError
from suffice.storage import records
from suffice.storage.files import write_json
from suffice.storage.provenance import code_version, is_current
from suffice.storage.records import check_result, record_path, sha256_of, write_records
from suffice.storage.store import ResultStore
from suffice.storage.verify import verify_results


@pytest.fixture
def results(tmp_path):
    """Results of three jobs: a from an outside file, b from a, c from b."""
    folder, outside = tmp_path / "results" / "toy", tmp_path / "items.txt"
    folder.mkdir(parents=True)
    outside.write_text("items")
    for name in "abc":
        (folder / f"{name}.csv").write_text(f"value\n{name}\n")
    job = {"rule": "make", "parameters": {"code": code_version("suffice.errors")}}
    write_records(folder, [folder / "a.csv"], {str(outside): sha256_of(outside)}, job)
    write_records(folder, [folder / "b.csv"], {"a.csv": sha256_of(folder / "a.csv")}, job)
    write_records(folder, [folder / "c.csv"], {"b.csv": sha256_of(folder / "b.csv")}, job)
    return folder


def test_a_result_as_its_job_left_it_passes_and_is_read_once(results, monkeypatch):
    path = results / "a.csv"
    os.utime(path, ns=(5, 5))  # as by a copy, or by a workflow engine
    expected = sha256_of(path)
    assert check_result(results, path) == expected
    monkeypatch.setattr(records, "sha256_of", lambda path: pytest.fail("read again"))
    assert check_result(results, path) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("val", r"a\.csv is truncated: it has 3 of the 8 bytes that its job wrote"),
        ("value\nb\n", r"a\.csv was altered: its SHA-256"),
        ("value\na\nz\n", r"a\.csv was altered: it has 10 bytes, but its job wrote 8"),
        (None, r"a\.csv is missing"),
    ],
)
def test_a_damaged_result_is_named_and_not_used(results, content, message):
    path = results / "a.csv"
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(DataError, match=message):
        check_result(results, path)


def test_a_record_of_another_schema_is_refused(results):
    place = record_path(results, results / "a.csv")
    write_json(json.loads(place.read_text()) | {"schema_version": 99}, place)
    with pytest.raises(DataError, match="schema version 99"):
        check_result(results, results / "a.csv")
    assert "a.csv" in verify_results(results).damaged


def test_a_folder_is_one_result(tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "weights").write_text("1")
    write_records(tmp_path, [folder], {}, {})
    (folder / ".stamp").write_text("not part of it")
    check_result(tmp_path, folder)
    (folder / "weights").write_text("2")
    with pytest.raises(DataError, match="checkpoint was altered"):
        check_result(tmp_path, folder)


def test_good_results_verify(results):
    found = verify_results(results)
    assert found.is_good
    assert found.lines() == ["3 results and 0 stored parts: 0 damaged, 0 stale"]


def test_what_was_made_from_an_altered_result_is_stale_and_so_are_its_heirs(results):
    (results / "a.csv").write_text("value\nz\n")
    found = verify_results(results)
    assert list(found.damaged) == ["a.csv"]
    assert found.stale == {"b.csv": "made from a different a.csv"}
    assert found.heirs == ["c.csv"]


def test_other_sources_and_other_code_make_results_stale(results, monkeypatch):
    (results.parents[1] / "items.txt").write_text("other items")
    assert list(verify_results(results).stale) == ["a.csv"]
    monkeypatch.setattr("suffice.storage.records.is_current", lambda version: False)
    assert "suffice.errors" in verify_results(results).stale["b.csv"]


def test_what_is_missing_is_noted_and_makes_nothing_stale(results):
    (results / "a.csv").unlink()
    found = verify_results(results)
    assert found.is_good
    assert found.notes == ["1 file missing: a.csv"]


def test_files_without_a_record_are_noted(results):
    (results / "mine.csv").write_text("x")
    assert verify_results(results).notes == ["1 file not checked, because no job recorded them: mine.csv"]


def test_damaged_parts_in_the_store_are_found_and_computed_again(results, caplog):
    store = ResultStore(results / "store")
    store.put("abcd", {"nats": 1.0})
    assert store.get("abcd") == {"nats": 1.0}
    path = store.path("abcd")
    path.write_text(path.read_text().replace("1.0", "2.0"))
    assert list(verify_results(results).damaged) == ["store/ab/cd.json"]
    assert store.get("abcd") is None
    assert "computed again" in caplog.text
    path.write_text("{")
    assert store.get("abcd") is None


def test_the_command_says_what_is_wrong_and_ends_with_status_1(results, capsys):
    assert main(["verify", str(results)]) == 0
    (results / "c.csv").write_text("")
    assert main(["verify", str(results)]) == 1
    said = capsys.readouterr()
    assert "damaged: c.csv is truncated" in said.out
    assert "delete damaged ones" in said.err
    assert main(["verify", str(results.parent)]) == 1
    assert "has no records" in capsys.readouterr().err


def test_code_is_current_until_it_changes(monkeypatch):
    version = code_version("suffice.storage.files")
    assert version.split()[1:] == ["suffice.storage.files"]
    assert is_current(version)
    assert not is_current("000000000000 suffice.storage.files")
    assert not is_current("000000000000 suffice.gone")
