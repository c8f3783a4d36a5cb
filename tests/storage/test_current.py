"""A result that would come out differently now is found by content, whatever times and notes say."""

import os
from base64 import urlsafe_b64encode

import pytest

from suffice.errors import StudyError
from suffice.storage import current, verify
from suffice.storage.current import delete_results, outdated_results, refuse_other_study
from suffice.storage.provenance import code_version
from suffice.storage.records import (
    check_result,
    read_record,
    record_path,
    sha256_of,
    write_records,
    write_run_record,
)
from suffice.storage.verify import verify_results


class Made:
    """A study, its input from elsewhere, and two results: pairs from the input, a ranking from the pairs."""

    def __init__(self, folder):
        self.results, self.study = folder / "results" / "toy", folder / "toy"
        self.input, self.notes = folder / "texts.csv", folder / "metadata"
        self.pairs, self.ranking = self.results / "pairs.csv", self.results / "ranking.csv"
        self.results.mkdir(parents=True)
        self.study.mkdir()
        (self.study / "study.yaml").write_text("seed: 1\n")
        self.input.write_text("one\ntwo\n")
        self.pairs.write_text("a,b\n1,2\n")
        self.ranking.write_text("model\na\nb\n")
        self.job = {"rule": "make", "parameters": {"code": code_version("suffice.errors")}}
        write_records(self.results, [self.pairs], {str(self.input): sha256_of(self.input)}, self.job)
        write_records(self.results, [self.ranking], {"pairs.csv": sha256_of(self.pairs)}, {"rule": "rank"})
        write_run_record(self.results, self.study, {})

    def outdated(self, **overrides):
        return outdated_results(self.results, self.study, overrides, self.notes)

    def note(self, path):
        self.notes.mkdir(exist_ok=True)
        (self.notes / urlsafe_b64encode(str(path).encode()).decode()).write_text("{}")


@pytest.fixture
def made(tmp_path):
    return Made(tmp_path)


def with_times_of(path, other):
    """As `cp -p` and `mv` leave a file: the times of another."""
    stat = other.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_what_is_as_it_was_is_current(made):
    assert made.outdated() == {}
    os.utime(made.ranking)  # another time, the same bytes
    os.utime(made.input)
    assert made.outdated() == {}


@pytest.mark.parametrize("text", ["one\n", "one\ntwo\nthree\n", "two\none\n"])
def test_an_input_with_other_bytes_and_the_same_or_an_older_time(made, tmp_path, text):
    made.outdated()  # the hash of the input is known from now on
    other = tmp_path / "other.csv"
    other.write_text(text)
    with_times_of(other, made.input)
    os.replace(other, made.input)
    assert made.outdated() == {"pairs.csv": f"was made from a different {made.input}"}


def test_an_input_that_is_gone_makes_nothing_outdated(made):
    made.input.unlink()
    assert made.outdated() == {}


@pytest.mark.parametrize("text", ["model\na\n", "model\nb\na\n", "model\na\nb\nc\n"])
def test_a_result_that_was_cut_or_swapped_with_its_time_kept(made, tmp_path, text):
    other = tmp_path / "other.csv"
    other.write_text(text)
    with_times_of(other, made.ranking)
    os.replace(other, made.ranking)
    assert made.outdated() == {"ranking.csv": "has changed since its job wrote it"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"n_bytes": 10', '"n_bytes": 11'),
        ('"ranking.csv"', '"pairs.csv"'),
        ('"pairs.csv": "', '"pairs.csv": "0'),
        ('"rule": "rank"', '"rule": "guess"'),
        ('"numpy": "', '"numpy": "9'),
        ('"schema_version": 2', '"schema_version": 1'),
        ("}", ""),
    ],
)
def test_a_result_whose_record_was_edited_or_cut_is_made_anew(made, old, new):
    place = record_path(made.results, made.ranking)
    text = place.read_text()
    assert text.count(old) >= 1
    place.write_text(text.replace(old, new))
    (name,) = verify_results(made.results).damaged
    assert name == "ranking.csv"
    outdated = made.outdated()
    assert outdated == {"ranking.csv": "has a record that was edited or cut, or that another version wrote"}
    delete_results(made.results, outdated)
    assert not place.exists() and not made.ranking.exists() and made.outdated() == {}


def test_results_from_other_results_than_there_are_now(made):
    made.pairs.write_text("a,b\n1,3\n")
    write_records(made.results, [made.pairs], {str(made.input): sha256_of(made.input)}, made.job)
    assert made.outdated() == {"ranking.csv": "was made from a different pairs.csv"}


def test_other_code(made):
    job = {"parameters": {"code": "0123456789ab suffice.errors"}}
    write_records(made.results, [made.pairs], {}, job)
    assert made.outdated() == {"pairs.csv": "was made by different code"}


def test_other_settings_of_which_snakemake_knows_nothing(made):
    """Its notes were deleted, or are those of another checkout."""
    lost = "was made with settings that are no longer known"
    assert made.outdated(seed=2) == {"pairs.csv": lost, "ranking.csv": lost}
    made.note(made.pairs)
    assert made.outdated(seed=2) == {"ranking.csv": lost}
    (made.study / "study.yaml").write_text("seed: 2\n")
    assert made.outdated() == {"ranking.csv": lost}


def test_what_is_outdated_is_deleted_with_its_record_and_nothing_else(made):
    delete_results(made.results, {"ranking.csv": "has changed since its job wrote it"})
    assert not made.ranking.exists() and read_record(made.results, made.ranking) is None
    assert check_result(made.results, made.pairs) == sha256_of(made.pairs)


def test_results_of_another_study_of_the_same_name_are_refused(made, tmp_path):
    refuse_other_study(made.results, made.study)
    other = tmp_path / "elsewhere" / "toy"
    other.mkdir(parents=True)
    (other / "study.yaml").write_text("seed: 1\n")
    refuse_other_study(made.results, other)  # the same study, copied
    (other / "study.yaml").write_text("seed: 3\n")
    with pytest.raises(StudyError, match="has the results of the study in .*; rename one of the folders"):
        refuse_other_study(made.results, other)
    (made.study / "study.yaml").unlink()  # moved, then edited
    refuse_other_study(made.results, other)


def test_another_version_of_a_library_that_computed_makes_a_result_anew(made, monkeypatch):
    loaded = read_record(made.results, made.pairs)["made"]["loaded"]
    assert "numpy" in loaded and "snakemake" not in loaded
    now = current.versions() | {"numpy": "0.1"}
    monkeypatch.setattr(current, "versions", lambda: now)
    monkeypatch.setattr(verify, "versions", lambda: now)
    expected = f"made with numpy {loaded['numpy']}, but numpy is 0.1 now"
    assert made.outdated() == dict.fromkeys(("pairs.csv", "ranking.csv"), f"was {expected}")
    assert verify_results(made.results).stale == dict.fromkeys(("pairs.csv", "ranking.csv"), expected)
    monkeypatch.setattr(current, "versions", lambda: now | {"numpy": loaded["numpy"], "snakemake": "0.1"})
    assert made.outdated() == {}
