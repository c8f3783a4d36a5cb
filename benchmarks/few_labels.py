"""Score, a few labels, or both: how well each predicts the results of all labels, over the tasks of studies.

    make study STUDY=images
    make study STUDY=speech
    python benchmarks/few_labels.py results/images results/speech

Writes `few_labels.csv`: means over the tasks of a study, from its tables in `few_labels/`. Each task has
three draws of labels. A study that is not named keeps its rows.
"""

import sys
from pathlib import Path

import pandas as pd

from suffice.storage.files import read_table, write_table

TABLE = Path(__file__).resolve().with_suffix(".csv")
KEYS = ["n_labels", "way"]


def means_of(results: Path) -> pd.DataFrame:
    """Means over the tasks of one study."""
    tables = [read_table(path) for path in sorted((results / "few_labels").rglob("*.csv"))]
    by_task = pd.concat(tables)
    groups = by_task.groupby(KEYS, sort=False)
    means = groups[["spearman", "regret_at_1"]].mean()
    return means.assign(n_tasks=groups["task"].nunique()).reset_index().assign(study=results.name)


def main(folders: list[Path]) -> None:
    """Write the table."""
    made = pd.concat([means_of(folder) for folder in folders])
    before = [read_table(TABLE)] if TABLE.exists() else []
    kept = [table[~table["study"].isin(made["study"])] for table in before]
    table = pd.concat([*kept, made])[["study", *KEYS, "n_tasks", "spearman", "regret_at_1"]].round(4)
    write_table(table, TABLE)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
