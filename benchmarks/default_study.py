"""Cost of the estimators on the default study, and how well each ranking predicts the tasks.

Run both estimators in one go on one core, then this script:

    make study CORES=1 CONFIG="'estimators={linear: {}, knife: {}}'"
    python benchmarks/default_study.py results/api-docs
"""

import sys
from pathlib import Path

import pandas as pd

from suffice.storage.provenance import machine, versions

ROOT = Path(__file__).resolve().parent.parent
JOBS = ("prepare_model/*/{}/*", "estimate_pairs/*/{}/*", "estimate_all_pairs/*/{}")


def cost_of(results: Path, estimator: str) -> dict[str, float]:
    """Processor and wall seconds of all jobs of one estimator, and the largest memory of one."""
    files = [path for jobs in JOBS for path in (results / "benchmarks").glob(f"{jobs.format(estimator)}.tsv")]
    jobs = pd.concat([pd.read_csv(path, sep="\t", na_values="-") for path in files])
    return {
        "cpu_seconds": round(jobs["cpu_time"].sum(), 1),
        "wall_seconds": round(jobs["s"].sum(), 1),
        "peak_memory_mb": round(jobs["max_rss"].max()),
    }


def main(results: Path) -> None:
    """Write the table of one study's predictors."""
    (dataset,) = (path.stem for path in (results / "correlation").glob("*.csv") if "." not in path.stem)
    correlation = pd.read_csv(results / "correlation" / f"{dataset}.csv")
    chosen = correlation[correlation["task"] == "mean rank"]
    rows = []
    for predictor in chosen["predictor"].unique():
        values = chosen[chosen["predictor"] == predictor].set_index("statistic")
        row = {"predictor": predictor, "n_models": int(values["n_models"].iloc[0])}
        for statistic in ("spearman", "pearson", "kendall"):
            row[statistic] = round(values.loc[statistic, "value"], 3)
        row |= {f"spearman_{end}": round(values.loc["spearman", end], 3) for end in ("low", "high")}
        if (results / "ranking" / dataset / f"{predictor}.csv").exists():
            row |= cost_of(results, predictor)
        rows.append(row)
    table = pd.DataFrame(rows)
    table.to_csv(ROOT / "benchmarks" / "default_study.csv", index=False)
    print(table.to_string(index=False))
    print(machine(), versions())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/api-docs"))
