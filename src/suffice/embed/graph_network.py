"""Graph networks on molecules with the architecture, and the public checkpoints, of Hu et al. 2020."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder, Loader
from suffice.embed.batches import BatchRunner
from suffice.embed.fingerprint import molecules_of, require_rdkit
from suffice.errors import ModelError, first_line
from suffice.settings import Settings
from suffice.storage.fetch import check_file_hash, fetch, fetched, is_url
from suffice.storage.files import sha256_of_file

if TYPE_CHECKING:
    import torch

WIDTH = 300
MASKED_ELEMENT = 119  # an atom without an element
N_CHIRALITIES = 3
SELF_LOOP = 4  # kind of the bond from an atom to itself
BATCH_ITEMS = 256
Convolution = Literal["gin", "gcn", "gat", "graphsage"]


class GraphNetworkSettings(Settings):
    """Settings of the kind `graph_network`."""

    convolution: Convolution = Field(description="how an atom combines its neighbours")
    path: str | None = Field(
        None, description="public checkpoint (.pth), relative to the study's folder, or its https URL"
    )
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="SHA-256 that the checkpoint must have; needed for a URL"
    )
    random_init: bool = Field(False, description="untrained weights, as a control; without a path")

    @model_validator(mode="after")
    def _weights_are_from_somewhere(self) -> "GraphNetworkSettings":
        if self.random_init == (self.path is not None):
            raise ValueError("give the path of a checkpoint, or random_init: true for untrained weights")
        if self.sha256 and not self.path:
            raise ValueError("sha256 belongs to a checkpoint; without a path, leave it out")
        return self


class GraphNetwork(Loader[GraphNetworkSettings]):
    """Mean over atoms of the last of five layers of 300 dimensions.

    Source: Hu et al., ICLR 2020, arXiv 1905.12265: atoms by element and chirality, bonds by kind and
    direction, batch normalisation after each layer, no readout beyond the mean.
    """

    kind = "graph_network"
    reads = "molecule"
    uses_device = True
    Settings = GraphNetworkSettings
    libraries = ("rdkit", "torch")

    def check(self) -> None:
        """Raise ModelError without RDKit or torch, or if the checkpoint is missing or has another hash."""
        require_rdkit()
        try:
            import torch  # noqa: F401
        except ImportError:
            raise ModelError("graph networks need torch: pip install 'suffice[neural]'") from None
        if self.settings.path is None:
            return
        if is_url(self.settings.path):
            fetched(self.settings.path, self.settings.sha256)
            return
        if not Path(self.settings.path).is_file():
            raise ModelError(f"the checkpoint {self.settings.path} does not exist; correct the path")
        check_file_hash(Path(self.settings.path), self.settings.sha256)

    def _checkpoint(self, path: str) -> Path:
        """The file of the checkpoint, in the cache if it has a URL."""
        return fetched(path, self.settings.sha256) if is_url(path) else Path(path)

    def fetch(self) -> str | None:
        """Download a checkpoint by URL."""
        path = self.settings.path
        if path is None or not is_url(path):
            return None
        return f"{path} as {fetch(path, self.settings.sha256)}"

    @property
    def is_random(self) -> bool:
        """Whether the weights are untrained."""
        return not self.settings.path

    def identity(self) -> dict[str, Any]:
        """The hash of the checkpoint, if there is one."""
        path = self.settings.path
        return {"checkpoint_sha256": sha256_of_file(self._checkpoint(path))} if path else {}

    def open(self, corpus: Corpus) -> Encoder:
        """Read the checkpoint, or draw weights.

        Raises:
            ModelError: the checkpoint does not belong to such a network.
        """
        self.check()
        import torch

        from suffice.embed.graph_layers import MoleculeNetwork

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = MoleculeNetwork(self.settings.convolution)
        if self.settings.path:
            load_checkpoint(network, self._checkpoint(self.settings.path))
        name = self.settings.path or f"untrained {self.settings.convolution}"
        return _GraphEncoder(network.eval().to(self.device), self.device, name)


def load_checkpoint(network: "torch.nn.Module", path: Path) -> None:
    """Load the weights of a public checkpoint into a network without executing anything in it.

    Raises:
        ModelError: it cannot be read, or has another architecture.
    """
    import torch

    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # noqa: BLE001 (torch raises many kinds)
        raise ModelError(
            f"{path} does not fit this graph network ({first_line(error)}); check convolution"
        ) from error


class _GraphEncoder(Encoder):
    embed_dim = WIDTH

    def __init__(self, network: "torch.nn.Module", device: str, name: str) -> None:
        self.network, self.device = network, device
        self.batches = BatchRunner(BATCH_ITEMS, name)
        self.n_parameters = sum(weights.numel() for weights in network.parameters())

    def warnings(self) -> list[str]:
        """A warning if batches had to be smaller."""
        return self.batches.warnings()

    def encode(self, window: Window) -> np.ndarray:
        """One row per molecule."""
        molecules = molecules_of(window)
        n_atoms = [molecule.GetNumAtoms() for molecule in molecules]
        return self.batches.run(lambda batch: self._encode_batch([molecules[i] for i in batch]), n_atoms)

    def _encode_batch(self, molecules: list[Any]) -> np.ndarray:
        import torch

        graph = batch_of_graphs(molecules)
        tensors = {name: torch.from_numpy(array).to(self.device) for name, array in graph.items()}
        with torch.no_grad():
            return np.asarray(self.network(tensors).cpu().numpy(), dtype=np.float32)


def batch_of_graphs(molecules: list[Any]) -> dict[str, np.ndarray]:
    """Molecules as one graph, with a separate part for each.

    Returns:
        atoms: element (from 0) and chirality, shape (n_atoms, 2); bonds: from, to, kind and direction, shape
        (n_bonds, 4), each bond in both directions and one from each atom to itself; molecule: molecule of
        each atom, shape (n_atoms,).
    """
    from rdkit import Chem

    kinds = {
        kind: place
        for place, kind in enumerate(
            (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC)
        )
    }
    directions = {Chem.BondDir.ENDUPRIGHT: 1, Chem.BondDir.ENDDOWNRIGHT: 2}
    atoms: list[tuple[int, int]] = []
    bonds: list[tuple[int, int, int, int]] = []
    owner: list[int] = []
    for number, molecule in enumerate(molecules):
        first = len(atoms)
        for atom in molecule.GetAtoms():
            element = atom.GetAtomicNum() - 1 if atom.GetAtomicNum() else MASKED_ELEMENT
            atoms.append((element, min(int(atom.GetChiralTag()), N_CHIRALITIES - 1)))
            owner.append(number)
        for bond in molecule.GetBonds():
            ends = first + bond.GetBeginAtomIdx(), first + bond.GetEndAtomIdx()
            features = kinds.get(bond.GetBondType(), 0), directions.get(bond.GetBondDir(), 0)
            bonds += [(*ends, *features), (*ends[::-1], *features)]
        bonds += [(atom, atom, SELF_LOOP, 0) for atom in range(first, len(atoms))]
    return {
        "atoms": np.array(atoms, dtype=np.int64).reshape(-1, 2),
        "bonds": np.array(bonds, dtype=np.int64).reshape(-1, 4),
        "molecule": np.array(owner, dtype=np.int64),
    }
