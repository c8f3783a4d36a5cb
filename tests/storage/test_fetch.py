"""Files by URL, from a server on the loopback: fetched once, checked, refused with the remedy."""

import hashlib
import threading
import time
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from loopback_hub import serving, silent_server

from suffice.data.build import build_corpus, fetch_dataset
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.storage.fetch import FetchError, _next_address, cached_file, check_url, fetch, fetched

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
    pytest.importorskip("requests", reason="needs the hub extra")
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
    with pytest.raises(FetchError, match="is not in the cache; run `suffice fetch STUDY`"):
        fetched(url, SHA256)
    assert asked == []
    path = fetch(url, SHA256)
    assert path.parent == cache and path.name.endswith("-texts.csv")
    assert path.read_bytes() == CONTENT
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(url, SHA256) == fetched(url, SHA256) == path
    assert asked == ["/data/texts.csv"]


def test_another_content_and_a_missing_file_leave_nothing_behind(server, cache):
    address, _ = server
    for url, sha256 in ((f"{address}/texts.csv", OTHER), (f"{address}/none.csv", SHA256)):
        with pytest.raises(FetchError, match="cannot be downloaded .*put it at"):
            fetch(url, sha256)
        assert not cached_file(url, sha256).exists()


def test_a_damaged_file_in_the_cache_is_fetched_anew(server, cache):
    address, asked = server
    path = cached_file(f"{address}/texts.csv", SHA256)
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-5])
    with pytest.raises(FetchError, match="the SHA-256 of .* is not"):
        fetched(f"{address}/texts.csv", SHA256)
    assert fetch(f"{address}/texts.csv", SHA256).read_bytes() == CONTENT
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("url", "sha256", "message"),
    [
        ("http://example.org/a.csv", SHA256, "not the address of a file that begins with https"),
        ("file:///etc/passwd", SHA256, "not the address of a file that begins with https"),
        ("https://example.org/", SHA256, "not the address of a file that begins with https"),
        ("https://example.org/a.csv", None, "needs the setting sha256"),
    ],
)
def test_addresses_that_are_refused(url, sha256, message):
    with pytest.raises(FetchError, match=message):
        check_url(url, sha256)


def test_without_network_the_remedy_names_the_place(cache, monkeypatch):
    pytest.importorskip("requests", reason="needs the hub extra")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        FetchError, match=r"downloads are switched off; run `suffice fetch STUDY` with .*-a\.csv"
    ):
        fetch("https://example.org/a.csv", SHA256)


def test_a_data_set_by_url_becomes_a_corpus(server, tmp_path):
    address, asked = server
    settings = DatasetSettings(source="file", path=f"{address}/texts.csv", sha256=SHA256, min_items=5)
    for step in (check_dataset, build_corpus):
        with pytest.raises(FetchError, match="run `suffice fetch STUDY`"):
            step(settings, 0, tmp_path / "texts.parquet")
    assert asked == []
    assert fetch_dataset(settings).endswith("-texts.csv")
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
    with pytest.raises(FetchError, match="the SHA-256 of .* is not"):
        check_dataset(DatasetSettings(**settings, sha256=OTHER), "texts", ranked=False)


def test_a_server_that_does_not_answer_is_given_up(cache, monkeypatch):
    pytest.importorskip("requests", reason="needs the hub extra")
    monkeypatch.setattr("suffice.storage.fetch.TIMEOUT_SECONDS", 0.5)
    with (
        silent_server(seconds=30) as address,
        pytest.raises(FetchError, match=r"texts\.csv cannot be downloaded"),
    ):
        fetch(f"{address}/texts.csv", SHA256)
    assert not list(cache.rglob("*.csv"))


@pytest.fixture
def serve(cache):
    """A function that starts a server with one answer of its own; gives its address."""
    pytest.importorskip("requests", reason="needs the hub extra")
    with ExitStack() as stack:

        def start(answer):
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self):
                    answer(self)

                def log_message(self, *arguments):
                    """Be silent."""

            return stack.enter_context(serving(Handler))

        yield start


def send(handler, body=CONTENT, status=200, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        while True:
            handler.wfile.write(bytes(1 << 16))


def drop_by_drop(handler):
    handler.send_response(200)
    handler.end_headers()
    with suppress(OSError):
        for _ in range(100):
            handler.wfile.write(b".")
            time.sleep(0.1)


def headers_drop_by_drop(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    with suppress(OSError):
        for number in range(90):
            handler.wfile.write(b"X-%d: a\r\n" % number)
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (headers_drop_by_drop, "takes over 1 s; to allow more, set SUFFICE_MAX_DOWNLOAD_SECONDS"),
        (endless, "over 1 MB; to allow more, set SUFFICE_MAX_DOWNLOAD_MB"),
        (lambda handler: send(handler, b"", Content_Length=10**13), "over 1 MB"),
        (drop_by_drop, "takes over 1 s; to allow more, set SUFFICE_MAX_DOWNLOAD_SECONDS"),
        (lambda handler: send(handler, Content_Length=len(CONTENT) + 1), "the connection was lost"),
        (lambda handler: send(handler, status=500), "answered with status 500"),
        (
            lambda handler: send(handler, status=302, Location="/data/texts.csv"),
            "redirected more than 5 times",
        ),
    ],
)
def test_a_download_is_limited(answer, message, serve, cache, monkeypatch):
    monkeypatch.setenv("SUFFICE_MAX_DOWNLOAD_MB", "1")
    monkeypatch.setenv("SUFFICE_MAX_DOWNLOAD_SECONDS", "1")
    started = time.monotonic()
    with pytest.raises(FetchError, match=message):
        fetch(f"{serve(answer)}/data/texts.csv", SHA256)
    assert time.monotonic() - started < 8  # drop by drop would take 10 s
    assert not list(cache.rglob("*.csv"))


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("https://a.org/x.csv", "http://a.org/x.csv", True),
        ("https://a.org/x.csv", "ftp://a.org/x.csv", True),
        ("https://a.org/x.csv", "file:///etc/passwd", True),
        ("https://a.org/x.csv", "https://localhost/x.csv", True),
        ("https://a.org/x.csv", "https://10.0.0.1/x.csv", True),
        ("https://a.org/x.csv", "https://169.254.169.254/latest", True),
        ("https://a.org/x.csv", "https://[fd00::1]/x.csv", True),
        ("http://127.0.0.1:8/x.csv", "http://a.org/x.csv", True),
        ("https://a.org/x.csv", "https://b.org/x.csv?sig=secret", False),
        ("https://a.org/x.csv", "/y.csv", False),
    ],
)
def test_no_address_without_encryption_is_gone_to_and_another_host_is_said(old, new, refused, caplog):
    if refused:
        with pytest.raises(FetchError, match="not an encrypted public address"):
            _next_address(old, new)
        return
    found = _next_address(old, new)
    assert found.endswith(new)
    said = [record.getMessage() for record in caplog.records]
    assert said == (["a.org redirects to another host: https://b.org/x.csv?…"] if "b.org" in new else [])


def test_a_file_of_another_host_is_fetched(server, serve, caplog):
    address, _ = server
    other = serve(lambda handler: send(handler, b"", 302, Location=f"{address}/texts.csv"))
    assert fetch(f"{other}/texts.csv", SHA256).read_bytes() == CONTENT
    assert "redirects to another host" in caplog.text


def test_messages_of_downloads_hold_no_secrets(cache, monkeypatch):
    pytest.importorskip("requests", reason="needs the hub extra")
    url = "http://user:word@127.0.0.1:9/x.csv?sig=abcdef"
    with pytest.raises(FetchError) as caught:
        fetch(url, SHA256)
    assert "127.0.0.1:9/x.csv" in str(caught.value)
    assert not [secret for secret in ("user", "word", "abcdef") if secret in str(caught.value)]
