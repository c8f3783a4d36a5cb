"""Blocks of rows of one embedding, each made by its own job, and how they are joined."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from suffice.errors import ModelError
from suffice.storage.files import create_array, open_array, read_json, write_json

WINDOW_ITEMS = 4096
N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Effort:
    """The cost and warnings of encoding.

    Attributes:
        cpu_seconds: CPU seconds for encoding, added up over shards.
        device_seconds: seconds for which a GPU was held for encoding, added up over shards; None without one.
        load_seconds: seconds by the clock for loading or fitting the model, added up over shards.
        n_parameters: as in `Encoder`.
        n_truncated: as in `Encoder`.
        n_tokens: tokens of these rows; None if the model counts none.
        warnings: warnings of the loader and of the encoder.
    """

    cpu_seconds: float
    device_seconds: float | None
    load_seconds: float
    n_parameters: int | None
    n_truncated: int | None
    n_tokens: float | None
    warnings: tuple[str, ...]


def rows_of_shard(n_items: int, shard: int, n_shards: int) -> range:
    """The rows of one block: whole windows, so batches equal those of a single job; may be empty.

    Args:
        n_items: number of items of the corpus.
        shard: number of the block, from 0.
        n_shards: number of blocks.
    """
    n_windows = -(-n_items // WINDOW_ITEMS)
    first, last = (WINDOW_ITEMS * (n_windows * edge // n_shards) for edge in (shard, shard + 1))
    return range(min(first, n_items), min(last, n_items))


def write_effort(effort: Effort, rows: range, identity_sha256: str, path: Path) -> None:
    """Record beside a block its rows, its embedding and its effort."""
    about = {"first": rows.start, "n_items": len(rows), "identity_sha256": identity_sha256}
    write_json({**about, "effort": asdict(effort)}, path.with_suffix(".json"))


def join_shards(path: Path, shards: Sequence[Path], identity_sha256: str, n_items: int) -> Effort:
    """Join blocks of rows into one array, window by window; returns their total effort.

    Args:
        path: file for the array.
        shards: the blocks, in order.
        identity_sha256: hash of the embedding; each block must have the same.
        n_items: required number of rows.

    Raises:
        ModelError: blocks belong to another embedding, overlap, or do not cover the corpus.
    """
    facts = [read_json(shard.with_suffix(".json")) for shard in shards]
    starts = np.cumsum([0, *(each["n_items"] for each in facts)])
    if [each["first"] for each in facts if each["n_items"]] != [
        start for start, each in zip(starts, facts, strict=False) if each["n_items"]
    ] or starts[-1] != n_items:
        raise ModelError(
            f"the shards beside {shards[0]} do not cover the {n_items} items; delete them and run again"
        )
    for shard, each in zip(shards, facts, strict=True):
        if each["identity_sha256"] != identity_sha256:
            raise ModelError(f"{shard} belongs to another embedding; delete it and run again")
    blocks = [open_array(shard) for shard in shards]
    array = create_array(path, (n_items, blocks[0].shape[1]))
    for start, block in zip(starts, blocks, strict=False):
        for first in range(0, len(block), WINDOW_ITEMS):
            part = block[first : first + WINDOW_ITEMS]
            array[start + first : start + first + len(part)] = part
    array.flush()
    return _together([Effort(**each["effort"]) for each in facts])


def _together(efforts: Sequence[Effort]) -> Effort:
    """The total effort of all shards."""
    return Effort(
        cpu_seconds=sum(effort.cpu_seconds for effort in efforts),
        device_seconds=_total([effort.device_seconds for effort in efforts]),
        load_seconds=sum(effort.load_seconds for effort in efforts),
        n_parameters=efforts[0].n_parameters,
        n_truncated=_total([effort.n_truncated for effort in efforts]),
        n_tokens=_total([effort.n_tokens for effort in efforts]),
        warnings=tuple(dict.fromkeys(warning for effort in efforts for warning in effort.warnings)),
    )


def _total(values: Sequence[N | None]) -> N | None:
    """The sum of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known else None
