"""Items in batches of similar length, which get smaller if memory is short."""

from collections.abc import Callable, Sequence

import numpy as np

from suffice.errors import ModelError, is_out_of_memory


class BatchRunner:
    """Runs items in batches of similar length, longest first, and returns vectors in the order of the items.

    With `one_length` set, a batch has items of one length only, so no item is padded.

    If the device or the machine is short of memory, the batch is halved for this and all later calls.

    Args:
        batch_size: initial number of items per batch.
        model: name of the model in errors.
    """

    def __init__(self, batch_size: int, model: str) -> None:
        self.model = model
        self.asked = self.batch_size = batch_size
        self.one_length = False

    def warnings(self) -> list[str]:
        """A warning if batches had to be smaller than requested."""
        if self.batch_size == self.asked:
            return []
        return [f"memory was short: batches had {self.batch_size} items instead of {self.asked}"]

    def run(self, encode: Callable[[np.ndarray], np.ndarray], lengths: Sequence[int]) -> np.ndarray:
        """Vectors of all items.

        Args:
            encode: from positions of items, shape (n,), to their vectors, shape (n, embed_dim).
            lengths: length of each item, to sort by; at least one item.

        Returns:
            float32, shape (len(lengths), embed_dim).

        Raises:
            ModelError: a single item does not fit into memory.
        """
        order = np.argsort(-np.asarray(lengths), kind="stable")
        parts: list[np.ndarray] = []
        start = 0
        while start < len(order):
            batch = self._batch(order[start : start + self.batch_size], lengths)
            part = self._attempt(encode, batch, lengths)
            if part is not None:
                parts.append(part)
                start += len(batch)
        vectors = np.concatenate(parts)
        in_order = np.empty_like(vectors, dtype=np.float32)
        in_order[order] = vectors
        return in_order

    def _batch(self, items: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """The leading items that can be encoded together."""
        if not self.one_length:
            return items
        return items[: sum(lengths[item] == lengths[items[0]] for item in items)]

    def _attempt(
        self, encode: Callable[[np.ndarray], np.ndarray], batch: np.ndarray, lengths: Sequence[int]
    ) -> np.ndarray | None:
        """The vectors of one batch, or None after the batch size was halved because memory was short."""
        import torch

        try:
            return encode(batch)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise ModelError(
                    f"{self.model}: out of memory at batch size 1, with a single item of length "
                    f"{lengths[batch[0]]}; lower the maximum length, use dtype float16 or bfloat16 if the "
                    "model has these settings, or use another device"
                ) from error
        self.batch_size = len(batch) // 2
        torch.cuda.empty_cache()
        return None
