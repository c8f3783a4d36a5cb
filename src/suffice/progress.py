"""Progress of long computations: a bar on a terminal, plain lines elsewhere, and nothing unless requested."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
Say = Callable[[str], None]
LINE_SECONDS = 10.0  # between plain lines


def say_on_stderr(line: str) -> None:
    """Print a message line, above any progress bar."""
    tqdm.write(line, file=sys.stderr)


_say: ContextVar[Say | None] = ContextVar("say", default=None)


@contextmanager
def showing_progress(say: Say = say_on_stderr) -> Iterator[None]:
    """Show the progress of the work in this block.

    Args:
        say: function that receives plain lines. Without it, a bar is shown on stderr if that is a terminal.

    Example:
        >>> import numpy as np
        >>> from suffice import rank
        >>> lines = []
        >>> vectors = np.random.default_rng(0).normal(size=(200, 3))
        >>> with showing_progress(lines.append):
        ...     ranking = rank({"all": vectors, "half": np.round(vectors)})
        >>> lines[0]
        'linear: 2 models (all, half)'
    """
    token = _say.set(say)
    try:
        yield
    finally:
        _say.reset(token)


def tell(line: str) -> None:
    """Print one line about the work that starts, if progress is shown."""
    say = _say.get()
    if say is not None:
        say(line)


@contextmanager
def counting(what: str, total: int, unit: str) -> Iterator[Callable[[int], object]]:
    """Count finished units of work, in a bar or in lines, if progress is shown.

    Args:
        what: name of the work, such as a model's.
        total: number of units.
        unit: name of the units, in the plural.

    Yields:
        A function that takes the number of newly finished units.
    """
    say = _say.get()
    if say is None:
        yield lambda n: None
    elif say is say_on_stderr and sys.stderr.isatty():
        with tqdm(total=total, desc=what, unit=f" {unit}", leave=False) as bar:
            yield bar.update
        say(_ended(what, int(bar.n), unit, bar.format_dict["elapsed"]))
    else:
        lines = _Lines(what, total, unit, say)
        yield lines.update
        say(_ended(what, lines.done, unit, time.monotonic() - lines.started))


def counted(items: Iterable[T], what: str, total: int, unit: str) -> Iterator[T]:
    """The items; each is counted when the next one is requested."""
    with counting(what, total, unit) as done:
        for item in items:
            yield item
            done(1)


class _Lines:
    """A line at most every `LINE_SECONDS`: finished units, speed, and time left."""

    def __init__(self, what: str, total: int, unit: str, say: Say) -> None:
        self.what, self.total, self.unit, self.say = what, total, unit, say
        self.done, self.started = 0, time.monotonic()
        self.said = self.started

    def update(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.said < LINE_SECONDS or self.done >= self.total:
            return
        self.said, rate = now, self.done / (now - self.started)
        left = duration((self.total - self.done) / rate) if rate else "?"
        self.say(
            f"{self.what}: {self.done:,} of {self.total:,} {self.unit}, {rate:.3g} {self.unit} per second, "
            f"{left} left"
        )


def _ended(what: str, done: int, unit: str, seconds: float) -> str:
    return f"{what}: {done:,} {unit} in {duration(seconds)}"


def duration(seconds: float) -> str:
    """A duration as text: 12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
