"""Queries and documents: which texts are which, and the prompt of each.

A model that was trained on pairs of a question and an answer often has a prompt for each side, or even a
network for each side behind a router. Items without a role get the prompt of all other texts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from suffice.data.columns import DOCUMENT, QUERY, REQUIRED_COLUMNS
from suffice.data.corpus import Corpus, Window
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import sha256_of_json

ROLES = (QUERY, DOCUMENT)
NAMES: Mapping[str, tuple[str, ...]] = {
    QUERY: (
        "query", "search_query", "retrieval.query", "retrieval-query", "s2p_query", "web_search_query",
        "question",
    ),
    DOCUMENT: (
        "document", "passage", "corpus", "search_document", "retrieval.passage", "retrieval-document",
        "answer",
    ),
}  # fmt: skip
"""Names of prompts for queries and documents, in lower case, in the order in which they are sought."""


class RoleSettings(Settings):
    """Settings of models that may treat queries and documents differently."""

    prompt_query: str | None = Field(
        None, description="Text put before items that are queries; documents then get `prompt_document`"
    )
    prompt_document: str | None = Field(
        None, description="Text put before items that are documents; queries then get `prompt_query`"
    )
    own_prompts: bool = Field(
        False, description="Give queries and documents the prompts, and routes, that the model has for them"
    )
    role: str = Field(
        "role",
        min_length=1,
        description='Column of the data set with "query" or "document"; other items get `prompt`',
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.own_prompts and (self.prompt_query is not None or self.prompt_document is not None):
            raise ValueError("own_prompts takes the model's own; leave prompt_query and prompt_document out")
        if "role" in self.model_fields_set and not self.by_role:
            raise ValueError("role needs prompt_query and prompt_document, or own_prompts")
        return self

    @property
    def by_role(self) -> bool:
        """Whether queries and documents are treated as such."""
        return self.own_prompts or self.prompt_query is not None or self.prompt_document is not None

    @property
    def role_column(self) -> str | None:
        """Column of the data set with the roles; None if they make no difference."""
        return self.role if self.by_role else None


@dataclass(frozen=True)
class OwnTreatment:
    """A checkpoint's own treatment of queries and documents.

    Attributes:
        prompts: the prompt of each role; empty if it has none.
        has_routes: whether a router sends them through different modules.
    """

    prompts: Mapping[str, str]
    has_routes: bool = False

    @classmethod
    def of(cls, prompts: Mapping[str, Any], routes: Iterable[str]) -> Self:
        """From all prompts of a checkpoint by name, and the names of its routes."""
        lower = {name.lower(): prompt for name, prompt in prompts.items() if prompt}
        own = {
            role: str(next((lower[name] for name in names if name in lower), ""))
            for role, names in NAMES.items()
        }
        return cls(own, set(ROLES) <= set(routes))

    @property
    def differs(self) -> bool:
        """Whether queries and documents are meant to be treated differently."""
        return self.has_routes or self.prompts[QUERY] != self.prompts[DOCUMENT]

    def chosen(self, settings: RoleSettings) -> dict[str, str]:
        """The text before queries and documents; empty if these are treated like all items."""
        if settings.own_prompts:
            return dict(self.prompts)
        given = {QUERY: settings.prompt_query or "", DOCUMENT: settings.prompt_document or ""}
        return given if settings.by_role else {}

    def check(self, settings: RoleSettings, column: str, checkpoint: str) -> None:
        """Raise ModelError if queries and documents would not be treated as the model intends.

        Args:
            settings: the user's settings.
            column: the column with the roles.
            checkpoint: name of the model in errors.
        """
        remedy = f"set own_prompts to true{_and_role(column)}, or give both prompt_query and prompt_document"
        if not settings.by_role:
            if self.differs:
                raise ModelError(
                    f"{checkpoint!r} has {self._named()} of its own for queries and documents, but would "
                    f"treat those of column {column!r} the same way; {remedy}"
                )
            return
        if settings.role != column:
            raise ModelError(
                f"{checkpoint!r} looks for queries and documents in column {settings.role!r}, but they are "
                f"in column {column!r}; set role to {column}"
            )
        self._check_given(settings, checkpoint, remedy)

    def _check_given(self, settings: RoleSettings, checkpoint: str, remedy: str) -> None:
        """Refuse a prompt for one role if the model has its own prompt for the other."""
        given = {QUERY: settings.prompt_query, DOCUMENT: settings.prompt_document}
        for role in ROLES:
            if not settings.own_prompts and given[role] is None and self.prompts[role]:
                raise ModelError(
                    f"{checkpoint!r} has the prompt {self.prompts[role]!r} of its own for items of role "
                    f"{role}, but prompt_{role} is not given; {remedy}"
                )

    def warnings(self, settings: RoleSettings) -> list[str]:
        """A warning if the model's own treatment is requested but the model has none."""
        if not settings.own_prompts or self.differs:
            return []
        return ["own_prompts changes nothing: the model has no prompts or routes for queries and documents"]

    def _named(self) -> str:
        own_texts = self.prompts[QUERY] != self.prompts[DOCUMENT]
        return " and ".join(["routes"] * self.has_routes + ["prompts"] * own_texts)


def _and_role(column: str) -> str:
    default = RoleSettings.model_fields["role"].default
    return "" if column == default else f" and role to {column}"


def columns_with_roles(corpus: Corpus) -> list[str]:
    """The columns of a corpus with only queries and documents."""
    others = [name for name in corpus.columns if name not in REQUIRED_COLUMNS]
    table = corpus.table(others) if others else pd.DataFrame()
    return [name for name in others if set(table[name].dropna().unique().tolist()) == set(ROLES)]


def roles_sha256(corpus: Corpus, column: str) -> str | None:
    """Hash of the items' roles; None if the corpus has no such column."""
    if column not in corpus.columns:
        return None
    return sha256_of_json([role if role in ROLES else None for role in corpus.column(column)])


def by_role(
    window: Window, encode: Callable[[list[str], str | None], np.ndarray], embed_dim: int
) -> np.ndarray:
    """Vectors of a window whose items are encoded role by role, float32, shape (len(window), embed_dim).

    Args:
        window: the items.
        encode: from texts and their role to their vectors.
        embed_dim: width of the vectors.
    """
    if window.roles is None:
        return encode(window.contents, None)
    vectors = np.empty((len(window), embed_dim), dtype=np.float32)
    for role, rows in _rows_of_roles(window.roles):
        vectors[rows] = encode([window.contents[row] for row in rows], role)
    return vectors


def _rows_of_roles(roles: Iterable[Any]) -> Iterator[tuple[str | None, list[int]]]:
    rows: dict[str | None, list[int]] = {}
    for row, role in enumerate(roles):
        rows.setdefault(role if role in ROLES else None, []).append(row)
    yield from rows.items()
