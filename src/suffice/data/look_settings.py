"""How a data set gives two looks at an item: what a model sees first, and what it sees second."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from suffice.settings import Settings

SAME = "same"
"""What tables call it that source and target see the same."""

OF_TEXTS = ("halves", "words")
EMBEDDED = (*OF_TEXTS, "files")
"""Kinds of looks whose vectors are made beside those of the items."""

MAX_EMBEDDED_PAIRS = 6000
MIN_PAIRS = 200
MIN_GROUPS = 50  # of pairs: fewer say little of the spread between groups


class LookSettings(Settings):
    """Two looks at the items of a data set; source and target then see different ones."""

    views: Literal["auto", "group", "halves", "words", "files", "none"] = Field(
        "auto",
        description="two looks at an item, of which the source sees one and the target the other. group: two "
        "items of a group, such as paragraphs of a document, whose vectors are there anyway; halves: both "
        "halves of a text; words: its words dealt at random to two texts; files: precomputed vectors and "
        "those in `second_path`; none: source and target see the same, which ranks worse where items are "
        "texts. auto: files where all models have `second_path`, group for texts with groups, halves for "
        "other texts if all models can embed them, else none; with fewer than 200 pairs in 50 groups it "
        "goes on with none",
    )
    max_look_pairs: int | None = Field(
        None,
        ge=MIN_PAIRS,
        description="at most so many pairs of looks, at random; default 6,000 of halves and words, which "
        "adds up to 60 % to the time that 10,000 items take to embed, and all of others",
    )

    @model_validator(mode="after")
    def _a_limit_has_something_to_limit(self) -> Self:
        if self.views == "none" and self.max_look_pairs is not None:
            raise ValueError("max_look_pairs has no effect with views none; leave one of them out")
        return self


@dataclass(frozen=True)
class LookChoice:
    """The two looks at an item that a data set is to give.

    Attributes:
        kind: how they are made; "same" if there is one look.
        is_wish: whether the study goes on with one look if there are too few.
        max_pairs: at most so many pairs of looks; None: the default of the kind.
        note: why a data set without a wish of its own has one look.
    """

    kind: str = SAME
    is_wish: bool = False
    max_pairs: int | None = None
    note: str = ""
