"""One forward pass for several models of one checkpoint, such as its layers.

Every model has a job of its own. The first of these jobs reads the items once and puts blocks of vectors (see
`suffice.embed.shards`) into a store, one for itself and for each model that has no vectors yet. The others
wait until the pass ends, and take their blocks. The name of a block is a hash of all that its vectors depend
on, so a job takes only what it would compute itself. If a pass fails, every model is embedded by its own job.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from suffice.data.corpus import Corpus
from suffice.embed.base import EncoderOfSeveral, Loader, Part
from suffice.embed.encode import Contents, Spent, encode_to
from suffice.embed.identity import identity_sha256
from suffice.embed.looks import LooksToEmbed
from suffice.embed.shards import WINDOW_ITEMS, Effort, rows_of_shard, write_effort
from suffice.embed.write import identity_on
from suffice.storage.files import (
    create_array,
    open_array,
    read_json,
    sha256_of_json,
    temporary_path,
    whole_file,
)
from suffice.storage.locks import locked

log = logging.getLogger("suffice")

MOST_MODELS = 8  # in one pass; memory grows with them
LOOKS = ".looks.npy"


def pass_key(loader: type[Loader[Any]], settings: Mapping[str, Any], seed: int) -> str | None:
    """Models with the same key can share a forward pass; None for a model that always has its own.

    Args:
        loader: its kind.
        settings: its settings as given.
        seed: its seed, which counts for random weights.
    """
    if loader.differ_in_one_pass is None:
        return None
    same = {name: value for name, value in settings.items() if name not in loader.differ_in_one_pass}
    return sha256_of_json([same, seed if settings.get("random_init") else None])


@dataclass(frozen=True)
class Row:
    """A model that may share a pass.

    Attributes:
        model: its id.
        loader: the model.
        code: version of the code that makes its vectors.
        card: path of the card of its vectors; None for the model of the job.
    """

    model: str
    loader: Loader[Any]
    code: str
    card: Path | None = None


def rows_beside(
    others: Sequence[Mapping[str, Any]], build: Callable[..., Loader[Any]], device: str, cards: Path
) -> list[Row]:
    """The other models that may share a pass.

    Args:
        others: their model, kind, settings, seed and code.
        build: makes a loader from kind, settings, seed and device.
        device: torch device.
        cards: folder of the cards of all models' vectors.
    """
    return [
        Row(
            each["model"],
            build(each["kind"], each["settings"], each["seed"], device),
            each["code"],
            cards / f"{each['model']}.json",
        )
        for each in others
    ]


@dataclass(frozen=True)
class OnePass:
    """The models that may share a forward pass over a corpus, or over a block of its rows.

    Attributes:
        rows: the models; the first is that of the job.
        key: the key that they share, see `pass_key`.
        corpus: the items.
        store: folder for blocks.
        looks: looks at the items, which are embedded too.
        shard: number of the block, from 0.
        n_shards: number of blocks.
    """

    rows: Sequence[Row]
    key: str
    corpus: Corpus
    store: Path | str
    looks: LooksToEmbed | None = None
    shard: int = 0
    n_shards: int = 1

    @contextmanager
    def blocks(self) -> Iterator[tuple[list[Path], LooksToEmbed | None]]:
        """The vectors of the job's model, as the arguments `shards` and `looks` of `write_embedding`.

        Without blocks, the job has to embed the items itself. They are deleted after the context.
        """
        path = self._shared_block() if len(self.rows) > 1 and self.corpus.n_items else None
        if path is None:
            yield [], self.looks
            return
        yield [path], self.looks and replace(self.looks, shards=(path.with_suffix(LOOKS),))
        shutil.rmtree(path.parent)

    def move_block(self, path: Path) -> bool:
        """Move the job's block, its facts and its looks to a path; False if there is none."""
        with self.blocks() as (found, _):
            for block in found:
                for suffix in (LOOKS, f"{LOOKS.removesuffix('npy')}json", ".json", ".npy"):
                    if block.with_suffix(suffix).exists():
                        os.replace(block.with_suffix(suffix), path.with_suffix(suffix))
        return bool(found)

    def _shared_block(self) -> Path | None:
        """The block of the job's model, made now if no other job has made it; None without a shared pass."""
        identities = {row.model: identity_on(row.loader, self.corpus) for row in self.rows}
        own, *others = self.rows
        path = self._path(own, identities[own.model])
        lock = sha256_of_json([self.key, self.corpus.sha256, self.shard, self.n_shards])
        with locked(Path(self.store) / f"{lock}.lock", f"the forward pass that model {own.model} shares"):
            if not _is_whole(path):
                missing = [row for row in others if not self._is_made(row, identities[row.model])]
                self._try_pass(own, missing, identities)
        return path if _is_whole(path) else None

    def _path(self, row: Row, identity: Mapping[str, Any]) -> Path:
        looks = None if self.looks is None else self.looks.sha256
        key = sha256_of_json([identity, row.code, looks, self.shard, self.n_shards])
        return Path(self.store) / key / "block.npy"

    def _is_made(self, row: Row, identity: Mapping[str, Any]) -> bool:
        """Whether a model has these vectors, or a block of them."""
        if _is_whole(self._path(row, identity)):
            return True
        return (
            row.card is not None
            and row.card.exists()
            and read_json(row.card).get("identity_sha256") == identity_sha256(identity)
        )

    def _try_pass(self, own: Row, missing: Sequence[Row], identities: Mapping[str, dict[str, Any]]) -> None:
        """Make blocks of the job's model and others in one pass; an error is logged."""
        leader = next((row for row in (own, *missing) if row.loader.leads_pass), own)
        followers = [row for row in (own, *missing) if row is not leader and not row.loader.leads_pass]
        together = [leader, *followers][:MOST_MODELS]
        if own not in together or len(together) == 1:
            return
        try:
            started = time.perf_counter()
            encoder = leader.loader.open_together([row.loader for row in together[1:]], self.corpus)
            self._write(encoder, together, identities, time.perf_counter() - started)
        except Exception as error:  # noqa: BLE001  (it may concern another model only)
            log.warning("no shared forward pass (%s); model %s is embedded alone", error, own.model)
        else:
            log.info("one forward pass for %s", ", ".join(row.model for row in together))

    def _write(
        self,
        encoder: EncoderOfSeveral,
        rows: Sequence[Row],
        identities: Mapping[str, dict[str, Any]],
        load_seconds: float,
    ) -> None:
        """Write the blocks; the facts about the items come last, and show that a block is whole."""
        paths = [self._path(row, identities[row.model]) for row in rows]
        if self.looks is not None:
            hashes = [self.looks.identity_sha256(identities[row.model]) for row in rows]
            of_looks = [path.with_suffix(LOOKS) for path in paths]
            self._encode(encoder, self.looks.contents, rows, of_looks, hashes, 0.0)
        hashes = [identity_sha256(identities[row.model]) for row in rows]
        self._encode(encoder, self.corpus, rows, paths, hashes, load_seconds)

    def _encode(  # noqa: PLR0913
        self,
        encoder: EncoderOfSeveral,
        contents: Contents,
        rows: Sequence[Row],
        paths: Sequence[Path],
        hashes: Sequence[str],
        load_seconds: float,
    ) -> None:
        """Encode contents for all models, and divide the vectors."""
        block, before = rows_of_shard(contents.n_items, self.shard, self.n_shards), encoder.parts()
        together = temporary_path(paths[0])
        together.parent.mkdir(parents=True, exist_ok=True)
        try:
            spent = encode_to(together, encoder, contents, block, " + ".join(row.model for row in rows))
            first = 0
            for row, part, then, path, sha256 in zip(
                rows, encoder.parts(), before, paths, hashes, strict=True
            ):
                _copy_columns(together, path, range(first, first + part.embed_dim))
                effort = _effort(row.loader, spent, part, then, load_seconds)
                write_effort(effort, block, sha256, path)
                first += part.embed_dim
        finally:
            together.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    return path.exists() and path.with_suffix(".json").exists()


def _copy_columns(source: Path, path: Path, columns: range) -> None:
    """Write some columns of an array to a file, window by window."""
    vectors = open_array(source)
    with whole_file(path) as temporary:
        array = create_array(temporary, (len(vectors), len(columns)))
        for first in range(0, len(vectors), WINDOW_ITEMS):
            window = slice(first, first + WINDOW_ITEMS)
            array[window] = vectors[window, columns.start : columns.stop]
        array.flush()


def _effort(loader: Loader[Any], spent: Spent, part: Part, before: Part, load_seconds: float) -> Effort:
    """A model's effort: its share of the pass's seconds, and its own counts."""
    on_device = loader.uses_device and loader.device != "cpu"
    return Effort(
        cpu_seconds=part.share * spent.cpu_seconds,
        device_seconds=part.share * spent.wall_seconds if on_device else None,
        load_seconds=load_seconds,
        n_parameters=part.n_parameters,
        n_truncated=None if part.n_truncated is None else part.n_truncated - (before.n_truncated or 0),
        n_tokens=None if part.n_tokens is None else part.n_tokens - (before.n_tokens or 0),
        warnings=(*loader.warnings(), *part.warnings),
    )
