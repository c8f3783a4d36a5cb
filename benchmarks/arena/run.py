"""The arena in one command: weights, vectors, tasks, rankings by every candidate, and the tables.

    python benchmarks/arena/run.py --cache DIR --data ../shared/data --results results/api-docs

Writes `arena.csv`, `arena_summary.csv`, `arena_modalities.csv`, `leave_one_pool_out.csv` and `failed.csv`
beside this file.
"""

import argparse
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pandas as pd
from candidates import ADDED, CANDIDATES, UNPROMISING, Candidate
from judge import Judged, by_modality, judged, leave_one_pool_out, summary, table_of_pool
from pool import folder_of, read_card, read_pool, read_tasks
from scores import measured, scores_of

from suffice.storage.files import write_table

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Maker:
    """A function that makes some pools.

    Attributes:
        pools: their names.
        needed: the folder or program without which they cannot be made.
        module: the module that makes them; imported when it is needed, with the packages that it needs.
        function: the function in it, which takes the cache and `inputs`.
        inputs: folders that it reads.
    """

    pools: tuple[str, ...]
    needed: Path
    module: str
    function: str
    inputs: tuple[Path, ...]

    def make(self, cache: Path) -> None:
        """Make what the cache does not hold."""
        getattr(import_module(self.module), self.function)(cache, *self.inputs)


def makers(data: Path, results: Path) -> list[Maker]:
    """All makers of pools, in the order in which they are made."""
    return [
        Maker(("questions", "opinions", "text-mixed"), data / "text", "text_pools", "make_pools", (data,)),
        Maker(("api-docs",), results / "tasks", "api_docs", "make_pool", (results,)),
        Maker(
            ("images-photos", "images-emoji", "images-digits"),
            data / "vision",
            "images",
            "make_pools",
            (data,),
        ),
        Maker(("molecules-graph",), data / "molecules", "molecules", "make_graph_pool", (data,)),
        Maker(("speech",), Path("/usr/bin/espeak-ng"), "sound", "make_pool", ()),
        Maker(
            ("molecules-fingerprints",), data / "molecules", "molecules", "make_fingerprints_pool", (data,)
        ),
        Maker(("api-docs-halves",), results / "tasks", "api_docs", "make_halves_pool", (results,)),
    ]


def make_pools(cache: Path, data: Path, results: Path) -> None:
    """Make what is not in the cache, and measure its pairs: first what the library's rankings need.

    A pool whose data is absent is named and left out, and so is one that cannot be made, with the reason.
    """
    made = [name for maker in makers(data, results) for name in made_by(maker, cache)]
    for name in made:
        measure_scores(cache, name, CANDIDATES | UNPROMISING)


def made_by(maker: Maker, cache: Path) -> tuple[str, ...]:
    """The pools of a maker, made, with the pairs of the library's rankings; empty on failure."""
    if not maker.needed.exists():
        print(f"left out: {', '.join(maker.pools)}; {maker.needed} is absent", flush=True)
        return ()
    started = time.process_time()
    try:
        maker.make(cache)
    except Exception:  # noqa: BLE001 - the other pools are still made
        print(f"left out: {', '.join(maker.pools)}", flush=True)
        traceback.print_exc()
        return ()
    print(f"{', '.join(maker.pools)}: made in {time.process_time() - started:.0f} s of CPU", flush=True)
    for name in maker.pools:
        measure_scores(cache, name, ADDED)
    return maker.pools


def measure_scores(cache: Path, name: str, candidates: Mapping[str, Candidate]) -> None:
    """Put the pairs and baselines of a pool into the cache."""
    started = time.process_time()
    scores_of(read_pool(folder_of(cache, name)), cache, candidates)
    print(f"{name}: pairs measured in {time.process_time() - started:.0f} s of CPU", flush=True)


def pools_in(cache: Path) -> list[str]:
    """Names of the whole pools of the cache."""
    return sorted(path.parent.name for path in (cache / "pools").glob("*/pool.json"))


def judge_pool(
    cache: Path, name: str, candidates: Mapping[str, Candidate], measured_only: bool = False
) -> tuple[Judged, pd.DataFrame]:
    """Scores of candidates on one pool, and its rows of the table.

    Args:
        cache: folder of the cache.
        name: name of the pool.
        candidates: what to judge.
        measured_only: leave out candidates whose pairs the cache does not hold.
    """
    folder = folder_of(cache, name)
    if measured_only:
        candidates = measured(cache, name, candidates)
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
    parser.add_argument("--measured-only", action="store_true", help="estimate no further pairs")
    parser.add_argument("--pools", nargs="+", help="judge only these")
    given = parser.parse_args()
    if not given.no_making:
        make_pools(given.cache, given.data, given.results)
    names = given.pools or pools_in(given.cache)
    failed = pd.concat([judge_pool(given.cache, name, UNPROMISING, given.measured_only)[1] for name in names])
    write_table(failed.round(4), HERE / "failed.csv")
    found = [judge_pool(given.cache, name, CANDIDATES | ADDED, given.measured_only) for name in names]
    table = pd.concat([rows for _, rows in found], ignore_index=True)
    cards = {name: read_card(folder_of(given.cache, name)) for name in names}
    counted = [pool for pool, _ in found if not cards[pool.pool].variant_of]
    of_counted = table[table["pool"].isin([pool.pool for pool in counted])]
    write_table(table.round(4), HERE / "arena.csv")
    write_table(summary(of_counted, counted).round(4), HERE / "arena_summary.csv")
    modalities = {name: card.modality for name, card in cards.items()}
    write_table(by_modality(of_counted, modalities).round(4), HERE / "arena_modalities.csv")
    chosen_from = of_counted[of_counted["candidate"].isin(CANDIDATES)]
    write_table(leave_one_pool_out(chosen_from).round(4), HERE / "leave_one_pool_out.csv")


if __name__ == "__main__":
    main()
