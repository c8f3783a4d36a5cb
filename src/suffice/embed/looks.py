"""Vectors of looks at the items of a corpus, embedded while the model for the items is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suffice.data.corpus import Corpus
from suffice.data.looks import LookContents, read_looks
from suffice.embed.base import Encoder
from suffice.embed.encode import Contents, encode_to
from suffice.embed.identity import identity_sha256
from suffice.embed.shards import Effort, join_shards, rows_of_shard, write_effort
from suffice.health import health_card, measure_health
from suffice.storage.files import open_array, sha256_of_file, whole_file, write_json


@dataclass(frozen=True)
class LooksToEmbed:
    """Looks at the items of a corpus, and the file for a model's vectors of them.

    Attributes:
        contents: contents to embed: all first looks, then all second looks. For looks from files these are
            the items, and the model has second vectors for them.
        sha256: hash of the table of looks.
        path: file for the vectors, `.npy`: float32, shape (contents.n_items, embed_dim), with its card.
        of_bases: for a model made from other models, their vectors of the looks.
        shards: blocks of rows, in order, that are joined instead of embedding.
    """

    contents: Contents
    sha256: str
    path: Path
    of_bases: tuple[Path, ...] = ()
    shards: tuple[Path, ...] = ()

    def identity_sha256(self, identity: Mapping[str, Any]) -> str:
        """Hash of everything that the vectors depend on.

        Args:
            identity: identity of the model's embedding of the items.
        """
        return identity_sha256({**identity, "looks_sha256": self.sha256})

    def write(self, opened: Encoder | None, identity: Mapping[str, Any], *, model: str) -> None:
        """Write the vectors and their card, with hash, health and CPU seconds.

        Args:
            opened: the model, opened on the items; None: the shards are joined.
            identity: identity of its embedding of the items.
            model: its id.

        Raises:
            ModelError: the vectors cannot be used, or the shards do not match.
        """
        rows = range(self.contents.n_items)
        with whole_file(self.path) as temporary:
            if opened is None:
                shards = list(self.shards)
                effort = join_shards(temporary, shards, self.identity_sha256(identity), len(rows))
            else:
                effort = self._embed(temporary, opened, rows, model)
            health = self._health(temporary, effort, model) if rows else {}
            self.path.with_suffix(".json").unlink(missing_ok=True)  # a card never describes another array
        card = {
            "model": model,
            "looks_sha256": self.sha256,
            "identity_sha256": self.identity_sha256(identity),
            "array_sha256": sha256_of_file(self.path),
            "n_items": len(rows),
            "health": health,
            "cpu_seconds": effort.cpu_seconds,
        }
        write_json(card, self.path.with_suffix(".json"))

    def write_shard(
        self, opened: Encoder, identity: Mapping[str, Any], *, model: str, shard: int, n_shards: int
    ) -> None:
        """Write a block of the vectors and its effort; arguments as for `write`."""
        rows = rows_of_shard(self.contents.n_items, shard, n_shards)
        with whole_file(self.path) as temporary:
            effort = self._embed(temporary, opened, rows, model)
        write_effort(effort, rows, self.identity_sha256(identity), self.path)

    def _embed(self, temporary: Path, opened: Encoder, rows: range, model: str) -> Effort:
        """Encode a block of the looks; returns the effort."""
        encoder = opened.for_looks([open_array(path) for path in self.of_bases])
        before = encoder.n_truncated or 0
        spent = encode_to(temporary, encoder, self.contents, rows, model)
        n_truncated = None if encoder.n_truncated is None else encoder.n_truncated - before
        return Effort(
            spent.cpu_seconds, None, 0.0, encoder.n_parameters, n_truncated, spent.n_tokens, warnings=()
        )

    def _health(self, temporary: Path, effort: Effort, model: str) -> dict[str, Any]:
        where = f"the looks at the items of {self.path.parent.name} by model {model}"
        return health_card(measure_health(open_array(temporary), where), effort.n_truncated, [])


def looks_to_embed(
    table: Sequence[Path | str],
    corpus: Corpus,
    path: Path | str | None,
    of_bases: Sequence[Path | str] = (),
    shards: Sequence[Path | str] = (),
) -> LooksToEmbed | None:
    """The looks in a table for the items of a corpus; None if there is no table.

    Args:
        table: the file of the looks as the first element, or empty.
        corpus: the items.
        path: file for the vectors.
        of_bases: as in `LooksToEmbed`.
        shards: as in `LooksToEmbed`.
    """
    if not table or path is None:
        return None
    looks = read_looks(table[0])
    contents = corpus if looks.kind == "files" else LookContents(looks)
    places = [tuple(map(Path, each)) for each in (of_bases, shards)]
    return LooksToEmbed(contents, looks.sha256, Path(path), *places)
