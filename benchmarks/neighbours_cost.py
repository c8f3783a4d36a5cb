"""Cost of the estimator neighbours and of linear in the same run: seconds and memory, on one thread.

Vectors are float32 on disk, with a power-law spectrum and a few variables that all models share. Every row is
a process of its own, so that its peak of memory is its own. Processor seconds are given beside seconds, since
other work on the machine lengthens the latter.

    python benchmarks/neighbours_cost.py        # about ten minutes
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from suffice.estimators import get_estimator  # noqa: E402
from suffice.estimators.items import divide_items  # noqa: E402

OUT = Path(__file__).resolve().parent / "neighbours_cost.csv"
CASES = (
    ("linear", 10_000, 384, 17, 1, 1),
    ("neighbours", 10_000, 384, 17, 1, 1),
    ("linear", 10_000, 384, 4, 1, 2),
    ("neighbours", 10_000, 384, 4, 1, 2),
    ("neighbours", 10_000, 384, 4, 1, 1),
    ("neighbours", 10_000, 384, 4, 10, 1),
    ("linear", 50_000, 384, 2, 1, 1),
    ("neighbours", 50_000, 384, 2, 1, 1),
)
COLUMNS = ["estimator", "n_items", "dim", "n_models", "k", "n_looks"]


def write_models(folder: Path, n_items: int, dim: int, n_files: int) -> list[Path]:
    """Files of vectors that share eight variables."""
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(n_items, 8)).astype(np.float32)
    paths = [folder / f"{number}.npy" for number in range(n_files)]
    for path in paths:
        own = generator.normal(size=(n_items, dim), scale=np.arange(1, dim + 1) ** -0.5).astype(np.float32)
        rotation, _ = np.linalg.qr(generator.normal(size=(dim, dim)))
        np.save(path, (own + shared @ generator.normal(size=(8, dim))) @ rotation.astype(np.float32))
    return paths


def peak_mb() -> int:
    """The largest memory of this process so far, pages of memory maps included."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return round(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def measure(folder: Path, name: str, n_models: int, k: int, n_looks: int) -> dict[str, object]:
    """Prepare all models and estimate all pairs, from memory maps."""
    arrays = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]
    first = {str(number): array for number, array in enumerate(arrays[:n_models])}
    second = {str(number): array for number, array in enumerate(arrays[n_models:])}
    estimator = get_estimator(name)(**({"k": k} if name == "neighbours" else {}))
    plan = divide_items(len(arrays[0]))
    before, start, cpu = peak_mb(), time.perf_counter(), time.process_time()
    if n_looks == 1:
        prepared = estimator.prepare_all(first, plan)
        prepared_cpu = time.process_time() - cpu
        n_pairs = sum(1 for _ in estimator.all_pairs(prepared))
    else:
        looks = estimator.prepare_all_looks(first, second, plan)
        prepared_cpu = time.process_time() - cpu
        n_pairs = sum(1 for _ in estimator.all_look_pairs(looks))
    return {
        "n_pairs": n_pairs,
        "prepare_cpu_seconds": round(prepared_cpu, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "seconds": round(time.perf_counter() - start, 1),
        "peak_mb": peak_mb(),
        "peak_above_start_mb": peak_mb() - before,
    }


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        name, _, _, n_models, k, n_looks = CASES[options.case]
        print(json.dumps(measure(options.folder, name, n_models, k, n_looks)))
        return
    rows = []
    for number, case in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            write_models(Path(folder), case[1], case[2], case[3] * case[5])
            command = [sys.executable, __file__, "--case", str(number), "--folder", folder]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows.append(dict(zip(COLUMNS, case, strict=True)) | json.loads(found))
        print(rows[-1], flush=True)
        pd.DataFrame(rows).to_csv(OUT, index=False)


if __name__ == "__main__":
    main()
