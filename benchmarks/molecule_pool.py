"""The pool `molecules`: fingerprints and descriptors, ranked on ZINC, with tasks on labelled molecules.

Needs rdkit and scikit-fingerprints, which the project does not: pip install rdkit scikit-fingerprints
"""

from pathlib import Path

import numpy as np
import pandas as pd
from molecule_sets import LABELS, UNLABELLED
from pools import (
    MAX_RANKED_ITEMS,
    MAX_TEST,
    MAX_TRAIN,
    SEED,
    LabelledTask,
    sample_of_splits,
    with_random_split,
    write_ranked,
    write_task_results,
)

from suffice.data.columns import CONTENT, GROUP, ID, SPLIT, TRAIN
from suffice.seeds import derive_seed
from suffice.storage.files import whole_file
from suffice.tasks.settings import TaskSettings

try:
    from rdkit import Chem, RDLogger
    from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles
    from skfp import fingerprints
except ImportError as error:
    raise SystemExit(f"{error}; pip install rdkit scikit-fingerprints") from None

N_BITS = 512
CLIPPED_SHARE = 0.001  # of each descriptor's values, at either end
MODELS = {
    "ecfp4": fingerprints.ECFPFingerprint(fp_size=N_BITS),
    "ecfp4-counts": fingerprints.ECFPFingerprint(fp_size=N_BITS, count=True),
    "fcfp4": fingerprints.ECFPFingerprint(fp_size=N_BITS, use_pharmacophoric_invariants=True),
    "atom-pairs": fingerprints.AtomPairFingerprint(fp_size=N_BITS),
    "torsions": fingerprints.TopologicalTorsionFingerprint(fp_size=N_BITS),
    "rdkit-paths": fingerprints.RDKitFingerprint(fp_size=N_BITS),
    "avalon": fingerprints.AvalonFingerprint(fp_size=N_BITS),
    "patterns": fingerprints.PatternFingerprint(fp_size=N_BITS),
    "maccs": fingerprints.MACCSFingerprint(),
    "functional-groups": fingerprints.FunctionalGroupsFingerprint(count=True),
    "estate": fingerprints.EStateFingerprint(variant="sum"),
    "mqn": fingerprints.MQNsFingerprint(),
    "autocorrelation": fingerprints.AutocorrFingerprint(),
    "descriptors-2d": fingerprints.RDKit2DDescriptorsFingerprint(normalized=False),
}


def make_molecule_pool(data: Path, folder: Path) -> Path:
    """Write the pool unless it is there; returns its folder."""
    RDLogger.DisableLog("rdApp.*")
    ranked = read_molecules(data / UNLABELLED)
    ranked = ranked.sample(MAX_RANKED_ITEMS, random_state=SEED).reset_index(drop=True)
    sets = {name: labelled_molecules(data / "labelled" / f"{name}.csv.gz", *LABELS[name]) for name in LABELS}
    smiles = pd.concat([ranked[CONTENT], *(table[CONTENT] for table in sets.values())], ignore_index=True)
    for model in MODELS:
        write_fingerprint(folder / "all" / f"{model}.npy", model, smiles.tolist())
    tasks, start = [], len(ranked)
    for name, table in sets.items():
        settings = TaskSettings(kind=LABELS[name][1], label=LABELS[name][0])
        tasks.append(LabelledTask(name, settings, table, np.arange(start, start + len(table))))
        start += len(table)
    corpus = ranked.assign(**{ID: ranked.index.astype(str), GROUP: ranked.index.astype(str), SPLIT: TRAIN})
    write_ranked(folder, corpus, np.arange(len(ranked)), list(MODELS))
    write_task_results(folder, tasks, list(MODELS))
    return folder


def read_molecules(path: Path) -> pd.DataFrame:
    """The molecules of a table, each once by its canonical SMILES; says how many were left out."""
    table = pd.read_csv(path)
    molecules = [Chem.MolFromSmiles(smiles) for smiles in table["smiles"]]
    canonical = [Chem.MolToSmiles(molecule) if molecule else "" for molecule in molecules]
    table = table.assign(**{CONTENT: canonical})
    valid = table[table[CONTENT] != ""]
    kept = valid.drop_duplicates(CONTENT)
    invalid, repeated = len(table) - len(valid), len(valid) - len(kept)
    print(f"{path.name}: {len(kept)} molecules; left out {invalid} invalid, {repeated} repeated", flush=True)
    return kept.reset_index(drop=True)


def labelled_molecules(path: Path, label: str, kind: str) -> pd.DataFrame:
    """A sample of a labelled set, with scaffolds as groups and whole scaffolds dealt to train and test."""
    name = path.name.removesuffix(".csv.gz")
    table = read_molecules(path).dropna(subset=[label])
    n_kept = min(len(table), MAX_TRAIN + MAX_TEST)
    table = table.sample(n_kept, random_state=derive_seed(SEED, name)).sort_index()
    if kind == "classification":
        table = table.assign(**{label: table[label].astype(int).astype(str)})
    scaffolds = [MurckoScaffoldSmiles(smiles=smiles) or smiles for smiles in table[CONTENT]]
    return sample_of_splits(with_random_split(table.assign(**{GROUP: scaffolds}), name), name)


def write_fingerprint(path: Path, model: str, smiles: list[str]) -> None:
    """Write the vectors of all molecules as float32, unless they are there."""
    if path.exists():
        return
    vectors = np.asarray(MODELS[model].transform(smiles), dtype=np.float64)
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, within_range(vectors, model).astype(np.float32))
    print(f"molecules: {model} {vectors.shape}", flush=True)


def within_range(vectors: np.ndarray, model: str) -> np.ndarray:
    """Values that are not numbers become the median, extremes the quantile; bits and counts stay."""
    finite = np.where(np.isfinite(vectors), vectors, np.nan)
    if model != "descriptors-2d":
        if np.isnan(finite).any():
            raise ValueError(f"{model} has values that are not finite; clip them like descriptors-2d")
        return finite
    low, middle, high = np.nanquantile(finite, [CLIPPED_SHARE, 0.5, 1 - CLIPPED_SHARE], axis=0)
    n_missing = int(np.isnan(finite).sum())
    print(f"molecules: {model}: {n_missing} values of {finite.size} are not finite", flush=True)
    return np.clip(np.where(np.isnan(finite), middle, finite), low, high)
