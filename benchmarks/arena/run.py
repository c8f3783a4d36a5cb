"""The arena in one command: weights, vectors, tasks, rankings by every candidate, and the tables.

    python benchmarks/arena/run.py --cache DIR --data ../shared/data --results results/api-docs

Writes `arena.csv`, `arena_summary.csv`, `arena_modalities.csv`, `leave_one_pool_out.csv` and `failed.csv`
beside this file.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import api_docs
import images
import molecules
import pandas as pd
import sound
import text_pools
from candidates import CANDIDATES, UNPROMISING, Candidate
from judge import Judged, by_modality, judged, leave_one_pool_out, summary, table_of_pool
from pool import folder_of, read_card, read_pool, read_tasks
from scores import scores_of

from suffice.files import write_table

HERE = Path(__file__).resolve().parent


def makers(given: argparse.Namespace) -> dict[str, tuple[Path, Callable[[], None]]]:
    """What makes each group of pools: the folder that it needs, and the call."""
    return {
        "api-docs": (given.results, lambda: api_docs.make_pool(given.cache, given.results)),
        "api-docs-halves": (given.results, lambda: api_docs.make_halves_pool(given.cache, given.results)),
        "text-mixed, questions, opinions": (
            given.data / "text",
            lambda: text_pools.make_pools(given.cache, given.data),
        ),
        "molecules-graph, -fingerprints": (
            given.data / "molecules",
            lambda: molecules.make_pools(given.cache, given.data),
        ),
        "images-photos, -emoji, -digits": (
            given.data / "vision",
            lambda: images.make_pools(given.cache, given.data),
        ),
        "speech": (Path("/usr/bin/espeak-ng"), lambda: sound.make_pool(given.cache)),
    }


def make_pools(given: argparse.Namespace) -> None:
    """Make what is not in the cache; a pool whose data is absent is named and left out."""
    for name, (needed, make) in makers(given).items():
        if needed.exists():
            make()
        else:
            print(f"left out: {name}; {needed} is absent")


def pools_in(cache: Path) -> list[str]:
    """Names of the whole pools of the cache."""
    return sorted(path.parent.name for path in (cache / "pools").glob("*/pool.json"))


def judge_pool(cache: Path, name: str, candidates: Mapping[str, Candidate]) -> tuple[Judged, pd.DataFrame]:
    """Scores of candidates on one pool, and its rows of the table."""
    folder = folder_of(cache, name)
    scores, seconds = scores_of(read_pool(folder), cache, candidates)
    families = {each.model: each.family for each in read_card(folder).models}
    pool = judged(name, scores, read_tasks(folder), families)
    print(f"{name}: judged", flush=True)
    return pool, table_of_pool(pool, seconds)


def main() -> None:
    """Make the pools and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--results", type=Path, default=Path("results/api-docs"))
    parser.add_argument("--no-making", action="store_true", help="judge the pools that the cache holds")
    parser.add_argument("--pools", nargs="+", help="judge these alone")
    given = parser.parse_args()
    if not given.no_making:
        make_pools(given)
    names = given.pools or pools_in(given.cache)
    failed = pd.concat([judge_pool(given.cache, name, UNPROMISING)[1] for name in names])
    write_table(failed.round(4), HERE / "failed.csv")
    found = [judge_pool(given.cache, name, CANDIDATES) for name in names]
    table = pd.concat([rows for _, rows in found], ignore_index=True)
    cards = {name: read_card(folder_of(given.cache, name)) for name in names}
    counted = [pool for pool, _ in found if not cards[pool.pool].variant_of]
    of_counted = table[table["pool"].isin([pool.pool for pool in counted])]
    write_table(table.round(4), HERE / "arena.csv")
    write_table(summary(of_counted, counted).round(4), HERE / "arena_summary.csv")
    modalities = {name: card.modality for name, card in cards.items()}
    write_table(by_modality(of_counted, modalities).round(4), HERE / "arena_modalities.csv")
    write_table(leave_one_pool_out(of_counted).round(4), HERE / "leave_one_pool_out.csv")


if __name__ == "__main__":
    main()
