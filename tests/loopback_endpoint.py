"""A server on loopback that speaks the OpenAI embeddings protocol, counts what it is paid and misbehaves."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
from loopback_hub import serving

Embed = Callable[[Sequence[str]], np.ndarray]


@dataclass
class Endpoint:
    """What the server does, and what happened.

    Attributes:
        embed: from texts to float32 vectors, shape (n, width).
        model: the one model that it has.
        key: the key that it asks for, if any.
        fail_every: every so many requests get status 503 or 429; 0 for none.
        retry_after: header of these answers, in seconds.
        shuffle: answers hold the items in another order, and even requests are held back.
        delay: seconds that an answer takes.
        mixes: vectors depend on what else is in a request.
        flags: answers say of each text whether it was cut to so many words; 0 for no such field.
        redirect: where all requests are sent on to.
        paid: how often each text was answered.
        requests: all paths that were asked for.
        keys: all keys that were sent.
        n_tokens: words that were counted.
        most_at_once: most requests under way at one time.
        largest: most texts in a request.
    """

    embed: Embed
    model: str = "tiny"
    key: str | None = None
    fail_every: int = 0
    retry_after: str = "0.01"
    shuffle: bool = False
    delay: float = 0.0
    mixes: bool = False
    flags: int = 0
    redirect: str = ""
    honours_dimensions: bool = True
    paid: Counter = field(default_factory=Counter)
    requests: list[str] = field(default_factory=list)
    keys: set = field(default_factory=set)
    n_tokens: int = 0
    n_at_once: int = 0
    most_at_once: int = 0
    largest: int = 0
    address: str = ""
    lock: Any = field(default_factory=threading.Lock)

    def vectors(self, texts: Sequence[str], dimensions: int | None) -> np.ndarray:
        """What is answered to some texts."""
        if self.flags:
            texts = [" ".join(text.split()[: self.flags]) for text in texts]
        with self.lock:
            vectors = np.asarray(self.embed(texts), dtype=np.float32)
        if self.mixes:
            vectors = vectors + vectors.mean(axis=0)
        return vectors[:, :dimensions] if dimensions and self.honours_dimensions else vectors

    def refusal(self, key: str | None, number: int) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        """Status, content and headers of an answer without vectors; None if the request is answered."""
        if self.redirect:
            return 307, {}, {"Location": self.redirect}
        if self.key and key != f"Bearer {self.key}":
            return 401, {"error": {"message": f"bad key {key}"}}, {}
        if self.fail_every and number % self.fail_every == 0:
            status = 503 if number % (2 * self.fail_every) else 429
            return status, {"error": {"message": "busy"}}, {"Retry-After": self.retry_after}
        return None

    def answer(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content of the answer to one request."""
        if asked["model"] != self.model:
            return 404, {"error": {"message": f"no model {asked['model']}", "code": "model_not_found"}}
        texts = asked["input"]
        vectors = self.vectors(texts, asked.get("dimensions"))
        data = [self.item(*each, asked) for each in zip(range(len(texts)), texts, vectors, strict=True)]
        n_tokens = sum(len(text.split()) for text in texts)
        with self.lock:
            self.paid.update(texts)
            self.n_tokens += n_tokens
            self.largest = max(self.largest, len(texts))
        usage = {"prompt_tokens": n_tokens, "total_tokens": n_tokens}
        data = data[::-1] if self.shuffle else data
        return 200, {"object": "list", "data": data, "model": self.model, "usage": usage}

    def item(self, index: int, text: str, vector: np.ndarray, asked: dict[str, Any]) -> dict[str, Any]:
        """One vector as it is sent."""
        as_text = asked.get("encoding_format") == "base64"
        values = base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist()
        cut = {"truncated": len(text.split()) > self.flags} if self.flags else {}
        return {"object": "embedding", "index": index, "embedding": values, **cut}


@contextmanager
def loopback_endpoint(endpoint: Endpoint) -> Iterator[Endpoint]:
    """Serve an endpoint; its address is then in `endpoint.address`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send(200, {"object": "list", "data": [{"id": endpoint.model, "object": "model"}]})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with endpoint.lock:
                endpoint.requests.append(self.path)
                number = len(endpoint.requests)
                endpoint.keys.add(self.headers.get("Authorization"))
                endpoint.n_at_once += 1
                endpoint.most_at_once = max(endpoint.most_at_once, endpoint.n_at_once)
            try:
                self.respond(asked, number)
            finally:
                with endpoint.lock:
                    endpoint.n_at_once -= 1

        def respond(self, asked: dict[str, Any], number: int) -> None:
            time.sleep(endpoint.delay * (1 + (endpoint.shuffle and number % 2 == 0)))
            self.send(*endpoint.refusal(self.headers.get("Authorization"), number) or endpoint.answer(asked))

        def send(self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as address:
        endpoint.address = f"{address}/v1"
        yield endpoint
