"""Cutting texts before they are tokenised: a model reads a few hundred tokens of an item of ten megabytes."""

from collections.abc import Callable, Sequence
from typing import Any

CHARS_PER_TOKEN = 32  # tokens are much shorter; a text with longer tokens is cut later
SPARE_TOKENS = 16  # beyond the part that is read, so a cut does not change the tokens that count


def cut_long_texts(
    texts: Sequence[str], max_length: int | None, count_tokens: Callable[[str], int], tokenizer: Any
) -> list[str]:
    """The texts without the part far beyond the tokens that are read.

    A text that is cut still has more tokens than the model reads, so that it counts as too long.
    The tokens that are read are those of the whole text.

    Args:
        texts: the texts.
        max_length: tokens that the model reads; None for all.
        count_tokens: how many tokens a text has.
        tokenizer: of transformers; one that keeps the end of long texts cuts nothing here.
    """
    if max_length is None or getattr(tokenizer, "truncation_side", "right") != "right":
        return list(texts)
    return [_cut(text, max_length, count_tokens) for text in texts]


def _cut(text: str, max_length: int, count_tokens: Callable[[str], int]) -> str:
    n_chars = CHARS_PER_TOKEN * (max_length + SPARE_TOKENS)
    while n_chars < len(text):
        part = text[:n_chars]
        if count_tokens(part) > max_length + SPARE_TOKENS:
            return part
        n_chars *= 2
    return text
