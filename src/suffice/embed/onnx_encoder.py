"""An ONNX graph as an encoder of texts: tokens in, pooled vectors out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suffice.data.corpus import Window
from suffice.embed.base import Encoder
from suffice.embed.batches import BatchRunner
from suffice.embed.self_check import check_batches
from suffice.errors import ModelError, first_line
from suffice.vectors import unit_rows

POOLED, TOKENS = "sentence_embedding", "last_hidden_state"  # names of outputs that exporters use
OUT_OF_MEMORY = ("failed to allocate", "out of memory", "bad allocation", "bad_alloc")
HALF = "tensor(float16)"


def output_of(session: Any, asked: str | None) -> str:
    """The name of the output with the vectors."""
    names = [each.name for each in session.get_outputs()]
    wanted = (POOLED, TOKENS) if asked is None else (asked,)
    found = next((name for name in wanted if name in names), None)
    if found is None and (asked is not None or len(names) > 1):
        raise ModelError(
            f"the graph has the outputs {', '.join(names)}; name one of them in the setting output"
        )
    return str(found or names[0])


@dataclass(frozen=True)
class Reading:
    """Settings for using a graph.

    Attributes:
        name: name of the model in errors.
        output: name of the output with the vectors.
        pooling: pooling of tokens: mean, cls or last_token; None if it is not known.
        normalize: whether vectors get length 1.
        prompt: text put before each item.
        lowercase: whether texts become lower case.
        pad_id: id of the padding.
        max_length: tokens read per item; None for all.
        batch_size: items in a batch.
    """

    name: str
    output: str
    pooling: str | None
    normalize: bool
    prompt: str
    lowercase: bool
    pad_id: int
    max_length: int | None
    batch_size: int


class OnnxEncoder(Encoder):
    """A loaded graph, checked to give a text one vector.

    Args:
        session: of onnxruntime.
        tokenizer: of the tokenizers library.
        reading: settings for using the graph.

    Raises:
        ModelError: the graph cannot encode texts, or its pooling is not known.
    """

    def __init__(self, session: Any, tokenizer: Any, reading: Reading) -> None:
        self.session, self.tokenizer, self.reading = session, tokenizer, reading
        if reading.max_length is not None:
            tokenizer.enable_truncation(reading.max_length)
        self.batches = BatchRunner(reading.batch_size, reading.name)
        self.inputs = {
            each.name: np.int32 if "int32" in each.type else np.int64 for each in session.get_inputs()
        }
        self.embed_dim = self.encode(Window(0, ["a"], ["a"])).shape[1]
        kinds = [each.type for each in session.get_outputs() if each.name == reading.output]
        dtype = "float16" if kinds == [HALF] else "float32"
        self.said = check_batches(self, reading.max_length, dtype, reading.name)
        self.n_truncated = None if reading.max_length is None else 0

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one batch."""
        return self._vectors(self._tokens(texts))

    def encode(self, window: Window) -> np.ndarray:
        """Pooled outputs of the graph, float32, shape (len(window), embed_dim)."""
        tokens = self._tokens(window.contents)
        if self.n_truncated is not None:
            self.n_truncated += sum(bool(each.overflowing) for each in tokens)
        lengths = [len(each.ids) for each in tokens]
        self.count_tokens(sum(lengths))
        return self.batches.run(lambda batch: self._vectors([tokens[i] for i in batch]), lengths)

    def _tokens(self, texts: Iterable[str]) -> list[Any]:
        prompted = (self.reading.prompt + text for text in texts)
        return list(
            self.tokenizer.encode_batch(
                [text.lower() if self.reading.lowercase else text for text in prompted]
            )
        )

    def _vectors(self, tokens: Sequence[Any]) -> np.ndarray:
        """Vectors of one batch of tokenized texts."""
        mask = self._padded([each.attention_mask for each in tokens], 0)
        states = self._run(
            {
                "input_ids": self._padded([each.ids for each in tokens], self.reading.pad_id),
                "attention_mask": mask,
                "token_type_ids": self._padded([each.type_ids for each in tokens], 0),
                "position_ids": np.broadcast_to(np.arange(mask.shape[1]), mask.shape),
            }
        )
        vectors = self._pooled(states.astype(np.float32), mask)
        return unit_rows(vectors) if self.reading.normalize else vectors

    @staticmethod
    def _padded(rows: Sequence[Sequence[int]], value: int) -> np.ndarray:
        """Rows as one array, padded on the right."""
        filled = np.full((len(rows), max(1, *map(len, rows))), value, dtype=np.int64)
        for place, row in enumerate(rows):
            filled[place, : len(row)] = row
        return filled

    def _run(self, given: dict[str, np.ndarray]) -> np.ndarray:
        """The output for one batch."""
        unknown = sorted(set(self.inputs) - set(given))
        if unknown:
            raise ModelError(
                f"the graph of {self.reading.name!r} asks for {unknown[0]}, so it is not a text encoder"
            )
        try:
            found = self.session.run(
                [self.reading.output], {n: given[n].astype(kind) for n, kind in self.inputs.items()}
            )
        except Exception as error:  # noqa: BLE001 (the library's errors have no common base)
            if any(words in str(error).lower() for words in OUT_OF_MEMORY):
                raise MemoryError(first_line(error)) from None
            raise ModelError(
                f"the graph of {self.reading.name!r} cannot encode texts ({first_line(error)}); lower "
                "max_length if they are longer than the model can read"
            ) from None
        return np.asarray(found[0])

    def _pooled(self, states: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """From the output to one vector per text."""
        if states.ndim == 2:
            return states
        if states.ndim != 3:
            raise ModelError(
                f"the output {self.reading.output!r} has shape {states.shape}, which is not vectors; set "
                "output to another output"
            )
        if self.reading.pooling is None:
            raise ModelError(
                f"{self.reading.name!r} does not say how to pool its tokens; set pooling as in the model's "
                "card"
            )
        if self.reading.pooling == "cls":
            return states[:, 0]
        if self.reading.pooling == "last_token":
            return states[np.arange(len(states)), np.maximum(mask.sum(axis=1), 1) - 1]
        weights = mask[:, :, None].astype(np.float32)
        mean: np.ndarray = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
        return mean
