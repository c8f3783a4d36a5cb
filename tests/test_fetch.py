"""Files by URL, from a server on the loopback: fetched once, checked, refused with the remedy."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from loopback_hub import silent_server

from suffice.data.build import build_corpus
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.fetch import FetchError, cached_file, check_fetchable, check_url, fetch

CONTENT = b"content\n" + b"".join(b"text number %d\n" % number for number in range(30))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path / "cache"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def server(cache):
    pytest.importorskip("pooch", reason="needs the hub extra")
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200 if self.path == "/data/texts.csv" else 404)
            self.end_headers()
            self.wfile.write(CONTENT if self.path == "/data/texts.csv" else b"")

        def log_message(self, *arguments):
            """Be silent."""

    served = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}/data", asked
    served.shutdown()
    served.server_close()
    thread.join()


def test_a_file_is_fetched_once_and_then_read_from_the_cache(server, cache, monkeypatch):
    address, asked = server
    url = f"{address}/texts.csv"
    assert check_fetchable(url, SHA256) is None and asked == []
    path = fetch(url, SHA256)
    assert path.parent == cache and path.name.endswith("-texts.csv")
    assert path.read_bytes() == CONTENT
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(url, SHA256) == check_fetchable(url, SHA256) == path
    assert asked == ["/data/texts.csv"]


def test_another_content_and_a_missing_file_leave_nothing_behind(server, cache):
    address, _ = server
    for url, sha256 in ((f"{address}/texts.csv", OTHER), (f"{address}/none.csv", SHA256)):
        with pytest.raises(FetchError, match="cannot be fetched .*put it into"):
            fetch(url, sha256)
        assert not cached_file(url, sha256).exists()


def test_a_damaged_file_in_the_cache_is_fetched_anew(server, cache):
    address, asked = server
    path = cached_file(f"{address}/texts.csv", SHA256)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-5])
    assert fetch(f"{address}/texts.csv", SHA256).read_bytes() == CONTENT
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("url", "sha256", "message"),
    [
        ("http://example.org/a.csv", SHA256, "no address of a file that begins with https"),
        ("file:///etc/passwd", SHA256, "no address of a file that begins with https"),
        ("https://example.org/", SHA256, "no address of a file that begins with https"),
        ("https://example.org/a.csv", None, "needs the setting sha256"),
    ],
)
def test_addresses_that_are_refused(url, sha256, message):
    with pytest.raises(FetchError, match=message):
        check_url(url, sha256)


def test_without_network_the_remedy_names_the_place(cache, monkeypatch):
    pytest.importorskip("pooch", reason="needs the hub extra")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        FetchError, match=r"downloads are switched off; run `make fetch STUDY=...` where .*-a\.csv"
    ):
        fetch("https://example.org/a.csv", SHA256)


def test_a_data_set_by_url_becomes_a_corpus(server, tmp_path):
    address, asked = server
    settings = DatasetSettings(source="file", path=f"{address}/texts.csv", sha256=SHA256, min_items=5)
    assert check_dataset(settings, "texts", ranked=False) is None and asked == []
    build_corpus(settings, 0, tmp_path / "texts.parquet")
    corpus = Corpus(tmp_path / "texts.parquet")
    assert corpus.n_items == 30
    assert corpus.manifest["source_sha256"] == SHA256
    assert "content" in check_dataset(settings, "texts", ranked=False)
    with pytest.raises(ValueError, match="needs the setting sha256"):
        DatasetSettings(source="file", path=f"{address}/texts.csv")


def test_a_local_file_may_have_a_hash_too(tmp_path):
    (tmp_path / "texts.csv").write_bytes(CONTENT)
    settings = {"source": "file", "path": str(tmp_path / "texts.csv"), "min_items": 5}
    check_dataset(DatasetSettings(**settings, sha256=SHA256), "texts", ranked=False)
    with pytest.raises(FetchError, match="another SHA-256"):
        check_dataset(DatasetSettings(**settings, sha256=OTHER), "texts", ranked=False)


def test_a_server_that_does_not_answer_is_given_up(cache, monkeypatch):
    pytest.importorskip("pooch", reason="needs the hub extra")
    monkeypatch.setattr("suffice.fetch.TIMEOUT_SECONDS", 0.5)
    with (
        silent_server(seconds=30) as address,
        pytest.raises(FetchError, match=r"texts\.csv cannot be fetched"),
    ):
        fetch(f"{address}/texts.csv", SHA256)
    assert not list(cache.rglob("*.csv"))
