"""Cost of all pairs under the linear families: seconds against the matrix product they contain, and memory.

Every pool runs in a process of its own on vectors in files. The yardstick is one product X'X in single
precision of all models' columns side by side, in the same process and run: as a general product, and as
numpy computes it from one array, which uses that the result is symmetric. Memory is the peak of what the
process itself holds; pages of mapped files, which the system may drop at any time, do not count.

    python benchmarks/linear_cost.py            # all pools
    python benchmarks/linear_cost.py growth     # exponents of models, dimensions and items
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
from suffice.storage.files import open_array
from suffice.storage.provenance import machine

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
GROWTH = {  # numbers of models, their width, and items; one of them grows
    "models": [(n_models, 256, 10_000) for n_models in (4, 8, 16, 32)],
    "dimensions": [(4, dim, 10_000) for dim in (256, 512, 1024, 2048)],
    "items": [(4, 512, n_items) for n_items in (10_000, 40_000, 160_000)],
}


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


def cost_of(widths: list[int], n_items: int, *arguments: str) -> dict[str, float]:
    """Cost of all pairs of models of some widths, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for number, width in enumerate(widths):
            generator = np.random.default_rng(number)
            vectors = generator.standard_normal((n_items, width), dtype=np.float32)
            np.save(Path(folder) / f"model-{number:02}.npy", vectors)
        command = [sys.executable, __file__, "measure", folder, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def growth() -> None:
    """Write how seconds and memory of `linear` grow: a row per size, and the slopes of their logarithms."""
    rows = []
    for what, sizes in GROWTH.items():
        found = []
        for n_models, dim, n_items in sizes:
            size = {"models": n_models, "dimensions": dim, "items": n_items}
            found.append({"grows": what, **size, **cost_of([dim] * n_models, n_items, "linear", "0")})
            print(found[-1], flush=True)
        logs = np.log(pd.DataFrame(found)[[what, "seconds", "peak_own_memory_mb"]])
        slopes = {name: np.polyfit(logs[what], logs[name], 1)[0] for name in logs.columns[1:]}
        rows += [*found, {"grows": f"exponent of {what}", **slopes}]
    counts = ["models", "dimensions", "items"]
    table = pd.DataFrame(rows).round(2).astype(dict.fromkeys(counts, "Int64"))
    table.to_csv(ROOT / "benchmarks" / "linear_growth.csv", index=False)
    print(table.to_string(index=False))
    print(machine())


def main(pools: list[tuple[str, str, list[int], int, bool]]) -> None:
    """Write the table."""
    rows = []
    for name, estimator, widths, n_items, with_yardstick in pools:
        found = cost_of(widths, n_items, estimator, str(int(with_yardstick)))
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
    elif sys.argv[1:] == ["growth"]:
        growth()
    else:
        main(QUICK if sys.argv[1:2] == ["quick"] else POOLS)
