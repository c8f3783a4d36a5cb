"""A client of one endpoint with the OpenAI embeddings protocol: its requests and the meaning of answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from suffice.errors import ModelError, NotFetchedError, first_line
from suffice.storage.fetch import LOOPBACK

MAX_SHOWN = 300  # characters of an endpoint's message in an error
TOO_LONG = ("context length", "maximum context", "too long", "token limit", "max_tokens", "too large")


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this computer."""
    return urlsplit(base_url).hostname in LOOPBACK


def check_address(base_url: str) -> str:
    """The address of an endpoint, without a slash at its end.

    Raises:
        ValueError: it is not encrypted and not on this computer, or it has more than host and path.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write the address of the endpoint, such as https://api.openai.com/v1")
    if parts.scheme == "http" and not is_loopback(base_url):
        raise ValueError(
            "http sends texts and key in the clear; use https, or an endpoint on this computer (localhost)"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "leave user, password and parameters out of the address; name the key in key_variable"
        )
    return base_url.rstrip("/")


@dataclass(frozen=True)
class Answer:
    """An endpoint's answer to some texts.

    Attributes:
        vectors: float32, shape (n_texts, embed_dim), in the order of the texts.
        n_tokens: tokens that were counted; None if the endpoint does not count them.
        truncated: whether each text was truncated; None if the endpoint does not say.
        model: name of the model at the endpoint.
    """

    vectors: np.ndarray
    n_tokens: int | None
    truncated: list[bool] | None
    model: str


class Endpoint:
    """A client of one endpoint. It connects only to this address, and follows no redirection.

    The client repeats a request after status 408, 409, 429 and 5xx and after a broken connection. It waits
    longer each time, or as long as the header Retry-After says.

    Args:
        base_url: the address, as `check_address` returns it.
        model_id: name of the model at the endpoint.
        key: the secret that is sent; None to send no key.
        dimensions: requested width; None for the model's own.
        max_retries: how often a request is repeated.
        timeout_seconds: time limit for an answer.
    """

    def __init__(
        self,
        base_url: str,
        model_id: str,
        key: str | None,
        *,
        dimensions: int | None,
        max_retries: int,
        timeout_seconds: float,
    ) -> None:
        import openai

        self.base_url, self.model_id, self.key = base_url, model_id, key
        self.headers = {} if key else {"Authorization": openai.Omit()}  # else the client sends api_key
        self.asked = {"model": model_id} | ({"dimensions": dimensions} if dimensions else {})
        self.dimensions = dimensions
        http_client = openai.DefaultHttpxClient(
            follow_redirects=False,
            trust_env=not is_loopback(base_url),  # a proxy must not see requests that stay on this computer
        )
        self.client = openai.OpenAI(
            api_key=key or "none",
            base_url=base_url,
            max_retries=max_retries,
            timeout=timeout_seconds,
            http_client=http_client,
        )

    def ask(self, texts: Sequence[str]) -> Answer:
        """The vectors of some texts, in their order.

        Raises:
            NotFetchedError: the endpoint cannot be reached.
            ModelError: it refuses the request, or its answer does not fit.
        """
        import openai

        try:
            answer = self.client.embeddings.create(
                input=list(texts), extra_headers=self.headers, **self.asked
            )
        except openai.APIStatusError as error:
            raise ModelError(self._refused(error.status_code, str(error), texts)) from None
        except openai.APIConnectionError as error:
            why = first_line(error.__cause__ or error)
            raise NotFetchedError(
                self._about(f"cannot be reached ({why}); check base_url, and run again")
            ) from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            raise ModelError(
                self._about(f"gave an answer that is not understood ({first_line(error)})")
            ) from None
        return self._read(answer, len(texts))

    def _read(self, answer: Any, n_texts: int) -> Answer:
        """Put the vectors in the texts' order, and check their number and width."""
        items = {_index(item, place): item for place, item in enumerate(answer.data or ())}
        if sorted(items) != list(range(n_texts)):
            raise ModelError(self._about(f"did not give one vector for each of {n_texts} texts"))
        ordered = [items[place] for place in range(n_texts)]
        self._check_width({len(item.embedding) for item in ordered})
        vectors = np.array([item.embedding for item in ordered], dtype=np.float32)
        model = str(getattr(answer, "model", "") or "")
        return Answer(vectors, _n_tokens(answer), _truncated(ordered), model)

    def _check_width(self, widths: set[int]) -> None:
        if len(widths) == 1 and self.dimensions in (None, *widths):
            return
        remedy = f" and not {self.dimensions}; correct the setting dimensions" if self.dimensions else ""
        found = ", ".join(map(str, sorted(widths)))
        raise ModelError(self._about(f"gave vectors of {found} numbers{remedy}"))

    def _refused(self, status: int, message: str, texts: Sequence[str]) -> str:
        """The meaning of an answer's status, and the remedy."""
        said = f"answers with status {status}: {message}"
        if 300 <= status < 400:
            return self._about(f"refers to another address (status {status}); set base_url to the final one")
        if status in (401, 403):
            return self._about(
                f"refuses the key (status {status}); check the environment variable that key_variable names"
            )
        if status == 404:
            return self._about(f"{said}; check base_url and model_id{self._known_models()}")
        if any(words in message.lower() for words in TOO_LONG):
            longest = max(texts, key=len)
            return self._about(
                f"{said}; the longest of the {len(texts)} texts has {len(longest):,} characters and begins "
                f"with {longest[:40]!r}. Set max_chars in datasets.tsv, or lower batch_size or batch_bytes"
            )
        if status == 429 or status >= 500:
            return self._about(f"{said}; lower parallel, or run again later. Paid answers are kept")
        return self._about(said)

    def _known_models(self) -> str:
        """The models that the endpoint lists, if any."""
        import openai

        try:
            listed = self.client.with_options(max_retries=0).models.list(extra_headers=self.headers)
            names = sorted(model.id for model in listed)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            return ""
        return f"; it has {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}" if names else ""

    def _about(self, said: str) -> str:
        """A message that names the endpoint and the model, and never the key."""
        text = f"model {self.model_id!r} at {self.base_url}: the endpoint {' '.join(said.split())}"
        text = text.replace(self.key, "…") if self.key else text
        return text if len(text) < 3 * MAX_SHOWN else text[: 3 * MAX_SHOWN] + "…"


def _index(item: Any, place: int) -> int:
    index = getattr(item, "index", None)
    return place if index is None else int(index)


def _n_tokens(answer: Any) -> int | None:
    usage = getattr(answer, "usage", None)
    counts = (getattr(usage, name, None) for name in ("total_tokens", "prompt_tokens"))
    return next((int(count) for count in counts if count), None)


def _truncated(items: Sequence[Any]) -> list[bool] | None:
    """Which texts were truncated, if each vector has a field `truncated` beside it."""
    flags = [getattr(item, "truncated", None) for item in items]
    return None if None in flags else [bool(flag) for flag in flags]
