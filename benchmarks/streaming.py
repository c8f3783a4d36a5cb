"""A million items of 768 dimensions: seconds and memory of every step from vectors on disk to a pair.

Two models have their vectors on disk, from eight hidden factors and noise. Then, each in a process
of its own on one thread, both are read by the loader `precomputed` (checked, measured, written with cards),
and one pair is estimated with `linear` in both directions. Memory is the peak of what a process itself
holds; pages of mapped files, which the system may drop at any time, do not count. `exponent` is the slope of
the logarithm of seconds, or memory, against that of the number of items.

    python benchmarks/streaming.py            # needs 13 GB of disk under the folder for temporary files
    python benchmarks/streaming.py quick      # small ones, to see that it runs
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from linear_cost import peak_memory

from suffice.data.build import content_sha256
from suffice.data.columns import GROUP
from suffice.data.corpus import Corpus
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.write import write_embedding
from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items
from suffice.storage.files import create_array, open_array, write_json, write_table
from suffice.storage.provenance import machine

ROOT = Path(__file__).resolve().parent.parent
DIM, N_FACTORS, CHUNK = 768, 8, 50_000
SIZES = (62_500, 250_000, 1_000_000)
QUICK = (5_000, 20_000)
MODELS = ("a", "b")
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


def write_inputs(folder: Path, n_items: int) -> None:
    """A corpus of numbered items, and two models' vectors of it."""
    ids = [str(number) for number in range(n_items)]
    write_table(
        pd.DataFrame({"id": ids, "content": ids, "group": ids, "split": "train"}), folder / "corpus.parquet"
    )
    manifest = {"dataset": "corpus", "n_items": n_items, "content_sha256": content_sha256(ids, ids)}
    write_json(manifest, folder / "corpus.json")
    generator = np.random.default_rng(0)
    loadings = generator.normal(size=(len(MODELS), N_FACTORS, DIM)).astype(np.float32)
    arrays = [create_array(folder / f"{model}-given.npy", (n_items, DIM)) for model in MODELS]
    for start in range(0, n_items, CHUNK):
        rows = min(CHUNK, n_items - start)
        factors = generator.normal(size=(rows, N_FACTORS)).astype(np.float32)
        for array, loading in zip(arrays, loadings, strict=True):
            noise = generator.standard_normal(size=(rows, DIM), dtype=np.float32)
            array[start : start + rows] = factors @ loading + noise


def embed(folder: Path) -> None:
    """Read both models' vectors, as the workflow does."""
    corpus = Corpus(folder / "corpus.parquet")
    for model in MODELS:
        loader = Precomputed(PrecomputedSettings(path=str(folder / f"{model}-given.npy")))
        write_embedding(loader, corpus, folder / f"{model}.npy", model=model, dataset="corpus")


def estimate(folder: Path) -> None:
    """Prepare both models and estimate both directions."""
    corpus, linear = Corpus(folder / "corpus.parquet"), get_estimator("linear")()
    plan = divide_items(corpus.n_items, corpus.column(GROUP), seed=0)
    prepared = {model: linear.prepare(open_array(folder / f"{model}.npy"), plan) for model in MODELS}
    for target in MODELS:
        list(linear.pairs(prepared, prepared[target]))


STEPS = {"embed": embed, "estimate": estimate}


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """Slopes of the logarithms of seconds and memory against that of items, for each step."""
    rows = []
    for step, group in table.groupby("step", sort=False):
        logs = np.log(group[["n_items", "seconds", "peak_own_memory_mb"]])
        slopes = [np.polyfit(logs["n_items"], logs[name], 1)[0] for name in ("seconds", "peak_own_memory_mb")]
        rows.append(
            {"step": step, "n_items": "exponent", "seconds": slopes[0], "peak_own_memory_mb": slopes[1]}
        )
    return pd.DataFrame(rows)


def main(sizes: tuple[int, ...]) -> None:
    """Write the table."""
    rows = []
    for n_items in sizes:
        with tempfile.TemporaryDirectory() as name:
            write_inputs(Path(name), n_items)
            for step in STEPS:
                command = [sys.executable, __file__, step, name]
                said = subprocess.run(
                    command, capture_output=True, text=True, check=True, env=ONE_THREAD
                ).stdout
                rows.append({"step": step, "n_items": n_items, **json.loads(said)})
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    table = pd.concat([table, exponents(table)]).round({"seconds": 2, "peak_own_memory_mb": 2})
    print(table.to_string(index=False))
    print(machine())
    if sizes == SIZES:
        table.to_csv(ROOT / "benchmarks" / "streaming.csv", index=False)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        seconds, peak = peak_memory(lambda: STEPS[sys.argv[1]](Path(sys.argv[2])))
        print(json.dumps({"seconds": seconds, "peak_own_memory_mb": peak}))
    else:
        main(QUICK if sys.argv[1:] == ["quick"] else SIZES)
