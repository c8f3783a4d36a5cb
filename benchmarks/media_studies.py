"""Choosing by information sufficiency on pictures, speech, agents and generators: studies of these names.

    make study STUDY=images CORES=1
    make study STUDY=speech CORES=1
    make study STUDY=agents CORES=1
    make study STUDY=generators CORES=1
    python benchmarks/media_studies.py results/images results/speech results/agents results/generators

Writes `media_decision.csv`, how well each way of choosing does on the labelled tasks; `media_tasks.csv`, the
agreement of some of them with each task; and `media_cost.csv`, what the jobs of each study cost. A study that
is not named keeps its rows.
"""

import sys
from pathlib import Path

import pandas as pd

from suffice.storage.files import read_json, read_table, write_table
from suffice.storage.provenance import machine, versions

HERE = Path(__file__).resolve().parent
DECISION, TASKS, COST = (HERE / f"media_{name}.csv" for name in ("decision", "tasks", "cost"))
BASELINES = ("embed_dim", "rankme", "self_retrieval", "consensus")  # in the table of tasks


def only_table(results: Path, name: str) -> Path:
    """The table of an analysis, of the study's only data set."""
    (path,) = (each for each in (results / name).glob("*.csv") if "." not in each.stem)
    return path


def tasks_of(results: Path) -> pd.DataFrame:
    """Spearman's correlation of the score and of some baselines with each task."""
    table = read_table(only_table(results, "correlation"))
    is_shown = table["predictor"].isin(BASELINES) | (table["predictor_kind"] != "baseline")
    table = table[is_shown & (table["statistic"] == "spearman")].drop(columns=["statistic", "note"])
    return table.assign(study=results.name)[["study", *table.columns]].round(4)


def decision_of(results: Path) -> pd.DataFrame:
    """The table of ways to choose, with the size of the data set."""
    path = only_table(results, "decision")
    n_items = read_json(results / "corpora" / f"{path.stem}.json")["n_items"]
    table = read_table(path)
    return table.assign(study=results.name, n_items=n_items)[["study", "n_items", *table.columns]].round(4)


def cost_of(results: Path) -> pd.DataFrame:
    """Processor seconds of all jobs, of those that embed, and the largest memory of one."""
    files = sorted((results / "benchmarks").rglob("*.tsv"))
    jobs = pd.concat(
        [
            pd.read_csv(path, sep="\t", na_values="-").assign(
                stage=path.relative_to(results / "benchmarks").parts[0]
            )
            for path in files
        ]
    )
    embeds = jobs["stage"].str.startswith("embed_items")
    return pd.DataFrame(
        {
            "study": [results.name],
            "n_jobs": [len(jobs)],
            "cpu_seconds": [round(jobs["cpu_time"].sum())],
            "cpu_seconds_of_embedding": [round(jobs.loc[embeds, "cpu_time"].sum())],
            "peak_memory_mb": [round(jobs["max_rss"].max())],
        }
    )


def main(folders: list[Path]) -> None:
    """Write the three tables."""
    names = [folder.name for folder in folders]
    for path, table_of in ((DECISION, decision_of), (TASKS, tasks_of), (COST, cost_of)):
        before = [read_table(path)] if path.exists() else []
        kept = [table[~table["study"].isin(names)] for table in before]
        made = [table_of(folder) for folder in folders]
        table = pd.concat([*kept, *made]).sort_values("study", kind="stable")
        write_table(table, path)
        print(table.to_string(index=False))
    print(machine(), versions())


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
