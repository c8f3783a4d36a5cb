"""From strings to arrays of tokens: letters, then start, end and padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

IGNORED = -100  # the value that torch's cross-entropy ignores


@dataclass(frozen=True)
class Vocabulary:
    """Tokens of a language: its letters in order, then start, end and padding."""

    letters: str

    @property
    def start(self) -> int:
        """The token before a string."""
        return len(self.letters)

    @property
    def end(self) -> int:
        """The token after a string."""
        return len(self.letters) + 1

    @property
    def padding(self) -> int:
        """The padding token."""
        return len(self.letters) + 2

    def __len__(self) -> int:
        return len(self.letters) + 3

    def encode(self, string: str) -> list[int]:
        """Tokens of a string, without start and end."""
        return [self.letters.index(letter) for letter in string]

    def decode(self, tokens: Sequence[int]) -> str:
        """The string of letters; other tokens are ignored."""
        return "".join(self.letters[token] for token in tokens if token < len(self.letters))


@dataclass(frozen=True)
class Batch:
    """Strings to learn from.

    Attributes:
        inputs: start and letters, shape (n_strings, n_tokens), padded.
        targets: letters and end, the same shape; `IGNORED` for positions without a prediction.
        weights: weight of each string in the loss, shape (n_strings,).
    """

    inputs: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor


def batch_of(
    strings: Sequence[str],
    vocabulary: Vocabulary,
    weights: np.ndarray | None = None,
    given: Sequence[int] | None = None,
) -> Batch:
    """Strings as a batch.

    Args:
        strings: without start and end.
        vocabulary: of their language.
        weights: weights of the strings; by default equal, with sum 1.
        given: number of first letters of each string that are given and not predicted; default 0.
    """
    given = [0] * len(strings) if given is None else given
    n_tokens = max(map(len, strings)) + 1
    inputs = torch.full((len(strings), n_tokens), vocabulary.padding)
    targets = torch.full((len(strings), n_tokens), IGNORED)
    for row, (string, n_given) in enumerate(zip(strings, given, strict=True)):
        tokens = vocabulary.encode(string)
        inputs[row, : len(tokens) + 1] = torch.tensor([vocabulary.start, *tokens])
        targets[row, n_given : len(tokens) + 1] = torch.tensor([*tokens, vocabulary.end])[n_given:]
    equal = np.full(len(strings), 1 / len(strings))
    return Batch(inputs, targets, torch.as_tensor(equal if weights is None else weights, dtype=torch.float32))
