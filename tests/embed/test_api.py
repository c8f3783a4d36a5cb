"""Vectors from an endpoint: exact rows whatever happens on the way, and no text is paid for twice."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from loopback_endpoint import Endpoint, loopback_endpoint
from pydantic import ValidationError

from suffice.embed.api import Api, ApiSettings
from suffice.embed.cards import cards_table
from suffice.embed.identity import embedding_identity
from suffice.embed.self_check import SHORT
from suffice.embed.write import write_embedding
from suffice.errors import ModelError, NotFetchedError

pytest.importorskip("openai", reason="the extra api is not installed")
WIDTH = 24
JOB = """
import sys
from pathlib import Path
from suffice.data.corpus import Corpus
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
corpus, target, address = sys.argv[1:4]
settings = {"base_url": address, "model_id": "tiny", "batch_size": 8, "parallel": 3}
write_embedding(build_loader("api", settings, 0, "cpu"), Corpus(Path(corpus)), target, model="m", dataset="d")
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path / "cache"))
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny(tokenizer_of):
    """A static model of sentence-transformers with a real tokenizer: from texts to its vectors."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    torch.manual_seed(0)
    model = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer_of("bert"), embedding_dim=WIDTH)], device="cpu"
    )
    return lambda texts: model.encode(list(texts), show_progress_bar=False)


@pytest.fixture
def serve(tiny):
    """A function that serves the model, as a context."""

    def run(**behaviour):
        return loopback_endpoint(Endpoint(tiny, **behaviour))

    return run


def loader_of(endpoint, **settings):
    given = {"base_url": endpoint.address, "model_id": "tiny"} | settings
    return Api(ApiSettings(**given))


def embed(endpoint, corpus, **settings):
    encoder = loader_of(endpoint, **settings).open(corpus)
    return np.concatenate([encoder.encode(window) for window in corpus.windows(7)])


def many(n):
    return [f"text {i} of the {['red', 'old', 'small'][i % 3]} house by river {i * i % 17}" for i in range(n)]


def paid_twice(endpoint, texts):
    wanted = set(texts)
    return sum(count - 1 for text, count in endpoint.paid.items() if text in wanted)


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_rows_are_the_models_own_whatever_the_order_of_answers(serve, corpus, sentences, tiny, batch_size):
    with serve(shuffle=True, delay=0.005, fail_every=10) as endpoint:
        vectors = embed(endpoint, corpus, batch_size=batch_size)
        assert endpoint.largest == max(min(batch_size, 7), 2)  # windows of 7; two texts in the self-check
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, tiny(sentences))
    assert paid_twice(endpoint, sentences) == 0


def test_prompt_goes_before_each_item(serve, corpus, sentences, tiny):
    with serve() as endpoint:
        vectors = embed(endpoint, corpus, prompt="query: ")
    np.testing.assert_array_equal(vectors, tiny(["query: " + text for text in sentences]))


def test_the_same_text_is_paid_for_once(serve, make_corpus, sentences, tiny):
    texts = sentences[:3] * 9
    with serve() as endpoint:
        vectors = embed(endpoint, make_corpus(texts))
        again = embed(endpoint, make_corpus(texts[::-1], "backwards"))
    assert {endpoint.paid[text] for text in sentences[:3]} == {1}
    np.testing.assert_array_equal(vectors, tiny(texts))
    np.testing.assert_array_equal(again[::-1], vectors)


def test_requests_are_bounded_in_number_and_bytes(serve, make_corpus):
    texts = many(60)
    with serve(delay=0.02) as endpoint:
        embed(endpoint, make_corpus(texts), parallel=3, batch_size=50, batch_bytes=100)
    assert 1 < endpoint.most_at_once <= 3
    assert endpoint.largest == 2 == 100 // len(texts[0].encode())


def test_a_text_longer_than_a_request_may_be_goes_alone(serve, make_corpus, tiny):
    texts = ["old " * 50, "rain fell", "no"]
    with serve() as endpoint:
        np.testing.assert_array_equal(embed(endpoint, make_corpus(texts), batch_bytes=20), tiny(texts))


def test_card_has_tokens_and_price(serve, corpus, sentences, tmp_path):
    with serve(fail_every=5) as endpoint:
        loader = loader_of(endpoint, batch_size=4, price_per_million_tokens=20.0)
        card = write_embedding(loader, corpus, tmp_path / "v.npy", model="m", dataset="d")
        cost = card["cost"]
        assert cost["n_tokens"] == endpoint.n_tokens > sum(len(text.split()) for text in sentences)
        assert cost["price"] == pytest.approx(endpoint.n_tokens * 20e-6)
        assert cost["n_paid_before"] == 0
        assert cost["cpu_seconds"] is None  # another computer does the work
        words = sum(len(text.split()) for text in sentences)
        assert cost["tokens_per_item"] == pytest.approx(words / len(sentences))
        assert cards_table([card])["price_per_million_items"][0] == pytest.approx(
            20 * cost["tokens_per_item"]
        )
        again = loader_of(endpoint, price_per_million_tokens=20.0)
        card = write_embedding(again, corpus, tmp_path / "w.npy", model="m", dataset="d")
    assert card["cost"]["n_paid_before"] == len(sentences)
    assert card["cost"]["n_tokens"] == cost["n_tokens"]
    assert card["cost"]["price"] == pytest.approx(cost["price"])
    assert np.array_equal(np.load(tmp_path / "v.npy"), np.load(tmp_path / "w.npy"))


def test_truncation_is_reported_where_the_endpoint_tells_it(serve, corpus, sentences, tmp_path):
    for flags, expected in ((0, None), (10, sum(len(text.split()) > 10 for text in sentences))):
        with serve(flags=flags) as endpoint:
            card = write_embedding(
                loader_of(endpoint), corpus, tmp_path / f"{flags}.npy", model="m", dataset="d"
            )
            assert card["health"]["n_truncated"] == expected


def test_what_is_paid_for_needs_no_endpoint(serve, corpus, tiny, sentences):
    with serve() as endpoint:
        embed(endpoint, corpus)
    loader_of(endpoint).check()
    np.testing.assert_array_equal(embed(endpoint, corpus), tiny(sentences))


def test_vectors_are_kept_by_endpoint_model_and_width(serve, corpus):
    with serve() as one, serve() as other:
        first = embed(one, corpus)
        assert embed(one, corpus, dimensions=7).shape[1] == 7
        np.testing.assert_array_equal(embed(other, corpus), first)
        assert one.paid["no"] == 2 and other.paid["no"] == 1


def test_only_what_changes_vectors_is_in_the_identity(serve):
    with serve() as endpoint:
        one = embedding_identity(loader_of(endpoint), "0")
        speed = {"parallel": 9, "batch_size": 2, "batch_bytes": 9, "max_retries": 1, "timeout_seconds": 3.0}
        other = loader_of(endpoint, **speed, price_per_million_tokens=1.0, key_variable="A_KEY")
        assert embedding_identity(other, "0") == one
        for change in ({"prompt": "q: "}, {"dimensions": 3}, {"model_id": "other"}):
            assert embedding_identity(loader_of(endpoint, **change), "0") != one


def test_endpoint_that_mixes_texts_gets_them_one_by_one(serve, make_corpus, tmp_path, tiny):
    texts = many(12)
    with serve(mixes=True) as endpoint:
        loader = loader_of(endpoint)
        card = write_embedding(loader, make_corpus(texts), tmp_path / "v.npy", model="m", dataset="d")
    assert any("depend on the other texts in a batch" in said for said in card["health"]["warnings"])
    np.testing.assert_allclose(np.load(tmp_path / "v.npy"), 2 * tiny(texts), rtol=1e-5)


@contextmanager
def running_job(corpus, target, endpoint):
    source = str(Path(__file__).resolve().parents[2] / "src")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", JOB, str(corpus.path), str(target), endpoint.address]
    job = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield job
    finally:
        if job.poll() is None:
            job.kill()
        job.communicate()


def strike(job, endpoint, texts, share, how):
    """End a job when the server has answered a share of the texts."""
    deadline = time.monotonic() + 60
    while len(set(endpoint.paid) & set(texts)) < share * len(texts):
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    job.send_signal(how)
    assert job.wait(60) == -how


def test_job_that_is_told_to_end_twice_pays_for_no_text_twice(serve, make_corpus, tmp_path, tiny):
    texts = many(400)
    corpus, target = make_corpus(texts), tmp_path / "v.npy"
    with serve(fail_every=10, shuffle=True, delay=0.01) as endpoint:
        for share in (0.2, 0.6):
            with running_job(corpus, target, endpoint) as job:
                strike(job, endpoint, texts, share, signal.SIGTERM)
            assert not target.exists()
        assert len(set(endpoint.paid) & set(texts)) < len(texts)
        with running_job(corpus, target, endpoint) as job:
            assert job.wait(60) == 0
    np.testing.assert_array_equal(np.load(target), tiny(texts))
    assert paid_twice(endpoint, texts) == 0
    assert endpoint.paid[SHORT] <= 8 + 2  # the self-check once, and one text in each job that goes on


def test_killed_job_pays_again_only_for_requests_under_way(serve, make_corpus, tmp_path, tiny):
    texts = many(400)
    corpus, target = make_corpus(texts), tmp_path / "v.npy"
    with serve(fail_every=10, shuffle=True, delay=0.01) as endpoint:
        for share in (0.2, 0.6):
            with running_job(corpus, target, endpoint) as job:
                strike(job, endpoint, texts, share, signal.SIGKILL)
        with running_job(corpus, target, endpoint) as job:
            assert job.wait(60) == 0
    np.testing.assert_array_equal(np.load(target), tiny(texts))
    assert paid_twice(endpoint, texts) <= 2 * 3 * 8  # two kills, three requests of eight texts


def test_failure_keeps_what_is_paid_for(serve, make_corpus):
    texts = many(40)
    with serve() as endpoint:
        loader_of(endpoint).check()
        endpoint.fail_every = 5
        with pytest.raises(ModelError, match="status (503|429): .*Paid answers are kept"):
            embed(endpoint, make_corpus(texts), batch_size=2, max_retries=0)
        endpoint.fail_every = 0
        assert 0 < len(set(endpoint.paid) & set(texts)) < len(texts)
        embed(endpoint, make_corpus(texts, "again"), batch_size=2)
    assert paid_twice(endpoint, texts) == 0


def test_retry_after_is_waited_for(serve, corpus):
    with serve() as endpoint:
        loader_of(endpoint).check()
        endpoint.fail_every, endpoint.retry_after = 2, "0.7"
        started = time.monotonic()
        embed(endpoint, corpus, batch_size=64)
    assert time.monotonic() - started > 0.7


def test_key_comes_from_the_environment_and_goes_to_the_endpoint_alone(serve, corpus, monkeypatch, tmp_path):
    monkeypatch.setenv("MY_KEY", "very-secret")
    monkeypatch.setenv("OPENAI_API_KEY", "other-secret")
    with serve(key="very-secret") as endpoint:
        loader = loader_of(endpoint, key_variable="MY_KEY")
        write_embedding(loader, corpus, tmp_path / "v.npy", model="m", dataset="d")
        assert endpoint.keys == {"Bearer very-secret"}
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert kept and not any(b"very-secret" in content for content in kept)


def test_no_key_is_sent_unless_a_variable_is_named(serve, corpus, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with serve() as endpoint:
        embed(endpoint, corpus)
    assert endpoint.keys == {None}


def test_no_proxy_sees_what_stays_on_this_computer(serve, corpus, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serve() as endpoint:
        embed(endpoint, corpus, max_retries=0)


def test_wrong_key_is_refused_and_not_shown(serve, monkeypatch):
    monkeypatch.setenv("MY_KEY", "very-wrong")
    with serve(key="right") as endpoint, pytest.raises(ModelError, match="refuses the key") as found:
        loader_of(endpoint, key_variable="MY_KEY").check()
    assert "very-wrong" not in str(found.value)


def test_missing_key_is_told_before_anything_is_asked(serve):
    with serve(key="right") as endpoint:
        with pytest.raises(ModelError, match="variable MY_KEY is not set"):
            loader_of(endpoint, key_variable="MY_KEY").check()
        assert endpoint.requests == []
    with pytest.raises(ModelError, match="variable OPENAI_API_KEY is not set"):
        Api(ApiSettings(base_url="https://api.openai.com/v1", model_id="m")).check()


def test_unknown_model_names_those_there_are(serve):
    with serve() as endpoint, pytest.raises(ModelError, match="status 404.*check .*model_id; it has tiny"):
        loader_of(endpoint, model_id="tinny").check()


def test_width_that_is_not_as_asked_is_told_at_the_check(serve):
    with serve(honours_dimensions=False) as endpoint:
        with pytest.raises(ModelError, match=f"gave vectors of {WIDTH} numbers and not 8; correct"):
            loader_of(endpoint, dimensions=8).check()


def test_endpoint_that_is_not_there_is_no_error_of_a_plan(serve):
    with serve() as endpoint:
        pass
    with pytest.raises(NotFetchedError, match="cannot be reached .*check base_url"):
        loader_of(endpoint, max_retries=0).check()


def test_redirection_is_not_followed(serve):
    with serve() as other, serve(redirect=f"{other.address}/embeddings") as endpoint:
        with pytest.raises(ModelError, match="refers to another address .status 307.; set base_url"):
            loader_of(endpoint).check()
        assert other.requests == []


def test_model_that_changed_is_refused_before_more_is_paid_for(serve, corpus, make_corpus, tiny):
    with serve() as endpoint:
        embed(endpoint, corpus)
        endpoint.embed = lambda texts: -tiny(texts)
        with pytest.raises(ModelError, match="is not the one that answered before.*Delete .*sqlite"):
            embed(endpoint, make_corpus(many(5), "new"))
    assert not set(many(5)) & set(endpoint.paid)


def test_too_few_vectors_are_refused(serve):
    with serve() as endpoint:
        whole = endpoint.item
        endpoint.item = lambda index, *rest: whole(min(index, 0), *rest)
        with pytest.raises(ModelError, match="did not give one vector for each of 2 texts"):
            loader_of(endpoint).check()


def test_damaged_cache_is_named(serve, corpus):
    with serve() as endpoint:
        loader_of(endpoint).check()
        loader = loader_of(endpoint)
        loader.place.write_bytes(b"no database" * 100)
        with pytest.raises(ModelError, match="kept in .*sqlite cannot be read.*delete the file"):
            loader.open(corpus)


def test_cache_holds_no_text(serve, corpus, sentences):
    with serve() as endpoint:
        loader = loader_of(endpoint)
        embed(endpoint, corpus)
    with sqlite3.connect(loader.place) as database:
        assert database.execute("SELECT count(*) FROM vectors").fetchone() == (len(sentences),)
    assert b"the ferry crosses" not in loader.place.read_bytes()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://example.org/v1", "in the clear; use https"),
        ("http://127.0.0.1.example.org/v1", "in the clear; use https"),
        ("example.org/v1", "write the address"),
        ("ftp://localhost/v1", "write the address"),
        ("https://user:word@example.org/v1", "leave user, password"),
        ("https://example.org/v1?api-key=abc", "leave user, password"),
    ],
)
def test_address_must_be_safe(address, message):
    with pytest.raises(ValidationError, match=message):
        ApiSettings(base_url=address, model_id="m")


def test_key_in_the_settings_is_refused_and_not_shown():
    from suffice.settings import describe_validation_error

    with pytest.raises(ValidationError) as found:
        ApiSettings(base_url="https://a.org", model_id="m", key_variable="sk-proj-abcdefghijklmnopqrst")
    assert "abcdefghij" not in describe_validation_error(found.value, ApiSettings)


def test_counter_of_the_server_would_show_a_text_that_is_paid_for_twice(serve):
    with serve() as endpoint:
        endpoint.paid = Counter({"a": 2, "b": 1})
        assert paid_twice(endpoint, ["a", "b"]) == 1
