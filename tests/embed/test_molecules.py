"""Fingerprints, descriptors and graph networks of molecules."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch

from suffice.data.build import build_corpus
from suffice.data.corpus import Corpus, Window
from suffice.data.dataset_settings import DatasetSettings
from suffice.embed.fingerprint import FIXED, Fingerprint, FingerprintLoader, FingerprintSettings
from suffice.embed.graph_layers import CONVOLUTIONS, MoleculeNetwork
from suffice.embed.graph_network import GraphNetwork, GraphNetworkSettings, batch_of_graphs
from suffice.embed.molecule_descriptors import (
    MoleculeDescriptors,
    MoleculeDescriptorsSettings,
    raw_descriptors,
)
from suffice.embed.registry import build_loader
from suffice.embed.standin import write_standin
from suffice.embed.write import write_embedding
from suffice.errors import ModelError
from suffice.storage.fetch import FetchError
from suffice.storage.files import sha256_of_file, write_json

Chem = pytest.importorskip("rdkit.Chem")
DataStructs = pytest.importorskip("rdkit.DataStructs")
SMILES = ["CCO", "c1ccccc1C(=O)O", "C/C=C\\N", "CC(C)[C@H](N)C(=O)O", "C", "C1CC1.[Na+]", "N#Cc1ccncc1"]


def window(texts=SMILES):
    return Window(0, [str(i) for i in range(len(texts))], list(texts))


@pytest.fixture
def corpus(tmp_path):
    table = pd.DataFrame({"id": [str(i) for i in range(len(SMILES))], "content": SMILES, "group": SMILES})
    table.assign(split="train").to_parquet(tmp_path / "m.parquet")
    write_json({"content_sha256": "x"}, tmp_path / "m.json")
    return Corpus(tmp_path / "m.parquet")


def fingerprints(**settings):
    return FingerprintLoader(FingerprintSettings(**settings)).open(None).encode(window())


@pytest.mark.parametrize("name", get_args(Fingerprint))
def test_every_fingerprint_tells_molecules_apart(name):
    vectors = fingerprints(fingerprint=name)
    assert vectors.dtype == np.float32 and len(vectors) == len(SMILES)
    assert np.isfinite(vectors).all() and len(np.unique(vectors, axis=0)) >= 4
    if name not in FIXED:
        assert vectors.shape[1] == 1024 and set(np.unique(vectors)) == {0, 1}
        assert fingerprints(fingerprint=name, n_bits=64).shape[1] == 64


def test_widths_of_fixed_fingerprints():
    assert {name: fingerprints(fingerprint=name).shape[1] for name in FIXED} == {
        "maccs": 167, "erg": 315, "estate": 79,
    }  # fmt: skip


def test_ecfp_counts_circular_neighbourhoods():
    """Propane, radius 0: two kinds of atoms, one of them twice; with radius 1 two neighbourhoods more."""
    encoder = FingerprintLoader(FingerprintSettings(fingerprint="ecfp", radius=0, counts=True)).open(None)
    assert sorted(encoder.encode(window(["CCC"]))[0].tolist())[-2:] == [1, 2]
    wider = FingerprintLoader(FingerprintSettings(fingerprint="ecfp", radius=1, counts=True)).open(None)
    assert wider.encode(window(["CCC"])).sum() > 3


def test_similarity_by_bits_is_that_of_rdkit():
    vectors = fingerprints(fingerprint="avalon").astype(bool)
    from rdkit.Avalon.pyAvalonTools import GetAvalonFP

    own = [GetAvalonFP(Chem.MolFromSmiles(text), 1024) for text in SMILES[:2]]
    tanimoto = (vectors[0] & vectors[1]).sum() / (vectors[0] | vectors[1]).sum()
    assert tanimoto == pytest.approx(DataStructs.TanimotoSimilarity(*own))


def test_descriptors_are_finite_and_drawn_in(corpus):
    loader = MoleculeDescriptors(MoleculeDescriptorsSettings(clipped_share=0.2))
    vectors = loader.open(corpus).encode(window())
    assert np.isfinite(vectors).all() and vectors.shape[1] > 150
    raw = MoleculeDescriptors(MoleculeDescriptorsSettings(clipped_share=0)).open(corpus).encode(window())
    assert np.isfinite(raw).all()
    weight = [Chem.Descriptors.MolWt(Chem.MolFromSmiles(text)) for text in SMILES]
    column = int(np.abs(raw - np.array(weight)[:, None]).max(axis=0).argmin())
    assert raw[:, column] == pytest.approx(weight, rel=1e-6)
    assert vectors[:, column].max() < raw[:, column].max()


def test_descriptors_are_those_of_rdkit_in_its_order():
    values = raw_descriptors(window())
    found = [Chem.Descriptors.CalcMolDescriptors(Chem.MolFromSmiles(text), np.nan) for text in SMILES]
    expected = np.array([list(each.values()) for each in found])
    assert np.array_equal(values, np.where(np.isfinite(expected), expected, np.nan), equal_nan=True)


def dense_layer(layer, kind, states, molecule):
    """One layer by dense matrices and loops over bonds, written from the formulas alone."""
    n = molecule.GetNumAtoms()
    edge = np.zeros((n, n, layer.edge_embedding1.weight.shape[1]))
    adjacent = np.eye(n, dtype=bool)
    first, second = (each.weight.detach().numpy() for each in (layer.edge_embedding1, layer.edge_embedding2))
    edge[np.arange(n), np.arange(n)] = first[4] + second[0]
    kinds = {"SINGLE": 0, "DOUBLE": 1, "TRIPLE": 2, "AROMATIC": 3}
    directions = {"ENDUPRIGHT": 1, "ENDDOWNRIGHT": 2}
    for bond in molecule.GetBonds():
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        adjacent[i, j] = adjacent[j, i] = True
        of = first[kinds[bond.GetBondType().name]] + second[directions.get(bond.GetBondDir().name, 0)]
        edge[i, j] = edge[j, i] = of

    def linear(module, x):
        return x @ module.weight.detach().numpy().T + module.bias.detach().numpy()

    if kind == "gin":
        total = np.array([sum(states[j] + edge[j, i] for j in range(n) if adjacent[i, j]) for i in range(n)])
        return linear(layer.mlp[2], np.maximum(linear(layer.mlp[0], total), 0))
    if kind == "gat":
        heads = linear(layer.weight_linear, states).reshape(n, 2, 300)
        edges, weights, out = edge.reshape(n, n, 2, 300), layer.att.detach().numpy()[0], np.zeros((n, 2, 300))
        for i in range(n):
            near = [j for j in range(n) if adjacent[i, j]]
            messages = np.array([heads[j] + edges[j, i] for j in near])
            score = np.array([(np.concatenate([heads[i], m], axis=1) * weights).sum(1) for m in messages])
            share = np.exp(np.where(score > 0, score, 0.2 * score))
            out[i] = (messages * (share / share.sum(0))[..., None]).sum(0)
        return out.mean(1) + layer.bias.detach().numpy()
    moved, degree = linear(layer.linear, states), adjacent.sum(1)
    out = np.zeros((n, 300))
    for i in range(n):
        for j in np.flatnonzero(adjacent[i]):
            out[i] += (moved[j] + edge[j, i]) * (
                1 / np.sqrt(degree[i] * degree[j]) if kind == "gcn" else 1 / degree[i]
            )
    return out if kind == "gcn" else out / np.linalg.norm(out, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_graph_network_is_what_dense_matrices_give(kind):
    torch.manual_seed(0)
    network = MoleculeNetwork(kind).eval()
    molecules = [Chem.MolFromSmiles(text) for text in SMILES]
    graph = {name: torch.from_numpy(array) for name, array in batch_of_graphs(molecules).items()}
    with torch.no_grad():
        found = network(graph).numpy()
    for row, molecule in zip(found, molecules, strict=True):
        elements = [atom.GetAtomicNum() - 1 for atom in molecule.GetAtoms()]
        chirality = [min(int(atom.GetChiralTag()), 2) for atom in molecule.GetAtoms()]
        states = (
            (network.x_embedding1.weight[elements] + network.x_embedding2.weight[chirality]).detach().numpy()
        )
        for number, layer in enumerate(network.gnns):
            states = dense_layer(layer, kind, states, molecule) / np.sqrt(1 + 1e-5)  # untrained normalisation
            states = np.maximum(states, 0) if number < 4 else states
        assert row == pytest.approx(states.mean(axis=0), abs=1e-4)


@pytest.mark.parametrize(
    ("convolution", "name"), [("gcn", "snap_gcn_supervised"), ("graphsage", "snap_graphsage_contextpred")]
)
def test_public_checkpoints_load_strictly(shared_data, convolution, name):
    path = shared_data / "models" / "molecules" / f"{name}.pth"
    settings = GraphNetworkSettings(convolution=convolution, path=str(path), sha256=sha256_of_file(path))
    encoder = GraphNetwork(settings).open(None)
    vectors = encoder.encode(window())
    assert vectors.shape == (len(SMILES), 300) and np.isfinite(vectors).all()
    assert vectors == pytest.approx(
        np.concatenate([encoder.encode(window([text])) for text in SMILES]), abs=1e-4
    )
    other = "gin" if convolution == "gcn" else "gat"
    with pytest.raises(ModelError, match="does not fit this graph network"):
        GraphNetwork(GraphNetworkSettings(convolution=other, path=str(path))).open(None)


def test_a_graph_network_short_of_memory_halves_its_batches_and_gives_the_same(corpus, monkeypatch):
    settings = GraphNetworkSettings(convolution="gin", random_init=True)
    encoder = GraphNetwork(settings).open(corpus)
    whole, forward = encoder.encode(window()), MoleculeNetwork.forward

    def short_of_memory(self, graph):
        if graph["molecule"].max() >= 2:
            raise MemoryError
        return forward(self, graph)

    monkeypatch.setattr(MoleculeNetwork, "forward", short_of_memory)
    np.testing.assert_allclose(encoder.encode(window()), whole, rtol=1e-4, atol=1e-5)
    assert encoder.batches.batch_size <= 2
    assert encoder.warnings() == [
        f"memory was short: batches had {encoder.batches.batch_size} items instead of 256"
    ]


def test_untrained_weights_are_the_seeds():
    vectors = [
        GraphNetwork(GraphNetworkSettings(convolution="gin", random_init=True), seed=seed)
        .open(None)
        .encode(window())
        for seed in (1, 1, 2)
    ]
    assert (vectors[0] == vectors[1]).all() and not np.allclose(vectors[0], vectors[2])


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (lambda: FingerprintLoader(FingerprintSettings(fingerprint="maccs", n_bits=64)), "leave n_bits out"),
        (lambda: FingerprintLoader(FingerprintSettings(fingerprint="avalon", radius=3)), "has no radius"),
        (lambda: FingerprintLoader(FingerprintSettings(fingerprint="layered", counts=True)), "has no counts"),
        (lambda: GraphNetwork(GraphNetworkSettings(convolution="gin", path="/gone.pth")), "does not exist"),
    ],
)
def test_wrong_settings_are_named(loader, message):
    with pytest.raises(ModelError, match=message):
        loader().check()


def test_another_file_than_the_pinned_one(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"x")
    settings = GraphNetworkSettings(convolution="gin", path=str(tmp_path / "w.pth"), sha256="0" * 64)
    with pytest.raises(FetchError, match="the SHA-256 of .* is not"):
        GraphNetwork(settings).check()
    with pytest.raises(ModelError, match="does not fit this graph network"):
        GraphNetwork(GraphNetworkSettings(convolution="gin", path=str(tmp_path / "w.pth"))).open(None)


@pytest.mark.parametrize(
    "more", [{}, {"random_init": True, "path": "x"}, {"random_init": True, "sha256": "0" * 64}]
)
def test_weights_are_from_one_place(more):
    with pytest.raises(ValueError, match="path"):
        GraphNetworkSettings(convolution="gin", **more)


def test_a_text_is_no_molecule():
    with pytest.raises(ModelError, match="'a sentence' is not a SMILES; set content_type smiles"):
        FingerprintLoader(FingerprintSettings(fingerprint="ecfp")).open(None).encode(
            window(["CCO", "a sentence"])
        )


def test_a_checkpoint_by_url_needs_its_hash_and_is_checked_without_network(monkeypatch, tmp_path):
    monkeypatch.setenv("SUFFICE_CACHE", str(tmp_path))
    url = "https://example.org/masking.pth"
    with pytest.raises(FetchError, match="needs the setting sha256"):
        GraphNetwork(GraphNetworkSettings(convolution="gin", path=url)).check()
    loader = GraphNetwork(GraphNetworkSettings(convolution="gin", path=url, sha256="0" * 64))
    with pytest.raises(FetchError, match="downloads are switched off"):
        loader.fetch()  # the tests run offline
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(FetchError, match="is not in the cache; run `suffice fetch STUDY`"):
        loader.check()


@pytest.mark.parametrize("kind", ["hidden_states", "sentence_transformer"])
def test_a_transformer_reads_smiles_as_it_reads_texts(kind, tmp_path):
    """A RoBERTa, as those trained on SMILES are, whose vocabulary is made from the molecules."""
    smiles = ["CCO", "c1ccccc1", "CC(=O)O", "CCCCCBr", "CCN(CC)CC", "O=C(O)c1ccccc1", "CC#N", "ClCCl"]
    raw = tmp_path / "molecules.csv"
    raw.write_text("smiles\n" + "\n".join([*smiles, "not a molecule"]) + "\n")
    settings = DatasetSettings(source="file", path=str(raw), content_type="smiles", min_items=5)
    build_corpus(settings, 0, tmp_path / "molecules.parquet")
    corpus = Corpus(tmp_path / "molecules.parquet")
    assert corpus.n_items == len(smiles)
    write_standin(tmp_path / "checkpoint", "roberta", kind, smiles, seed=1)
    loader = build_loader(kind, {"checkpoint": str(tmp_path / "checkpoint")}, 0, "cpu")
    loader.check()
    write_embedding(loader, corpus, tmp_path / "v.npy", model="chem", dataset="molecules")
    vectors = np.load(tmp_path / "v.npy")
    assert vectors.shape == (len(smiles), 32)
    assert np.linalg.matrix_rank(vectors - vectors.mean(axis=0)) == len(smiles) - 1
