"""How a data set gives two looks at an item."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from suffice.settings import Settings

SAME = "same"
"""The name in tables if source and target see the same."""

PARTS = ("halves", "words", "crops", "segments")
"""Kinds of looks that are parts of an item's content."""

EMBEDDED = (*PARTS, "files")
"""Kinds of looks whose vectors are embedded in addition to those of the items."""

MAX_EMBEDDED_PAIRS = 6000
MIN_PAIRS = 200
MIN_GROUPS = 50  # of pairs; fewer say little about the spread between groups


class LookSettings(Settings):
    """Two looks at the items of a data set; source and target then see different ones."""

    views: Literal["auto", "group", "halves", "words", "crops", "segments", "files", "none"] = Field(
        "auto",
        description="two looks at an item: the source sees one and the target the other. group: two items of "
        "a group, such as paragraphs of a document, without extra vectors. halves: both halves of a text. "
        "words: its words divided at random between two texts. crops: two random crops of an image, each 35 "
        "to 75 % of its area. segments: two random parts of a sound without overlap, each 35 to 50 % of its "
        "length. files: precomputed vectors and those in `second_path`. none: source and target see the "
        "same, which ranks worse for texts. auto: files if all models have `second_path`, group for texts, "
        "images and sounds with groups. Otherwise halves for texts, crops for images and segments for sounds "
        "if all models can embed them, or else none. With fewer than 200 pairs or 50 groups, auto continues "
        "with none",
    )
    max_look_pairs: int | None = Field(
        None,
        ge=MIN_PAIRS,
        description="largest number of random pairs of looks. Default: 6,000 for halves, words, crops and "
        "segments, which adds up to 60 % to the time of embedding 10,000 items; all pairs for other kinds",
    )

    @model_validator(mode="after")
    def _a_limit_has_something_to_limit(self) -> Self:
        if self.views == "none" and self.max_look_pairs is not None:
            raise ValueError("max_look_pairs has no effect with views none; leave one of them out")
        return self


@dataclass(frozen=True)
class LookChoice:
    """The two looks at an item that a data set should give.

    Attributes:
        kind: how they are made; "same" if there is one look.
        is_wish: whether the study continues with one look if there are too few.
        max_pairs: largest number of pairs of looks; None: the default of the kind.
        note: why a data set with `auto` has one look.
    """

    kind: str = SAME
    is_wish: bool = False
    max_pairs: int | None = None
    note: str = ""
