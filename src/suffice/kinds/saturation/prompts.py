"""Prompts in and out of distribution; half of the latter train the arms, and the other half test all."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from suffice.errors import DataError
from suffice.kinds.saturation.language import Language

IN, OUT_TRAIN, OUT_TEST = "in distribution", "out of distribution, training", "out of distribution, test"
PARTS = (IN, OUT_TRAIN, OUT_TEST)
MIN_PROMPTS = 2


@dataclass(frozen=True)
class Prompts:
    """The prompts of one language.

    Attributes:
        in_distribution: beginnings of strings of the language.
        out_train: prompts that no string of the language begins with; shown to the arms that are
            trained on completions.
        out_test: as `out_train`, shown to no model.
    """

    in_distribution: tuple[str, ...]
    out_train: tuple[str, ...]
    out_test: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """One row per prompt: part, prompt, and the checksum of its part."""
        parts = zip(PARTS, (self.in_distribution, self.out_train, self.out_test), strict=True)
        rows = [(part, prompt, checksum(prompts)) for part, prompts in parts for prompt in prompts]
        return pd.DataFrame(rows, columns=["part", "prompt", "sha256_of_part"])


def make_prompts(language: Language, length: int | None = None, seed: int = 0) -> Prompts:
    """All prompts of a length, with those out of distribution split into two random halves.

    The halves have the same number of prompts that already obey rule 1, up to one.

    Args:
        language: language of the prompts.
        length: letters of a prompt (the largest number if the language has shorter prompts too); default:
            the language's own length.
        seed: seed of the split.

    Raises:
        DataError: prompts are too long for the longest strings, or there are fewer than two in or out of
            distribution.
    """
    length = language.prompt_length if length is None else length
    if length > language.longest_prompt:
        raise DataError(
            f"prompts of {length} letters are too long for language {language.name} with max_size "
            f"{language.max_size}: at most {language.longest_prompt}; lower prompt_length or raise max_size"
        )
    prompts = list(dict.fromkeys(language.possible_prompts(length)))
    inside = [prompt for prompt in prompts if language.is_in_distribution(prompt)]
    outside = [prompt for prompt in prompts if not language.is_in_distribution(prompt)]
    if min(len(inside), len(outside)) < MIN_PROMPTS:
        raise DataError(
            f"language {language.name} has {len(inside)} prompts of length {length} in distribution and "
            f"{len(outside)} out of it; both need at least {MIN_PROMPTS}: change prompt_length or max_size"
        )
    return Prompts(tuple(inside), *_halves(language, outside, seed))


def _halves(language: Language, outside: list[str], seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two random halves with equal numbers of prompts that obey rule 1, where ending at once is right."""
    obeys = np.array([language.rule_1(prompt) for prompt in outside])
    mixed = np.random.default_rng(seed).permutation(len(outside))
    order = mixed[np.argsort(obeys[mixed], kind="stable")]
    first, second = np.sort(order[1::2]), np.sort(order[::2])
    return tuple(outside[index] for index in first), tuple(outside[index] for index in second)


def checksum(prompts: tuple[str, ...]) -> str:
    """SHA-256 of the prompts, one per line, in their order."""
    return hashlib.sha256("\n".join(prompts).encode()).hexdigest()
