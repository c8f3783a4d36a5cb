"""Choosing by information sufficiency on molecules: the study `molecules`, and twelve real tasks.

The second study ranks the models of the first and two public graph networks (Hu et al. 2020) on molecules of
ZINC, and judges the ranking by twelve tasks on eleven labelled sets. The script writes its folder, has the
ordinary workflow run it, and collects the tables of both. Data stay where they are.

    make study STUDY=molecules
    python benchmarks/molecule_studies.py DATA results/molecules

DATA holds molecules/ and models/molecules/. Results stay in --work; what is there is not made again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml
from molecule_sets import LABELS, UNLABELLED
from rdkit import Chem, RDLogger

from suffice.data.molecules import quiet_rdkit
from suffice.seeds import derive_seed
from suffice.storage.files import read_json, read_table, write_items, write_table
from suffice.storage.provenance import machine, versions

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
SEED = 0
MAX_RANKED, MAX_LABELLED = 5000, 800  # molecules of ZINC, and of each labelled set
SECOND_ASSAY = ("tox21", "NR-AhR", "classification")  # of another panel than the first: a receptor
TASKS = [*((name, *choice) for name, choice in LABELS.items()), SECOND_ASSAY]
NETWORKS = {
    "supervised-gcn": ("gcn", "snap_gcn_supervised.pth"),
    "contextpred-graphsage": ("graphsage", "snap_graphsage_contextpred.pth"),
}
STUDY = {
    "title": "Molecules: twelve labelled tasks",
    "seed": SEED,
    "estimators": {"linear": {}},
}


def write_study(data: Path, folder: Path) -> None:
    """Write the folder of the second study."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    write_rows(models(data), folder / "models.tsv")
    write_rows(datasets(data), folder / "datasets.tsv")
    write_rows(
        pd.DataFrame(
            {"task": task_name(*task), "kind": task[2], "dataset": "labelled", "label": task_name(*task)}
            for task in TASKS
        ),
        folder / "tasks.tsv",
    )
    write_items(labelled_molecules(data), folder / "labelled.csv")


def write_rows(table: pd.DataFrame, path: Path) -> None:
    """Write a table of a study's folder."""
    table.to_csv(path, sep="\t", index=False)


def task_name(dataset: str, label: str, kind: str) -> str:
    """A name for a task: that of its set, and of its label if the set has several."""
    return f"{dataset}-{label}".lower() if dataset == "tox21" else dataset.replace("_", "-")


def models(data: Path) -> pd.DataFrame:
    """The models of the study `molecules`, and the public graph networks."""
    own = pd.read_csv(PROJECT / "config" / "molecules" / "models.tsv", sep="\t", dtype=str)
    public = pd.DataFrame(
        {
            "model": model,
            "loader": "graph_network",
            "family": "graph network",
            "convolution": convolution,
            "path": str((data / "models" / "molecules" / file).resolve()),
        }
        for model, (convolution, file) in NETWORKS.items()
    )
    return pd.concat([own, public], ignore_index=True)


def datasets(data: Path) -> pd.DataFrame:
    """Molecules to rank on, and those with labels, whole scaffolds on one side of the split."""
    common = {"source": "file", "content_type": "smiles", "scaffolds": "true"}
    ranked = str((data / "molecules" / UNLABELLED).resolve())
    return pd.DataFrame(
        [
            {"dataset": "zinc", "path": ranked, **common, "max_items": str(MAX_RANKED), "ranked": "true"},
            {"dataset": "labelled", "path": "labelled.csv", **common, "max_items": "", "ranked": "false"},
        ]
    )


def labelled_molecules(data: Path) -> pd.DataFrame:
    """A sample of each labelled set in one table: rows are molecules, columns are tasks, NaN unlabelled."""
    RDLogger.DisableLog("rdApp.*")
    rows = [sample_of(data / "molecules" / "labelled" / f"{name}.csv.gz", name) for name in LABELS]
    return pd.concat(rows).groupby("smiles", sort=False).first().reset_index()


def sample_of(path: Path, name: str) -> pd.DataFrame:
    """Some molecules of a set with their labels, each once by its canonical SMILES."""
    table = pd.read_csv(path)
    columns = {label: task_name(each, label, kind) for each, label, kind in TASKS if each == name}
    table = table.dropna(subset=list(columns))
    table = table.sample(min(len(table), MAX_LABELLED), random_state=derive_seed(SEED, name))
    with quiet_rdkit():
        molecules = [Chem.MolFromSmiles(smiles) for smiles in table["smiles"]]
    table = table.assign(smiles=[Chem.MolToSmiles(each) if each else None for each in molecules])
    kept = table.dropna(subset=["smiles"]).drop_duplicates("smiles")
    return kept[["smiles", *columns]].rename(columns=columns)


def run_study(study: Path, work: Path, cores: int) -> Path:
    """Have the workflow run a study; returns the folder of its results."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(PROJECT / "Snakefile")]
    command += ["--directory", str(work), "--cores", str(cores), "--quiet", "rules"]
    command += ["--workflow-profile", str(PROJECT / "profiles" / "default"), "--config", f"study={study}"]
    subprocess.run(command, check=True)
    return work / "results" / study.name


def tables_of(results: Path, kind: str) -> pd.DataFrame:
    """One kind of table of a study, with the study's name and numbers of molecules in front."""
    (path,) = (path for path in (results / kind).glob("*.csv") if "." not in path.stem)
    labelled = [read_json(file) for file in (results / "corpora").glob("*.json") if file.stem != path.stem]
    table = read_table(path)
    table.insert(0, "study", results.name)
    table.insert(1, "n_ranked_items", read_json(results / "corpora" / f"{path.stem}.json")["n_items"])
    table.insert(2, "n_labelled_items", sum(manifest["n_items"] for manifest in labelled))
    return table


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description="Decision and correlation tables of two molecule studies.")
    parser.add_argument("data", type=Path, help="folder of labelled molecules and public checkpoints")
    parser.add_argument("results", type=Path, help="results of the study molecules")
    parser.add_argument("--work", type=Path, default=Path("results/molecule-studies"), help="where it runs")
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    study, work = (given.work / "molecules-12-tasks").resolve(), (given.work / "run").resolve()
    write_study(given.data, study)
    work.mkdir(exist_ok=True)
    studies = [given.results, run_study(study, work, given.cores)]
    for kind in ("decision", "correlation"):
        table = pd.concat([tables_of(results, kind) for results in studies], ignore_index=True)
        write_table(table.round(4), HERE / f"molecule_{kind}.csv")
    print(machine(), versions())


if __name__ == "__main__":
    main()
