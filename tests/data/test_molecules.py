import gzip

import pandas as pd
import pytest

from suffice.data.build import build_corpus
from suffice.data.check import check_dataset
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.molecules import read_molecules
from suffice.data.paths import paths_of, resolve_paths
from suffice.errors import DataError

ROWS = """smiles,activity,note
OCC,1.5,ethanol
CCO,2.5,the same
c1ccccc1CC,3.5,ethylbenzene
C(C)c1ccc(F)cc1,4.5,the same scaffold
CCN.Cl,5.5,a salt
not a molecule,6.5,
,7.5,empty
CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC,8.5,heavy
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "molecules.csv"
    path.write_text(ROWS)
    return path


def settings(path, **more):
    return DatasetSettings(source="file", path=str(path), content_type="smiles", min_items=2, **more)


def built(tmp_path, chosen):
    build_corpus(chosen, 0, tmp_path / "corpus.parquet")
    corpus = Corpus(tmp_path / "corpus.parquet")
    return corpus.table().set_index("content"), corpus.manifest


def test_molecules_are_canonical_without_salts_and_each_once(table, tmp_path):
    items, manifest = built(tmp_path, settings(table, max_weight=500))
    assert set(items.index) == {"CCO", "CCc1ccccc1", "CCc1ccc(F)cc1", "CCN"}
    assert manifest["dropped"] == {"not a molecule": 2, "too heavy": 1, "duplicate": 1}
    assert items.loc["CCO", "activity"] == 1.5 and "rdkit" in manifest["versions"]


def test_scaffolds_are_groups_and_chains_are_on_their_own(table, tmp_path):
    items, _ = built(tmp_path, settings(table, scaffolds=True, max_weight=500))
    assert items.loc["CCc1ccccc1", "group"] == items.loc["CCc1ccc(F)cc1", "group"] == "c1ccccc1"
    assert items.loc["CCO", "group"] == "CCO" != items.loc["CCN", "group"]
    assert items.groupby("group")["split"].nunique().max() == 1


def test_salts_can_stay(table, tmp_path):
    items, _ = built(tmp_path, settings(table, largest_fragment=False))
    assert "CCN.Cl" in items.index


def test_several_files_of_several_kinds_are_one_set(table, tmp_path):
    Chem = pytest.importorskip("rdkit.Chem")
    (tmp_path / "more.smi").write_text("c1ccncc1 pyridine\nCO methanol\n\n")
    with Chem.SDWriter(str(tmp_path / "one.sdf")) as writer:
        molecule = Chem.MolFromSmiles("C1CC1")
        molecule.SetProp("activity", "9.5")
        writer.write(molecule)
    where = resolve_paths("molecules.csv, more.smi,one.sdf", tmp_path, several=True)
    assert paths_of(where, several=True) == [
        tmp_path / name for name in ("molecules.csv", "more.smi", "one.sdf")
    ]
    items, manifest = built(tmp_path, settings(where))
    assert {"c1ccncc1", "CO", "C1CC1"} <= set(items.index)
    assert items.loc["C1CC1", "activity"] == "9.5" and pd.isna(items.loc["CO", "activity"])
    assert len(manifest["source_sha256"]) == 3


def test_files_inside_packages(tmp_path):
    found = resolve_paths("package:rdkit/Data/NCI/first_5K.smi", tmp_path, several=True)
    assert paths_of(found, several=True)[0].is_file()
    with pytest.raises(DataError, match="the Python package 'nowhere' is not installed"):
        resolve_paths("package:nowhere/x.csv", tmp_path, several=False)
    assert resolve_paths("a,b.csv", tmp_path, several=False) == str(tmp_path / "a,b.csv")


def test_the_columns_are_known_before_any_job(table):
    columns = check_dataset(settings(table, scaffolds=True), "m", ranked=False)
    assert {"content", "activity", "note", "group"} <= set(columns)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"content": "SMILES"}, "has no column 'SMILES'; it has smiles, activity, note"),
        ({"min_items": 50}, "remain, fewer than min_items = 50 .2 not a molecule, 1 duplicate"),
    ],
)
def test_what_is_wrong_is_said(table, more, message):
    chosen = DatasetSettings(
        source="file", path=str(table), content_type="smiles", **{"min_items": 2, **more}
    )
    with pytest.raises(DataError, match=message):
        check_dataset(chosen, "m", ranked=False)


@pytest.mark.parametrize("name", ["gone.smi", "gone.sdf", "gone.csv"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(DataError, match=f"{name} does not exist"):
        check_dataset(settings(tmp_path / name), "m", ranked=False)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"scaffolds": True}, "scaffolds: only with content_type smiles"),
        ({"content_type": "smiles", "scaffolds": True, "group": "series"}, "leave group empty"),
        ({"content_type": "smiles", "max_weight": -1}, "greater than 0"),
    ],
)
def test_settings_that_do_not_go_together(more, message):
    with pytest.raises(ValueError, match=message):
        DatasetSettings(source="file", path="x.csv", **more)


def test_molecules_of_the_hub_are_refused():
    with pytest.raises(ValueError, match="is for source file or datasets, not for 'hub'"):
        DatasetSettings(source="hub", path="owner/name", content_type="smiles")


def write_sdf(path, molecules):
    """Molecules by SMILES, with their title and properties."""
    chem = pytest.importorskip("rdkit.Chem")
    with chem.SDWriter(str(path)) as writer:
        for smiles, title, properties in molecules:
            molecule = chem.MolFromSmiles(smiles)
            molecule.SetProp("_Name", title)
            for key, value in properties.items():
                molecule.SetProp(key, value)
            writer.write(molecule)


def read(path, **more):
    return read_molecules([path], settings(path, **more))[0]


def test_titles_that_are_unique_are_ids_and_others_a_column(tmp_path):
    write_sdf(tmp_path / "a.sdf", [("CCO", "M-1", {}), ("CCN", "M-2", {})])
    assert read(tmp_path / "a.sdf")["id"].tolist() == ["M-1", "M-2"]
    write_sdf(tmp_path / "b.sdf", [("CCO", "same", {}), ("CCN", "same", {})])
    items = read(tmp_path / "b.sdf")
    assert items["id"].tolist() == ["0", "1"] and items["name"].tolist() == ["same", "same"]
    write_sdf(tmp_path / "c.sdf", [("CCO", "", {}), ("CCN", "", {})])
    assert list(read(tmp_path / "c.sdf")) == ["id", "content"]


def test_a_property_never_replaces_the_structure_or_the_title(tmp_path):
    write_sdf(tmp_path / "a.sdf", [("CCO", "M-1", {"smiles": "c1ccccc1", "name": "benzene"})])
    (row,) = read(tmp_path / "a.sdf").to_dict("records")
    expected = {"id": "M-1", "content": "CCO", "smiles (property)": "c1ccccc1", "name (property)": "benzene"}
    assert row == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("CCO M-1\nCCN M-2\n", ["M-1", "M-2"]),
        ("SMILES\tName\nCCO\tM 1\t3.5\nCCN\tM 2\t4.5\n", ["M 1", "M 2"]),
        ("CCO |$;;R1$| ethyl alcohol\nCCN |c:0| ethyl amine\n", ["ethyl alcohol", "ethyl amine"]),
        ("CCO\nCCN M-2\n", ["0", "1"]),
    ],
)
@pytest.mark.parametrize("suffix", [".smi", ".SMI", ".smi.gz"])
def test_names_after_smiles_are_ids(tmp_path, text, names, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith(".gz") else text.encode())
    items = read(path)
    assert items["content"].tolist() == ["CCO", "CCN"] and items["id"].tolist() == names


def test_an_id_that_the_settings_name_is_taken(tmp_path):
    write_sdf(tmp_path / "a.sdf", [("CCO", "M-1", {"code": "x"}), ("CCN", "M-2", {"code": "y"})])
    items = read(tmp_path / "a.sdf", id="code")
    assert items["id"].tolist() == ["x", "y"] and items["name"].tolist() == ["M-1", "M-2"]
