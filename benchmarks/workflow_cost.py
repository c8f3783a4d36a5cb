"""Cost of the workflow itself: planning studies of many models, and its share of a run.

`plan`: wall and processor seconds of a dry run, in which the whole study is checked, and the number of jobs,
for studies of 10, 34 and 100 models on three data sets.

`run`: a study of 34 models of 768 dimensions that are on disk, 10,000 items, without tasks, on one core.

`share`: of a run on one core, the wall seconds that were no job's own work, as records say: Snakemake
(planning, choosing, starting, waiting), and in each job the start of Python, imports and the check of
inputs.

    python benchmarks/workflow_cost.py plan
    python benchmarks/workflow_cost.py run
    make study CORES=1 && python benchmarks/workflow_cost.py share . api-docs
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.storage.files import read_json
from suffice.storage.provenance import machine

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "benchmarks" / "workflow_cost.csv"
ELAPSED = re.compile(r"Elapsed time: (?:(\d+) days?, )?(\d+):(\d+):([\d.]+)")


def write_study(folder: Path, n_models: int, datasets: str, n_items: int, dim: int) -> Path:
    """A study of random vectors that are on disk; data sets are named by one letter each."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    factors = generator.standard_normal((n_items, 16), dtype=np.float32)
    rows = ["model\tloader\tfamily\tpath"]
    for number in range(n_models):
        loadings = generator.standard_normal((16, dim), dtype=np.float32)
        noise = generator.standard_normal((n_items, dim), dtype=np.float32)
        np.save(folder / f"m{number}.npy", factors @ loadings + noise)
        rows.append(f"m{number}\tprecomputed\tmade\tm{number}.npy")
    for name in datasets:
        texts = [f"text {number} of {name}" for number in range(n_items)]
        pd.DataFrame({"text": texts}).to_csv(folder / f"{name}.csv", index=False)
    sources = [f"{name}\tfile\t{name}.csv\ttext" for name in datasets]
    (folder / "models.tsv").write_text("\n".join(rows) + "\n")
    (folder / "datasets.tsv").write_text("\n".join(["dataset\tsource\tpath\tcontent", *sources]) + "\n")
    (folder / "study.yaml").write_text("title: Many models\n")
    return folder


def snakemake(study: Path, work: Path, *arguments: str) -> str:
    """Run the workflow on one core; what it says."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--directory",
        str(work),
    ]
    profile = ["--workflow-profile", str(ROOT / "profiles" / "default"), "--cores", "1"]
    done = subprocess.run(
        [*command, *profile, *arguments, "--config", f"study={study}"],
        capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout + done.stderr


def plan(place: Path) -> list[dict[str, object]]:
    """Dry runs of studies of more and more models."""
    rows = []
    for n_models in (10, 34, 100):
        study = write_study(place / f"of-{n_models}", n_models, "abc", n_items=200, dim=8)
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        said = snakemake(study, place, "--dry-run", "--quiet", "rules", "host")
        seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        n_jobs = int(re.findall(r"^total\s+(\d+)", said, flags=re.MULTILINE)[-1])
        rows.append(
            {"what": f"plan {n_models} models, 3 data sets", "n_jobs": n_jobs, "wall_seconds": seconds}
        )
        rows[-1] |= {"cpu_seconds": cpu}
    return rows


def share(work: Path, study: str) -> dict[str, object]:
    """Wall seconds of the last run in a folder, and how many of them were not work of its jobs."""
    last = max((work / ".snakemake" / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
    days, hours, minutes, seconds = ELAPSED.findall(last.read_text())[-1]
    wall = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)
    jobs = {}
    for path in (work / "results" / study / "records").rglob("*.json"):
        job = read_json(path)["job"]
        jobs[job["rule"], str(job["wildcards"])] = job["seconds"]
    outside = wall - sum(jobs.values())
    row = {"what": f"run {study}, one core", "n_jobs": len(jobs), "wall_seconds": wall}
    return row | {
        "outside_seconds": outside,
        "outside_share": outside / wall,
        "seconds_a_job": outside / len(jobs),
    }


def write(rows: list[dict[str, object]]) -> None:
    """Put rows into the table, in the place of those of the same name."""
    old = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame({"what": []})
    new = pd.DataFrame(rows)
    table = pd.concat([old[~old["what"].isin(new["what"])], new], ignore_index=True).round(3)
    table = table.astype({"n_jobs": "int64"})
    table.to_csv(TABLE, index=False)
    print(table.to_string(index=False))
    print(machine())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        if sys.argv[1] == "plan":
            write(plan(Path(name)))
        elif sys.argv[1] == "run":
            study = write_study(Path(name) / "34-models", 34, "a", n_items=10_000, dim=768)
            snakemake(study, Path(name))
            write([share(Path(name), study.name)])
        else:
            write([share(Path(sys.argv[2]), sys.argv[3])])
