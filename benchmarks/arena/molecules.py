"""Two pools of molecule models: public graph networks, and fingerprints of RDKit.

Items are molecules of ZINC without labels. The two looks are two molecules of one Murcko scaffold. Tasks are
twelve labels of eleven sets, with whole scaffolds in training or test. Weights and data are files of DATA.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from assemble import Network, copy_models, embed_parts, in_batches, is_whole, models_of, read_part
from pool import Card, folder_of, write_card, write_groups, write_tasks
from probes import Task, labelled_task, measure_tasks
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from suffice.data.corpus import Window
from suffice.data.molecules import quiet_rdkit
from suffice.embed.fingerprint import FingerprintSettings, vector_of
from suffice.embed.graph_layers import MoleculeNetwork
from suffice.embed.graph_network import batch_of_graphs, load_checkpoint
from suffice.embed.molecule_descriptors import raw_descriptors
from suffice.seeds import derive_seed

sys.path.append(str(Path(__file__).resolve().parents[1]))
from molecule_sets import LABELS, UNLABELLED

Floats = npt.NDArray[np.floating]
SEED = 0
N_ITEMS, MAX_PAIRS, MAX_LABELLED = 4500, 2500, 1000
CLIPPED_SHARE = 0.001  # of each descriptor's values, at either end
BATCH = 256
SECOND_ASSAY = ("tox21", "NR-AhR", "classification")  # of another panel than the first: a receptor
TASKS = [*((name, *choice) for name, choice in LABELS.items()), SECOND_ASSAY]
FINGERPRINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ecfp4-1024": ("circular", {"fingerprint": "ecfp"}),
    "ecfp4-256": ("circular", {"fingerprint": "ecfp", "n_bits": 256}),
    "ecfp4-counts": ("circular", {"fingerprint": "ecfp", "counts": True}),
    "fcfp4-1024": ("circular", {"fingerprint": "fcfp"}),
    "atom-pairs": ("atom pairs", {"fingerprint": "atom_pair"}),
    "torsions": ("torsions", {"fingerprint": "topological_torsion"}),
    "rdkit-paths": ("paths", {"fingerprint": "rdkit"}),
    "layered": ("paths", {"fingerprint": "layered"}),
    "patterns": ("patterns", {"fingerprint": "pattern"}),
    "avalon": ("patterns", {"fingerprint": "avalon", "n_bits": 512}),
    "maccs": ("keys", {"fingerprint": "maccs"}),
    "erg": ("pharmacophores", {"fingerprint": "erg"}),
    "estate": ("keys", {"fingerprint": "estate"}),
}
WITH_NETWORKS = ("ecfp4-1024", "maccs")  # also in the pool of graph networks
CHECKPOINTS = {
    "supervised-gcn": ("gcn", "snap_gcn_supervised.pth"),
    "contextpred-graphsage": ("graphsage", "snap_graphsage_contextpred.pth"),
}
UNTRAINED = ("gin", "gcn", "graphsage")
LAYERS = (1, 3)  # beside the last
NORM_EPSILON = 1e-3  # of Keras


@dataclass(frozen=True)
class Molecules:
    """Canonical SMILES of the parts of both pools.

    Attributes:
        items: molecules to rank on.
        first: a molecule each of a scaffold.
        second: another of the same scaffold.
        scaffolds: the scaffold of each pair.
        labelled: molecules of the tasks, one set after another.
        tasks: the tasks; their rows are those of `labelled`.
    """

    items: list[str]
    first: list[str]
    second: list[str]
    scaffolds: list[str]
    labelled: list[str]
    tasks: list[Task]

    @property
    def parts(self) -> dict[str, list[str]]:
        """SMILES by part."""
        return {"items": self.items, "first": self.first, "second": self.second, "labelled": self.labelled}


def make_pools(cache: Path, data: Path) -> None:
    """Write both pools, unless the cache holds them."""
    make_graph_pool(cache, data)
    make_fingerprints_pool(cache, data)


def make_graph_pool(cache: Path, data: Path) -> None:
    """Write the pool of graph networks, unless the cache holds it."""
    if is_whole(cache, "molecules-graph"):
        return
    molecules = read_molecules(data / "molecules")
    networks = [
        *graph_networks(data / "models" / "molecules"),
        *(fingerprint_network(name) for name in WITH_NETWORKS),
        descriptor_network(molecules),
    ]
    write_pool(cache, "molecules-graph", molecules, networks, "graph networks at several layers, and floors")


def make_fingerprints_pool(cache: Path, data: Path) -> None:
    """Write the pool of fingerprints, unless the cache holds it, after the other, whose models it shares."""
    if is_whole(cache, "molecules-fingerprints"):
        return
    molecules = read_molecules(data / "molecules")
    networks = [*(fingerprint_network(name) for name in FINGERPRINTS), descriptor_network(molecules)]
    shared = [*WITH_NETWORKS, "descriptors-2d"]
    copy_models(folder_of(cache, "molecules-graph"), folder_of(cache, "molecules-fingerprints"), shared)
    write_pool(cache, "molecules-fingerprints", molecules, networks, "fingerprints and descriptors")


def descriptor_network(molecules: Molecules) -> Network:
    """RDKit's 2D descriptors."""
    return Network("descriptors", ("descriptors-2d",), Descriptors(molecules.items).encode)


def write_pool(cache: Path, name: str, molecules: Molecules, networks: list[Network], models: str) -> None:
    """Embed, measure the tasks, and write the card."""
    folder = folder_of(cache, name)
    embed_parts(folder, networks, molecules.parts)
    write_groups(folder, "looks", molecules.scaffolds)
    if not (folder / "tasks.csv").exists():
        write_tasks(folder, measure_tasks(molecules.tasks, read_part(folder, "labelled", networks)))
    about = (
        f"{len(molecules.items)} molecules of ZINC without labels; looks: two molecules of one scaffold "
        f"({len(molecules.first)} disjoint pairs); {models}; tasks on other molecules, split by scaffold."
    )
    write_card(folder, Card(name, "molecule", "group", about, models_of(networks, folder)))


@lru_cache(maxsize=1)
def read_molecules(folder: Path) -> Molecules:
    """Molecules to rank on, pairs of one scaffold, and labelled molecules with their tasks."""
    ranked = canonical(pd.read_csv(folder / UNLABELLED)["smiles"]).drop_duplicates()
    first, second, scaffolds = pairs_of_scaffolds(ranked.tolist())
    labelled: list[str] = []
    tasks = []
    for name, label, kind in TASKS:
        table = labelled_set(folder / "labelled" / f"{name}.csv.gz", label)
        rows = np.arange(len(labelled), len(labelled) + len(table))
        groups = [scaffold_of(smiles) or smiles for smiles in table["smiles"]]
        tasks.append(labelled_task(task_name(name, label), kind, class_or_number(table, kind), rows, groups))
        labelled += table["smiles"].tolist()
    items = ranked.sample(N_ITEMS, random_state=SEED).tolist()
    return Molecules(items, first, second, scaffolds, labelled, tasks)


def canonical(smiles: pd.Series) -> pd.Series:
    """Canonical SMILES; None for what RDKit cannot read."""
    with quiet_rdkit():
        molecules = [Chem.MolFromSmiles(each) for each in smiles]
    written = [Chem.MolToSmiles(each) if each is not None else None for each in molecules]
    return pd.Series(written, index=smiles.index, dtype=object)


def scaffold_of(smiles: str) -> str:
    """The Murcko scaffold, empty without a ring."""
    return str(MurckoScaffoldSmiles(smiles=smiles))


def pairs_of_scaffolds(smiles: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Disjoint pairs of molecules with the same scaffold: the first, the second, and the scaffold of each."""
    table = pd.DataFrame({"smiles": smiles, "scaffold": [scaffold_of(each) for each in smiles]})
    table = table[table["scaffold"] != ""].sample(frac=1, random_state=SEED)
    place = table.groupby("scaffold").cumcount()
    table = table.assign(pair=place // 2, side=place % 2)
    wide = table.pivot(index=["scaffold", "pair"], columns="side", values="smiles").dropna()
    wide = wide.sample(min(len(wide), MAX_PAIRS), random_state=SEED).sort_index()
    return wide[0].tolist(), wide[1].tolist(), wide.index.get_level_values("scaffold").tolist()


def labelled_set(path: Path, label: str) -> pd.DataFrame:
    """At most 1,000 molecules of a set with this label, each once, with the columns smiles and label."""
    table = pd.read_csv(path).dropna(subset=[label])
    table = table.assign(smiles=canonical(table["smiles"])).dropna(subset=["smiles"])
    table = table.drop_duplicates("smiles").rename(columns={label: "label"})[["smiles", "label"]]
    name = path.name.removesuffix(".csv.gz")
    n_kept = min(len(table), MAX_LABELLED)
    return table.sample(n_kept, random_state=derive_seed(SEED, name)).reset_index(drop=True)


def class_or_number(table: pd.DataFrame, kind: str) -> pd.Series:
    """Labels as text for classes, as numbers for regression."""
    return (
        table["label"].astype(int).astype(str) if kind == "classification" else table["label"].astype(float)
    )


def task_name(dataset: str, label: str) -> str:
    """The name of the set, with that of the assay where a set has several."""
    return f"{dataset}-{label}".lower() if dataset == "tox21" else dataset.replace("_", "-")


def fingerprint_network(name: str) -> Network:
    """A fingerprint of RDKit."""
    family, settings = FINGERPRINTS[name]
    vector = vector_of(FingerprintSettings(**settings))

    def encode(smiles: Sequence[str]) -> dict[str, Floats]:
        return {name: np.array([vector(Chem.MolFromSmiles(each)) for each in smiles], dtype=np.float32)}

    return Network(family, (name,), encode)


class Descriptors:
    """RDKit's 2D descriptors; undefined values become the median of the items, extremes a quantile."""

    def __init__(self, items: Sequence[str]) -> None:
        values = self.raw(items[:2000])
        known = np.where(np.isfinite(values).any(axis=0), values, 0.0)
        self.low, self.middle, self.high = np.nanquantile(
            known, [CLIPPED_SHARE, 0.5, 1 - CLIPPED_SHARE], axis=0
        )

    def raw(self, smiles: Sequence[str]) -> Floats:
        """Values as RDKit gives them, NaN where they are not defined."""
        return raw_descriptors(Window(0, list(smiles), list(smiles)))

    def encode(self, smiles: Sequence[str]) -> dict[str, Floats]:
        """One row per molecule."""
        values = self.raw(smiles)
        filled = np.where(np.isnan(values), self.middle, values)
        return {"descriptors-2d": np.clip(filled, self.low, self.high)}


def graph_networks(weights: Path) -> list[Network]:
    """The public checkpoints, networks of the same architectures without training, and a SMILES encoder."""
    networks = []
    for name, (convolution, file) in CHECKPOINTS.items():
        network = MoleculeNetwork(convolution)
        load_checkpoint(network, weights / file)
        models = (name, *(f"{name}-layer-{layer}" for layer in LAYERS), f"{name}-sum")
        networks.append(graph_network(name, models, network, pretrained=True))
    for convolution in UNTRAINED:
        torch.manual_seed(derive_seed(SEED, convolution))
        name = f"untrained-{convolution}"
        networks.append(graph_network(name, (name,), MoleculeNetwork(convolution), untrained=True))
    chemvae = SmilesEncoder(weights)
    names = ("chemvae", "chemvae-convolutions")
    return [*networks, Network("chemvae", names, chemvae.encode, True, False, chemvae.n_parameters)]


def graph_network(
    family: str,
    models: tuple[str, ...],
    network: MoleculeNetwork,
    pretrained: bool = False,
    untrained: bool = False,
) -> Network:
    """A graph network, read at its last layer and, if several models are named, at others."""
    network.eval()
    n_parameters = sum(weights.numel() for weights in network.parameters())

    def encode(smiles: Sequence[str]) -> dict[str, Floats]:
        batches = [readouts(network, batch) for batch in in_batches(smiles, BATCH)]
        stacked = [np.concatenate(found) for found in zip(*batches, strict=True)]
        return dict(zip(models, stacked, strict=False))

    return Network(family, models, encode, pretrained, untrained, n_parameters)


def readouts(network: MoleculeNetwork, smiles: Sequence[str]) -> list[Floats]:
    """Mean over atoms of the last layer, of layers 1 and 3, and sum over atoms of the last."""
    graph = batch_of_graphs([Chem.MolFromSmiles(each) for each in smiles])
    tensors = {name: torch.from_numpy(array) for name, array in graph.items()}
    owner = tensors["molecule"]
    kept: list[torch.Tensor] = []
    with torch.no_grad():
        states = network.x_embedding1(tensors["atoms"][:, 0]) + network.x_embedding2(tensors["atoms"][:, 1])
        for layer, norm in zip(network.gnns, network.batch_norms, strict=True):
            states = norm(layer(states, tensors["bonds"]))
            states = states if len(kept) + 1 == len(network.gnns) else torch.relu(states)
            kept.append(states.new_zeros((len(smiles), states.shape[1])).index_add_(0, owner, states))
    n_atoms = torch.bincount(owner)[:, None]
    means = [kept[-1] / n_atoms, *(kept[layer - 1] / n_atoms for layer in LAYERS)]
    return [each.numpy() for each in (*means, kept[-1])]


class SmilesEncoder:
    """Three convolutions over the characters of a SMILES, and the mean of the latent code.

    Source: Gomez-Bombarelli et al. 2018, doi 10.1021/acscentsci.7b00572; the authors' ZINC weights.
    """

    def __init__(self, weights: Path) -> None:
        with np.load(weights / "chemvae_zinc.npz") as held:
            self.held = {name: torch.from_numpy(held[name]).float() for name in held.files}
        characters = json.loads((weights / "chemvae_zinc_chars.json").read_text())
        self.code = {character: place for place, character in enumerate(characters)}
        self.length = json.loads((weights / "chemvae_zinc_params.json").read_text())["MAX_LEN"]
        self.n_parameters = sum(array.numel() for array in self.held.values())

    def encode(self, smiles: Sequence[str]) -> dict[str, Floats]:
        """The latent mean (196), and the dense layer after the convolutions (196)."""
        found = [self._batch(batch) for batch in in_batches(smiles, BATCH)]
        latent, dense = (torch.cat(each).numpy() for each in zip(*found, strict=True))
        return {"chemvae": latent, "chemvae-convolutions": dense}

    def _batch(self, smiles: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        states = self._one_hot(smiles)
        for number in range(3):
            kernel = self.held[f"encoder_conv{number}/kernel"].permute(2, 1, 0)
            states = torch.tanh(torch.conv1d(states, kernel, self.held[f"encoder_conv{number}/bias"]))
            states = self._normed(states.transpose(1, 2), f"encoder_norm{number}").transpose(1, 2)
        flat = states.transpose(1, 2).flatten(1)  # (n_molecules, 940)
        dense = torch.tanh(self._dense(flat, "encoder_dense0"))
        return self._dense(self._normed(dense, "encoder_dense0_norm"), "z_mean_sample"), dense

    def _one_hot(self, smiles: Sequence[str]) -> torch.Tensor:
        """Shape (n_molecules, n_characters, 120): cut or padded with spaces, unknown characters are zero."""
        found = torch.zeros(len(smiles), len(self.code), self.length)
        for row, text in enumerate(smiles):
            for place, character in enumerate(text[: self.length].ljust(self.length)):
                if character in self.code:
                    found[row, self.code[character], place] = 1
        return found

    def _dense(self, states: torch.Tensor, name: str) -> torch.Tensor:
        return states @ self.held[f"{name}/kernel"] + self.held[f"{name}/bias"]

    def _normed(self, states: torch.Tensor, name: str) -> torch.Tensor:
        mean, variance, gamma, beta = (
            self.held[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return (states - mean) / torch.sqrt(variance + NORM_EPSILON) * gamma + beta


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_pools(Path(sys.argv[1]), Path(sys.argv[2]))
