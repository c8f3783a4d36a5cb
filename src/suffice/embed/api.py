"""Vectors from an endpoint with the OpenAI embeddings protocol; paid answers are kept on disk."""

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import Field, field_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder, Loader
from suffice.embed.batches import BatchRunner
from suffice.embed.endpoint import Answer, Endpoint, check_address
from suffice.embed.paid_vectors import Paid, PaidVectors, key_of
from suffice.embed.self_check import SHORT, check_batches
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.fetch import cache_folder
from suffice.storage.files import sha256_of_json

OPENAI_HOST, OPENAI_KEY = "api.openai.com", "OPENAI_API_KEY"
INTRODUCTION = "introduction"  # name of the note on the endpoint's first answer
CHECK_TOKENS = 64  # of the longer text of the self-check
PRECISION = "bfloat16"  # endpoints choose their own; this is the coarsest precision of the self-check
CHANGED = 0.1  # of a vector's length: a larger difference for the same text means that the model has changed
EXIT_BY_SIGNAL = 128
N_HEX = 16  # of the hash in the name of the file that keeps an endpoint's vectors


class ApiSettings(Settings):
    """Settings of kind `api`."""

    base_url: str = Field(
        description="Address of the endpoint up to `/embeddings`, such as https://api.openai.com/v1 or "
        "http://localhost:11434/v1. Texts and key go there and nowhere else. Plain http is for this computer"
    )
    model_id: str = Field(min_length=1, description="Name of the model at the endpoint")
    dimensions: int | None = Field(
        None, ge=1, description="Width to request, which the answers must have; by default the model's own"
    )
    prompt: str = Field("", description="Text put before each item")
    key_variable: str | None = Field(
        None,
        pattern="^[A-Z][A-Z0-9_]*$",
        description="Environment variable that contains the key, never the key itself. Default: "
        "OPENAI_API_KEY "
        "for api.openai.com, and no key for other addresses",
    )
    batch_size: int = Field(32, ge=1, le=2048, description="Maximum number of texts in one request")
    batch_bytes: int = Field(
        200_000,
        ge=1,
        description="Maximum number of bytes of text in one request; no text has more tokens than bytes",
    )
    parallel: int = Field(4, ge=1, le=64, description="Requests at the same time")
    max_retries: int = Field(
        8,
        ge=0,
        description="Maximum number of retries after status 429 or 5xx, each after a longer wait",
    )
    timeout_seconds: float = Field(120.0, gt=0, description="Time limit for one answer")
    price_per_million_tokens: float | None = Field(
        None, ge=0, description="Price in any currency; the card then has the cost of the vectors"
    )

    @field_validator("base_url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        return check_address(value)


class Api(Loader[ApiSettings]):
    """A model behind an endpoint with the OpenAI embeddings protocol.

    This is the only loader whose jobs use the network, and they connect only to `base_url`.
    """

    kind = "api"
    computes = False
    counts_tokens = True
    Settings = ApiSettings
    beside_identity = frozenset(
        {
            "key_variable",
            "batch_bytes",
            "parallel",
            "max_retries",
            "timeout_seconds",
            "price_per_million_tokens",
        }
    )

    def __init__(self, settings: ApiSettings, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(settings, seed, device)
        self._encoder: ApiEncoder | None = None

    @property
    def _key_variable(self) -> str | None:
        is_openai = urlsplit(self.settings.base_url).hostname == OPENAI_HOST
        return self.settings.key_variable or (OPENAI_KEY if is_openai else None)

    def _key(self) -> str | None:
        """The key from the environment; None if the endpoint needs no key."""
        name = self._key_variable
        key = os.environ.get(name, "").strip() if name else None
        if name and not key:
            raise ModelError(
                f"the environment variable {name} is not set, but it must contain the key for "
                f"{self.settings.base_url}; set it before you run, or name another variable in key_variable"
            )
        return key

    @property
    def place(self) -> Path:
        """The file that keeps the vectors of this endpoint, model and width."""
        settings = self.settings.model_dump(include={"base_url", "model_id", "dimensions"})
        return cache_folder() / "api" / f"{sha256_of_json(settings)[:N_HEX]}.sqlite"

    def check(self) -> None:
        """Check the package, the key, and that the endpoint has such a model.

        The endpoint is asked once, with two short texts, and its answers are kept.
        """
        if importlib.util.find_spec("openai") is None:
            raise ModelError("models of kind api need `pip install 'suffice[api]'`")
        self._encoder = self._opened()

    def cost(self) -> dict[str, Any]:
        """Tokens and price of all texts of this job, including those paid for earlier."""
        return {} if self._encoder is None else self._encoder.cost()

    def open(self, corpus: Corpus) -> Encoder:
        """Connect to the endpoint."""
        self._encoder = self._encoder or self._opened()
        return self._encoder

    def _opened(self) -> "ApiEncoder":
        settings = self.settings
        endpoint = Endpoint(
            settings.base_url,
            settings.model_id,
            self._key(),
            dimensions=settings.dimensions,
            max_retries=settings.max_retries,
            timeout_seconds=settings.timeout_seconds,
        )
        return ApiEncoder(endpoint, PaidVectors(self.place), settings)


class ApiEncoder(Encoder):
    """An endpoint, and the vectors that were paid for.

    Args:
        endpoint: the endpoint.
        kept: answers of earlier jobs; new answers are added as they arrive.
        settings: settings of requests.

    Raises:
        ModelError: the endpoint refuses, or gives a text more than one vector.
    """

    def __init__(self, endpoint: Endpoint, kept: PaidVectors, settings: ApiSettings) -> None:
        self.endpoint, self.kept, self.settings = endpoint, kept, settings
        self.batches = BatchRunner(settings.batch_size, settings.model_id)
        self.seen: set[bytes] = set()
        self.n_kept = 0
        self.is_same = False
        known = kept.note(INTRODUCTION) or self._introduce()
        self.embed_dim, self.said = int(known["embed_dim"]), list(known["said"])
        self.n_tokens: float | None = known["n_tokens"]
        if known["one_by_one"]:
            self.batches.batch_size = 1

    def warnings(self) -> list[str]:
        """Warnings from the endpoint's first answers."""
        return self.said

    def cost(self) -> dict[str, Any]:
        """Tokens and price of all texts so far, and how many texts had been paid for by earlier jobs.

        `price_per_million_tokens` is the setting, from which the price of items follows.
        """
        price = self.settings.price_per_million_tokens
        known = None if self.n_tokens is None else round(self.n_tokens)
        paid = None if price is None or known is None else price * known / 1e6
        return {
            "n_tokens": known,
            "price": paid,
            "price_per_million_tokens": price,
            "n_paid_before": self.n_kept,
        }

    def _introduce(self) -> dict[str, Any]:
        """Ask the endpoint for the first time: its width, and whether a text has one vector."""
        self.n_tokens = 0.0
        first = self._ask([SHORT])
        said = check_batches(self, CHECK_TOKENS, PRECISION, self.settings.model_id)
        if first.model and first.model != self.settings.model_id:
            said.append(f"the endpoint calls the model {first.model!r}, not {self.settings.model_id!r}")
        note = {
            "embed_dim": first.vectors.shape[1],
            "said": said,
            "one_by_one": bool(said) and self.batches.one_length,
            "n_tokens": self.n_tokens,
            "vector": first.vectors[0].tolist(),
        }
        self.kept.write_note(INTRODUCTION, note)
        self.is_same = True
        return note

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one request; nothing is kept."""
        return self._ask(texts).vectors

    def _ask(self, texts: Sequence[str]) -> Answer:
        answer = self.endpoint.ask(texts)
        self._count([answer.n_tokens])
        return answer

    def _count(self, n_tokens: Iterable[float | None]) -> None:
        counts = list(n_tokens)
        known = self.n_tokens is not None and None not in counts
        self.n_tokens = (self.n_tokens or 0.0) + sum(filter(None, counts)) if known else None

    def encode(self, window: Window) -> np.ndarray:
        """The endpoint's vectors, float32, shape (len(window), embed_dim); each text is paid for once."""
        texts = [self.settings.prompt + text for text in window.contents]
        keys = [key_of(text) for text in texts]
        before = self.kept.find(set(keys))
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in before}
        if missing:
            self._refuse_another_model()
            self._pay_for(missing)
        found = before | self.kept.find(missing)
        new = {key: found[key] for key in found if key not in self.seen}
        self._count(paid.n_tokens for paid in new.values())
        self.n_kept += sum(key in before for key in new)
        self.seen |= set(new)
        self._count_truncated([found[key].truncated for key in keys])
        return self._stacked([found[key].vector for key in keys])

    def _count_truncated(self, flags: Sequence[bool | None]) -> None:
        if None not in flags:
            self.n_truncated = (self.n_truncated or 0) + sum(map(bool, flags))

    def _stacked(self, vectors: Sequence[np.ndarray]) -> np.ndarray:
        widths = {len(vector) for vector in vectors} - {self.embed_dim}
        if widths:
            raise ModelError(
                f"model {self.settings.model_id!r} gave {min(widths)} numbers for a text and "
                f"{self.embed_dim} for the first one, so the model changed; delete {self.kept.path} and run "
                "again"
            )
        return np.array(vectors, dtype=np.float32)

    def _refuse_another_model(self) -> None:
        """Check, before paying for more, that a text still has its first vector."""
        if self.is_same:
            return
        first = np.array((self.kept.note(INTRODUCTION) or {})["vector"], dtype=np.float32)
        now = self._ask([SHORT]).vectors[0]
        if now.shape != first.shape or np.linalg.norm(now - first) > CHANGED * np.linalg.norm(first):
            raise ModelError(
                f"model {self.settings.model_id!r} at {self.settings.base_url} is not the one that answered "
                f"before: the same text has another vector. Delete {self.kept.path}, whose vectors are then "
                "paid for again, and the results of this model"
            )
        self.is_same = True

    def _pay_for(self, missing: Mapping[bytes, str]) -> None:
        """Request the vectors of texts, a few requests at a time, and keep each answer as it arrives.

        If a request fails, or the job is asked to end, requests in progress are completed and kept.
        """
        running: dict[Future[Answer], list[bytes]] = {}
        with told_to_end() as told, ThreadPoolExecutor(self.settings.parallel) as pool:
            try:
                for batch in self._batches(missing):
                    while len(running) >= self.settings.parallel:
                        self._keep_next(running, missing)
                    if told:
                        break
                    running[pool.submit(self.endpoint.ask, [missing[key] for key in batch])] = batch
                while running:
                    self._keep_next(running, missing)
            finally:
                for future, batch in running.items():
                    with suppress(ModelError):
                        self._keep(future.result(), batch, missing)
        if told:  # but the handler of the signal did not end the job
            sys.exit(EXIT_BY_SIGNAL + told[0])

    def _batches(self, texts: Mapping[bytes, str]) -> Iterator[list[bytes]]:
        """Keys of texts for one request, within the limits on texts and bytes."""
        batch: list[bytes] = []
        n_bytes = 0
        for key, text in texts.items():
            size = len(text.encode())
            full = len(batch) == self.batches.batch_size or n_bytes + size > self.settings.batch_bytes
            if batch and full:
                yield batch
                batch, n_bytes = [], 0
            batch.append(key)
            n_bytes += size
        if batch:
            yield batch

    def _keep_next(self, running: dict[Future[Answer], list[bytes]], texts: Mapping[bytes, str]) -> None:
        """Wait for an answer and keep all that have arrived."""
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            self._keep(future.result(), running.pop(future), texts)

    def _keep(self, answer: Answer, batch: Sequence[bytes], texts: Mapping[bytes, str]) -> None:
        """Keep an answer; a text's share of the tokens is that of its bytes."""
        sizes = [len(texts[key].encode()) for key in batch]
        whole = max(sum(sizes), 1)
        cut: Sequence[bool | None] = answer.truncated or [None] * len(batch)
        self.kept.add(
            {
                key: Paid(vector, None if answer.n_tokens is None else answer.n_tokens * size / whole, flag)
                for key, vector, size, flag in zip(batch, answer.vectors, sizes, cut, strict=True)
            }
        )


@contextmanager
def told_to_end() -> Iterator[list[int]]:
    """Inside the block, the first SIGTERM or SIGINT is only noted; it takes effect when the block ends.

    A second one takes effect at once. In a thread other than the main one signals are left as they are.

    Yields:
        A list that contains the signal after it arrives.
    """
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield told
        return
    numbers: tuple[int, ...] = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _frame: object) -> None:
        told.append(number)
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield told
    finally:
        restore()
        for number in told:
            signal.raise_signal(number)
