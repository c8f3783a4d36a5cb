"""What all pairs cost under the linear families: seconds against the matrix product they contain, and memory.

Every pool runs in a process of its own on vectors in files. The yardstick is one product X'X in single
precision of all models' columns side by side, in the same process and run: as a general product, and as
numpy computes it from one array, which uses that the result is symmetric. Memory is the peak of what the
process itself holds; pages of mapped files, which the system may drop at any time, do not count.

    python benchmarks/linear_cost.py            # all pools
    python benchmarks/linear_cost.py quick      # small ones, to see that it runs
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items
from suffice.files import open_array
from suffice.provenance import machine

ROOT = Path(__file__).resolve().parent.parent
POOLS = [  # name, estimator, widths, items, whether the yardstick is measured
    ("34 models of 768", "linear", [768] * 34, 10_000, True),
    ("12 models of 768", "gaussian", [768] * 12, 10_000, True),
    ("12 models of 768", "copula", [768] * 12, 10_000, True),
    ("8 models of 768", "linear", [768] * 8, 10_000, False),
    ("8 models of 768", "linear", [768] * 8, 100_000, False),
    ("6 models of 384 to 4096", "linear", [384, 768, 1024, 2048, 3584, 4096], 10_000, True),
]
QUICK = [("4 models of 64", name, [64] * 4, 1000, True) for name in ("linear", "gaussian", "copula")]


def peak_memory(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that some work takes, and the peak of the memory of the process during it, in MB."""
    peak, done = 0.0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            status = Path("/proc/self/status").read_text()
            own = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            peak = max(peak, int(own.split()[1]) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return seconds, peak


def products(files: list[Path]) -> dict[str, float]:
    """Seconds of X'X of all columns side by side: as a general product, and as a symmetric one.

    numpy's symmetric product ends with a segmentation fault at 26,112 columns and 10,000 rows (OpenBLAS
    0.3.31), so that half of the columns are taken, which is a quarter of the work.
    """
    whole = np.hstack([open_array(file) for file in files])
    half = np.ascontiguousarray(whole[:, : whole.shape[1] // 2])
    start = time.perf_counter()
    half.T @ half
    symmetric = 4 * (time.perf_counter() - start)
    del half
    other = whole.copy()
    start = time.perf_counter()
    whole.T @ other
    return {
        "symmetric_product_seconds": symmetric,
        "general_product_seconds": time.perf_counter() - start,
    }


def measure(folder: Path, estimator: str, with_yardstick: bool) -> dict[str, float]:
    """Cost of all pairs of the vectors in a folder."""
    files = sorted(folder.glob("*.npy"))
    embeddings = {file.stem: open_array(file) for file in files}

    def pairs() -> None:
        chosen = get_estimator(estimator)()
        plan = divide_items(len(embeddings[files[0].stem]))
        prepared = chosen.prepare_all(embeddings, plan)
        for _ in chosen.all_pairs(prepared):
            pass

    seconds, peak = peak_memory(pairs)
    found = {"seconds": seconds, "peak_own_memory_mb": peak}
    return found | (products(files) if with_yardstick else {})


def main(pools: list[tuple[str, str, list[int], int, bool]]) -> None:
    """Write the table."""
    rows = []
    for name, estimator, widths, n_items, with_yardstick in pools:
        with tempfile.TemporaryDirectory() as folder:
            for number, width in enumerate(widths):
                generator = np.random.default_rng(number)
                vectors = generator.standard_normal((n_items, width), dtype=np.float32)
                np.save(Path(folder) / f"model-{number:02}.npy", vectors)
            command = [sys.executable, __file__, "measure", folder, estimator, str(int(with_yardstick))]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            found = json.loads(output)
        row = {"pool": name, "estimator": estimator, "n_items": n_items}
        row |= {"n_pairs": len(widths) ** 2, **found}
        if with_yardstick:
            row["ratio_symmetric"] = found["seconds"] / found["symmetric_product_seconds"]
            row["ratio_general"] = found["seconds"] / found["general_product_seconds"]
        rows.append(row)
        print(row, flush=True)
    table = pd.DataFrame(rows).round(2)
    if pools is POOLS:
        table.to_csv(ROOT / "benchmarks" / "linear_cost.csv", index=False)
    print(table.to_string(index=False))
    print(machine())


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(Path(sys.argv[2]), sys.argv[3], sys.argv[4] == "1")))
    else:
        main(QUICK if sys.argv[1:2] == ["quick"] else POOLS)
