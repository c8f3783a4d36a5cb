"""Layers of graph networks on molecules; their weights have the names of the public checkpoints.

Source: Hu et al., ICLR 2020, arXiv 1905.12265.
"""

import torch
from torch import nn

WIDTH, N_LAYERS, N_HEADS = 300, 5, 2
N_ELEMENTS = 120  # atomic numbers 1 to 118, a spare, and one for a masked atom
N_CHIRALITIES, N_BOND_KINDS, N_BOND_DIRECTIONS = 3, 6, 3


class Bonds(nn.Module):
    """The contribution of the kind and direction of a bond to its message."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge_embedding1 = nn.Embedding(N_BOND_KINDS, width)
        self.edge_embedding2 = nn.Embedding(N_BOND_DIRECTIONS, width)

    def of(self, bonds: torch.Tensor) -> torch.Tensor:
        """One row per bond."""
        return self.edge_embedding1(bonds[:, 2]) + self.edge_embedding2(bonds[:, 3])


def gathered(messages: torch.Tensor, bonds: torch.Tensor, n_atoms: int) -> torch.Tensor:
    """Sum of the messages to each atom."""
    return messages.new_zeros((n_atoms, *messages.shape[1:])).index_add_(0, bonds[:, 1], messages)


def arriving(bonds: torch.Tensor, n_atoms: int, like: torch.Tensor) -> torch.Tensor:
    """Number of bonds to each atom."""
    return gathered(like.new_ones(len(bonds), 1), bonds, n_atoms)


class Gin(Bonds):
    """Graph isomorphism: a small network on the sum."""

    def __init__(self) -> None:
        super().__init__(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.ReLU(), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, states: torch.Tensor, bonds: torch.Tensor) -> torch.Tensor:
        """States of atoms, shape (n_atoms, 300), after one round of messages."""
        return self.mlp(gathered(states[bonds[:, 0]] + self.of(bonds), bonds, len(states)))


class Gcn(Bonds):
    """Graph convolution: a sum with weights by degree."""

    def __init__(self) -> None:
        super().__init__(WIDTH)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, states: torch.Tensor, bonds: torch.Tensor) -> torch.Tensor:
        """States of atoms, shape (n_atoms, 300), after one round of messages."""
        root = arriving(bonds, len(states), states).rsqrt()
        weight = root[bonds[:, 0]] * root[bonds[:, 1]]
        return gathered(weight * (self.linear(states)[bonds[:, 0]] + self.of(bonds)), bonds, len(states))


class GraphSage(Bonds):
    """The mean, scaled to length one."""

    def __init__(self) -> None:
        super().__init__(WIDTH)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, states: torch.Tensor, bonds: torch.Tensor) -> torch.Tensor:
        """States of atoms, shape (n_atoms, 300), after one round of messages."""
        total = gathered(self.linear(states)[bonds[:, 0]] + self.of(bonds), bonds, len(states))
        return nn.functional.normalize(total / arriving(bonds, len(states), states), dim=-1)


class Gat(Bonds):
    """Attention of two heads over neighbours."""

    def __init__(self) -> None:
        super().__init__(N_HEADS * WIDTH)
        self.weight_linear = nn.Linear(WIDTH, N_HEADS * WIDTH)
        self.att = nn.Parameter(torch.empty(1, N_HEADS, 2 * WIDTH))
        self.bias = nn.Parameter(torch.zeros(WIDTH))
        nn.init.xavier_uniform_(self.att)

    def forward(self, states: torch.Tensor, bonds: torch.Tensor) -> torch.Tensor:
        """States of atoms, shape (n_atoms, 300), after one round of messages."""
        heads = self.weight_linear(states).view(-1, N_HEADS, WIDTH)
        message = heads[bonds[:, 0]] + self.of(bonds).view(-1, N_HEADS, WIDTH)
        score = (torch.cat([heads[bonds[:, 1]], message], dim=-1) * self.att).sum(-1)
        weight = (nn.functional.leaky_relu(score, 0.2) - score.max()).exp()
        share = weight / gathered(weight, bonds, len(states))[bonds[:, 1]]
        return gathered(message * share[..., None], bonds, len(states)).mean(1) + self.bias


CONVOLUTIONS: dict[str, type[nn.Module]] = {"gin": Gin, "gcn": Gcn, "gat": Gat, "graphsage": GraphSage}


class MoleculeNetwork(nn.Module):
    """Five layers with batch normalisation and (except the last) a rectifier, then the mean over atoms.

    Args:
        convolution: gin, gcn, gat or graphsage.
    """

    def __init__(self, convolution: str) -> None:
        super().__init__()
        self.x_embedding1 = nn.Embedding(N_ELEMENTS, WIDTH)
        self.x_embedding2 = nn.Embedding(N_CHIRALITIES, WIDTH)
        self.gnns = nn.ModuleList(CONVOLUTIONS[convolution]() for _ in range(N_LAYERS))
        self.batch_norms = nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(N_LAYERS))

    def forward(self, graph: dict[str, torch.Tensor]) -> torch.Tensor:
        """One row per molecule; the graph comes from `suffice.embed.graph_network.batch_of_graphs`."""
        atoms, bonds, molecule = graph["atoms"], graph["bonds"], graph["molecule"]
        states = self.x_embedding1(atoms[:, 0]) + self.x_embedding2(atoms[:, 1])
        for number, (layer, norm) in enumerate(zip(self.gnns, self.batch_norms, strict=True), start=1):
            states = norm(layer(states, bonds))
            states = states if number == N_LAYERS else nn.functional.relu(states)
        n_molecules = int(molecule.max()) + 1
        total = states.new_zeros((n_molecules, WIDTH)).index_add_(0, molecule, states)
        return total / torch.bincount(molecule, minlength=n_molecules)[:, None]
