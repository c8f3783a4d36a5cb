"""What is written for others to read names neither secrets nor home folders."""

import json
import logging
import time
from pathlib import Path

import pytest

from suffice.errors import DataError, SufficeError
from suffice.secrets import WithoutSecrets, for_sharing, without_secrets
from suffice.storage.records import (
    facts_of_study,
    record_path,
    sha256_of,
    write_records,
    write_run_record,
)
from suffice.storage.verify import verify_results
from suffice.workflow import recording_failure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.org/x.csv", "https://a.org/x.csv"),
        ("https://user:word@a.org/x.csv", "https://a.org/x.csv"),
        ("https://token@a.org:8443/x.csv", "https://a.org:8443/x.csv"),
        ("s3://KEY:SECRET@bucket/x", "s3://bucket/x"),
        ("https://user:w@rd@a.org/x.csv", "https://a.org/x.csv"),
        ("https://user:w/rd@a.org/x.csv", "https://…"),
        ("https://user:w#rd@a.org/x.csv", "https://…?…"),
        ("https://a.org/x.csv?sig=abc&download=1", "https://a.org/x.csv?download=1&…"),
        ("https://a.org/x?X-Amz-Signature=abc", "https://a.org/x?…"),
        ("https://a.org/x#access_token=abc", "https://a.org/x?…"),
        ("HTTPS://u:p@A.org/x", "HTTPS://A.org/x"),
        ("'https://u:p@a.org/x' and \"https://u:p@b.org/y\"", "'https://a.org/x' and \"https://b.org/y\""),
        ("url: /x.csv?sig=abc (Caused by", "url: /x.csv?sig=… (Caused by"),
        ("--token=abc api_key=abc", "--token=… api_key=…"),
        ("Authorization: Bearer abcdefghij.klm", "Authorization: Bearer …"),
        ("hf_abcdefghijklmnopqrstuvwxyz is a token", "… is a token"),
        ("sk-proj-abcdefghijklmnopqrstuvwxyz is a key", "… is a key"),
        ("sk-learn is a library", "sk-learn is a library"),
        ("https_proxy=user:pa55@proxy:3128", "https_proxy=proxy:3128"),
        ("ProxyError(user:pa55@proxy.corp:3128)", "ProxyError(proxy.corp:3128)"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic …"),
        ("{'x-api-key': '1234567890abcdef'}", "{'x-api-key': '…'}"),
        ("password: hunter2", "password: …"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = …"),
        ("key AIzaSyA1234567890abcdefghijklmnopqrstuvw", "key …"),
        ("AKIAIOSFODNN7EXAMPLE and xoxb-1234567890-abcdefghijkl", "… and …"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3", "…"),
        ("jwt=abcd&pwd=hunter2&access_key=abc", "jwt=…&pwd=…&access_key=…"),
        ("12:30 a@b:8 and user@host:22", "12:30 a@b:8 and user@host:22"),
        ("a/b: c@d, 10:30 and package:name/file", "a/b: c@d, 10:30 and package:name/file"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://medium.com/@writer/text", "https://medium.com/@writer/text"),
    ],
)
def test_secrets_are_cut_from_addresses(text, expected):
    assert without_secrets(text) == expected
    assert without_secrets(without_secrets(text)) == without_secrets(text)


@pytest.mark.parametrize("text", ["a+", "-token", "a-", "eyJ", "api-key ", "a@", "x://a"])
def test_long_texts_are_searched_in_time(text):
    start = time.process_time()
    without_secrets(text * 20_000)
    assert time.process_time() - start < 5  # patterns without limits take minutes


def test_every_error_is_without_secrets():
    assert str(DataError("no file https://u:p@a.org/x?sig=abc")) == "no file https://a.org/x?…"
    assert str(SufficeError()) == ""


def test_logs_are_without_secrets_in_tracebacks_too():
    try:
        raise OSError("https://u:p@a.org/x?sig=abc")
    except OSError as error:
        record = logging.LogRecord("x", 40, "x.py", 1, "%s", ("https://u:q@b.org/",), None)
        record.exc_info = (OSError, error, error.__traceback__)
    text = WithoutSecrets("%(message)s").format(record)
    assert "https://b.org/" in text and "https://a.org/x" in text
    assert not [secret for secret in ("u:q", "u:p", "abc") if secret in text]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "alice"))
    (tmp_path / "alice" / "study").mkdir(parents=True)
    return tmp_path / "alice"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{home}/data/x.csv", "~/data/x.csv"),
        ("{home}", "~"),
        ("{home}-other/x", "{home}-other/x"),
        ("see {home}/a, {home}/b", "see ~/a, ~/b"),
        ("/home/bob/x.csv", "/home/…/x.csv"),
        ("/Users/bob/x.csv", "/Users/…/x.csv"),
        ("/data/home/x.csv", "/data/home/x.csv"),
        ("results/home/bob/x", "results/home/bob/x"),
    ],
)
def test_home_folders_are_not_named(path, expected, home):
    assert for_sharing(path.format(home=home)) == expected.format(home=home)


def test_records_name_no_home_and_no_secret_and_can_be_verified(home, tmp_path):
    results, outside = tmp_path / "results" / "toy", home / "items.txt"
    results.mkdir(parents=True)
    outside.write_text("items")
    (results / "a.csv").write_text("a\n")
    job = {"rule": "make", "parameters": {"path": "https://u:p@a.org/x?sig=abc", "list": [str(outside)]}}
    write_records(results, [results / "a.csv"], {str(outside): sha256_of(outside)}, job)
    text = record_path(results, results / "a.csv").read_text()
    record = json.loads(text)
    assert record["inputs"] == {"~/items.txt": sha256_of(outside)}
    assert record["job"]["parameters"] == {"path": "https://a.org/x?…", "list": ["~/items.txt"]}
    assert str(home) not in text
    assert verify_results(results).is_good
    outside.write_text("other items")
    assert "made from a different ~/items.txt" in verify_results(results).stale["a.csv"]


def test_the_record_of_a_run_names_no_home_and_no_secret(home):
    (home / "study" / "study.yaml").write_text("title: x")
    facts = facts_of_study(home / "study", {"models": "https://u:p@a.org/x"})
    assert facts["folder"] == "~/study"
    assert facts["overrides"] == {"models": "https://a.org/x"}


def test_the_record_of_a_failure_names_no_home_and_no_secret(home, tmp_path):
    path = tmp_path / "failed.json"
    with pytest.raises(OSError, match="abc"), recording_failure(str(path), "m", "d"):
        raise OSError(f"{home}/x of https://u:p@a.org/x?sig=abc")
    assert json.loads(path.read_text())["message"] == "~/x of https://a.org/x?…"


def test_the_study_that_a_record_names_is_found_again(home, tmp_path):
    results = tmp_path / "results" / "toy"
    (results / "records").mkdir(parents=True)
    study = home / "study" / "study.yaml"
    study.write_text("title: x")
    write_run_record(results, study.parent, {})
    study.write_text("title: y")
    assert any("study.yaml of" in note for note in verify_results(results).notes)
    assert Path.home() == home
