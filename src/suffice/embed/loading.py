"""Loading a checkpoint: without messages on the way, on a device, and with errors that name it."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

from suffice.errors import ModelError, first_line


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep transformers, sentence-transformers and their progress bars silent inside the block.

    Yields:
        A list that collects the warnings that would have been printed. All logging settings are restored when
        the block ends.
    """
    collected: list[str] = []
    handler = _Collector(collected)
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    states = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    with _no_progress_bars():
        try:
            for logger in loggers:
                logger.handlers, logger.propagate = [handler], False
                logger.setLevel(logging.WARNING)
            yield collected
        finally:
            for logger, handlers, propagate, level in states:
                logger.handlers, logger.propagate = handlers, propagate
                logger.setLevel(level)


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils import logging as transformers_logging

    shown, hub_hidden = transformers_logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
            if hub_hidden:
                disable_progress_bars()


@contextmanager
def load_errors(checkpoint: str) -> Iterator[None]:
    """Turn errors from loading into a ModelError that names the checkpoint."""
    from safetensors import SafetensorError

    expected = (OSError, ValueError, RuntimeError, KeyError, ImportError, AttributeError, SafetensorError)
    try:
        yield
    except ModelError:
        raise
    except UnpicklingError:  # the library's own text advises running the code
        raise ModelError(
            f"checkpoint {checkpoint!r}: its pickled weights contain more than numbers, or are damaged, and "
            "are not read; use a checkpoint with safetensors, or convert it where its code may run"
        ) from None
    except expected as error:
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        raise ModelError(f"checkpoint {checkpoint!r} cannot be loaded ({reason})") from error


def refuse_missing_weights(missing: Sequence[str], checkpoint: str) -> None:
    """Raise ModelError if the checkpoint lacks parameters that the vectors depend on.

    The libraries fill such gaps with random numbers and continue. No kind here uses a pooler.
    """
    missing = sorted(name for name in missing if "pooler" not in name)
    if missing:
        raise ModelError(
            f"checkpoint {checkpoint!r} lacks {len(missing)} parameters of its own architecture, such as "
            f"{missing[0]}; they would be random numbers. The weights belong to a different architecture"
        )


def torch_device(device: str) -> Any:
    """The torch device of that name.

    Raises:
        ModelError: torch does not know it, or it is not on this machine.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r} cannot be used ({first_line(error)}); use cpu") from error
    return torch.device(device)
