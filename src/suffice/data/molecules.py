"""Molecules as items: canonical SMILES, each once, optionally with scaffolds as groups. Needs RDKit."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.data.columns import GROUP
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.modalities.molecule import MoleculeSettings
from suffice.data.readers import named_items, read_file
from suffice.data.text_files import read_text
from suffice.errors import DataError, first_line
from suffice.storage.untrusted import UNREADABLE, suffix_of, unpacked

SMILES, NAME = "smiles", "name"
LINES, BLOCKS = (".smi", ".smiles"), (".sdf", ".sd", ".mol")
SMI_HEADERS = ("smiles", "smi", "canonical_smiles", "isomeric_smiles", "structure")
EXTENSION = re.compile(r"^\|[^|]*\|\s*")  # of ChemAxon, between a SMILES and its name
NOT_A_MOLECULE, TOO_HEAVY = "not a molecule", "too heavy"


def rdkit_module() -> Any:
    """RDKit's `Chem`.

    Raises:
        DataError: RDKit is not installed.
    """
    try:
        from rdkit import Chem
    except ImportError:
        raise DataError("molecules need the package rdkit: pip install 'suffice[molecules]'") from None
    return Chem


@contextlib.contextmanager
def quiet_rdkit() -> Iterator[None]:
    """RDKit without its messages about molecules it cannot read, which are counted instead."""
    from rdkit import rdBase

    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block


def read_molecules(paths: list[Path], settings: DatasetSettings) -> tuple[pd.DataFrame, dict[str, int]]:
    """The molecules of one or several files, and how many were left out for each reason.

    A molecule's content is the canonical SMILES of its largest fragment, without salts and solvents (turn
    this off with `largest_fragment`). With `scaffolds`, its group is its Bemis-Murcko scaffold, or the
    molecule itself if it has no ring. A split by group is then a scaffold split.

    Args:
        paths: tables with a column of SMILES, `.smi` files (SMILES first on each line) or `.sdf` files, whose
            properties become columns, each also .gz. Names in `.smi` and titles in `.sdf` files become the
            column `name`; they are the ids if each molecule has its own.
        settings: of the data set.

    Raises:
        DataError: RDKit is missing, or a file cannot be read.
    """
    chem, own = rdkit_module(), MoleculeSettings(**settings.modality_settings)
    table = pd.concat([read_molecule_file(path) for path in paths], ignore_index=True)
    titled = all(suffix_of(path) in (*LINES, *BLOCKS) for path in paths)
    column = settings.content or SMILES
    if column not in table:
        raise DataError(f"{paths[0].name} has no column {column!r}; it has {', '.join(map(str, table))}")
    with quiet_rdkit():
        molecules = [_molecule(chem, text, own.largest_fragment) for text in table[column]]
    valid = pd.Series([molecule is not None for molecule in molecules])
    heavy = pd.Series([_is_heavy(molecule, own.max_weight) for molecule in molecules])
    kept = table.copy()
    kept[column] = [chem.MolToSmiles(molecule) if molecule is not None else None for molecule in molecules]
    if own.scaffolds:
        kept[GROUP] = [_scaffold(chem, molecule) for molecule in molecules]
    named: dict[str, str | None] = {"content": column, **({"group": GROUP} if own.scaffolds else {})}
    kept = kept[valid & ~heavy].reset_index(drop=True)
    if titled:
        named |= {"id": _id_column(kept, settings)}
    items = named_items(kept, settings.model_copy(update=named))
    return items, {NOT_A_MOLECULE: int((~valid).sum()), TOO_HEAVY: int(heavy.sum())}


def read_molecule_file(path: Path) -> pd.DataFrame:
    """A file as a table."""
    suffix = suffix_of(path)
    if suffix not in (*LINES, *BLOCKS):
        return read_file(path)
    if not path.is_file():
        raise DataError(f"the data set file {path} does not exist; check the path in the data set table")
    if suffix in LINES:
        return _read_smi(path)
    try:
        with unpacked(path) as plain:
            return _read_sdf(plain)
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read ({first_line(error)}); it may be empty or damaged") from error


def _read_smi(path: Path) -> pd.DataFrame:
    """Molecules of a file with a SMILES first on each line, and the names that follow them."""
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    if lines and lines[0].split()[0].lower() in SMI_HEADERS:
        lines = lines[1:]
    cells = [*map(_smiles_and_name, lines)]
    table = {SMILES: [smiles for smiles, _ in cells], NAME: [name or None for _, name in cells]}
    return _without_empty_names(pd.DataFrame(table, dtype=object))


def _smiles_and_name(line: str) -> tuple[str, str]:
    """The SMILES of a line and the name after it, without an extension between bars and further columns."""
    smiles, _, rest = line.replace("\t", " \t", 1).partition(" ")
    rest = EXTENSION.sub("", rest.lstrip(" "))
    return smiles, rest.strip("\t ").partition("\t")[0].strip()


def _read_sdf(path: Path) -> pd.DataFrame:
    """Molecules of a structure-data file: the structure, its title, and its properties as columns of text.

    A property with the same name as one of the first two is kept under another name.
    """
    chem = rdkit_module()
    with quiet_rdkit():
        rows = [
            _sdf_row(chem, molecule) if molecule is not None else {SMILES: None, NAME: None}
            for molecule in chem.SDMolSupplier(str(path))
        ]
    return _without_empty_names(pd.DataFrame(rows, columns=None if rows else [SMILES]).astype(object))


def _sdf_row(chem: Any, molecule: Any) -> dict[str, Any]:
    properties = molecule.GetPropsAsDict(autoConvertStrings=False)
    title = molecule.GetProp("_Name").strip() if molecule.HasProp("_Name") else ""
    renamed = {
        f"{key} (property)" if key in (SMILES, NAME) else key: text for key, text in properties.items()
    }
    return {SMILES: chem.MolToSmiles(molecule), NAME: title or None, **renamed}


def _without_empty_names(table: pd.DataFrame) -> pd.DataFrame:
    return table if NAME in table and table[NAME].notna().any() else table.drop(columns=NAME, errors="ignore")


def _id_column(table: pd.DataFrame, settings: DatasetSettings) -> str | None:
    """The column of ids: the setting, or the molecules' names if each has its own."""
    if settings.id is not None or NAME not in table:
        return settings.id
    names = table[NAME]
    return NAME if names.notna().all() and names.is_unique else None


def _molecule(chem: Any, text: object, largest_fragment: bool) -> Any:
    """The molecule of a SMILES, or None."""
    if not isinstance(text, str) or not text.strip():
        return None
    molecule = chem.MolFromSmiles(text.strip())
    if molecule is None or molecule.GetNumAtoms() == 0:
        return None
    if not largest_fragment:
        return molecule
    fragments = chem.GetMolFrags(molecule, asMols=True)
    return max(fragments, key=lambda each: (each.GetNumHeavyAtoms(), each.GetNumAtoms()))


def _is_heavy(molecule: Any, max_weight: float | None) -> bool:
    from rdkit.Chem import rdMolDescriptors

    if molecule is None or max_weight is None:
        return False
    return bool(rdMolDescriptors.CalcExactMolWt(molecule) > max_weight)


def _scaffold(chem: Any, molecule: Any) -> str | None:
    """Canonical SMILES of the rings and their links, or of the whole molecule if it has no ring."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    if molecule is None:
        return None
    scaffolds: Any = MurckoScaffold
    scaffold = chem.MolToSmiles(scaffolds.GetScaffoldForMol(molecule))
    return scaffold or chem.MolToSmiles(molecule)
