"""A formal language: strings with probabilities, two rules, and prompts.

Every language is cut at a length, so all its strings can be listed. The probability of each string, the
entropy and the exact loss of a model are then sums, not samples. Strings are plain `str`, with one character
per letter.
"""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

import numpy as np

from suffice.errors import DataError

MAX_SUPPORT = 20_000


class Distribution(ABC):
    """Strings with known probabilities, so the lowest loss that a model can have is known exactly.

    Class attributes: `name`; `letters`, of the vocabulary.
    """

    name: ClassVar[str]
    letters: ClassVar[str]

    @property
    @abstractmethod
    def support(self) -> tuple[str, ...]:
        """Every string, each once."""

    @property
    @abstractmethod
    def probabilities(self) -> np.ndarray:
        """Probability of each string of the support, float64, shape (n_strings,)."""

    @property
    def entropy_nats(self) -> float:
        """Entropy of the distribution in nats per string: the lowest loss that a model can have."""
        return float(-(self.probabilities * np.log(self.probabilities)).sum())

    @property
    def max_length(self) -> int:
        """Length of the longest string, without start and end."""
        return max(map(len, self.support))

    def sample(self, n_strings: int, seed: int) -> list[str]:
        """Independent strings of the distribution."""
        drawn = np.random.default_rng(seed).choice(len(self.support), size=n_strings, p=self.probabilities)
        return [self.support[index] for index in drawn]


class Language(Distribution):
    """A formal language, cut at a length, with a distribution over its strings.

    A size is drawn uniformly, then a string uniformly among those of this size. The rules and their
    names are those of Meszaros et al., NeurIPS 2024, arXiv 2409.13728; both hold for every string of the
    language.

    Args:
        max_size: largest size; each language defines what a size counts.

    Class attributes: `name`; `notation`, the language as it is written; `letters`; `rule_1_text` and
    `rule_2_text`, the rules in words; `default_size`; `prompt_length`, the default length of prompts.

    Raises:
        DataError: max_size is less than 1, or there would be more than 20,000 strings.
    """

    notation: ClassVar[str]
    rule_1_text: ClassVar[str]
    rule_2_text: ClassVar[str]
    default_size: ClassVar[int]
    prompt_length: ClassVar[int]

    def __init__(self, max_size: int | None = None) -> None:
        self.max_size = self.default_size if max_size is None else max_size
        if self.max_size < 1:
            raise DataError(f"language {self.name}: max_size is {self.max_size}; it must be at least 1")

    @abstractmethod
    def strings_of_size(self, size: int) -> Iterable[str]:
        """Every string of one size, each once."""

    @abstractmethod
    def rule_1(self, string: str) -> bool:
        """Whether a whole string obeys the first rule."""

    @abstractmethod
    def rule_2(self, string: str) -> bool:
        """Whether a whole string obeys the second rule."""

    @abstractmethod
    def rule_2_after(self, prompt: str, completion: str) -> bool:
        """Whether a completion obeys the second rule as far as possible after a prompt that breaks it."""

    @abstractmethod
    def completion(self, prompt: str, obeys_rule_1: bool) -> str:
        """The shortest completion after which the whole obeys rule 1, or one letter too many for it."""

    @property
    @abstractmethod
    def longest_prompt(self) -> int:
        """Length of the longest prompts that are out of distribution by their letters, not by the cut."""

    @cached_property
    def _by_size(self) -> list[list[str]]:
        found: list[list[str]] = []
        for size in range(1, self.max_size + 1):
            left = MAX_SUPPORT - sum(map(len, found))
            strings = list(itertools.islice(self.strings_of_size(size), left + 1))
            if len(strings) > left:
                raise DataError(
                    f"language {self.name}: with max_size {self.max_size} there are over {MAX_SUPPORT:,} "
                    "strings, which are too many to list; lower max_size"
                )
            found.append(strings)
        return found

    @cached_property
    def support(self) -> tuple[str, ...]:
        """Every string of the language, by size."""
        return tuple(itertools.chain.from_iterable(self._by_size))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each string of the support, float64, shape (n_strings,)."""
        counts = np.array([len(strings) for strings in self._by_size])
        return np.repeat(1 / (self.max_size * counts), counts)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """Every beginning of a string of the language, including the empty one and whole strings."""
        return frozenset(string[:end] for string in self.support for end in range(len(string) + 1))

    def possible_prompts(self, length: int) -> Iterable[str]:
        """Every prompt of one length to which the rules apply: here, all strings of the letters."""
        return map("".join, itertools.product(self.letters, repeat=length))

    def is_in_distribution(self, prompt: str) -> bool:
        """Whether a string of the language begins with the prompt."""
        return prompt in self.prefixes
