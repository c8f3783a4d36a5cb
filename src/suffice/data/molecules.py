"""Molecules as items: canonical SMILES, each once, with scaffolds as groups if wanted. Needs RDKit."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.data.corpus import GROUP
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.readers import named_items, read_file, read_text
from suffice.errors import DataError, first_line
from suffice.foreign import UNREADABLE

SMILES = "smiles"
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
    """RDKit without its messages on each molecule it cannot read; they are counted instead."""
    from rdkit import rdBase

    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block


def read_molecules(paths: list[Path], settings: DatasetSettings) -> tuple[pd.DataFrame, dict[str, int]]:
    """The molecules of one or several files, and how many were left out for each reason.

    A molecule's content is the canonical SMILES of its largest fragment, so that salts and solvents do not
    count (turn it off with `largest_fragment`). With `scaffolds` its group is its Bemis-Murcko scaffold, and
    itself if it has no ring, so that a split by group is a scaffold split.

    Args:
        paths: tables with a column of SMILES, `.smi` files (SMILES first on each line) or `.sdf` files, whose
            properties become columns.
        settings: of the data set.

    Raises:
        DataError: RDKit is missing, or a file cannot be read.
    """
    chem = rdkit_module()
    table = pd.concat([_read(path) for path in paths], ignore_index=True)
    column = settings.content or SMILES
    if column not in table:
        raise DataError(f"{paths[0].name} has no column {column!r}; it has {', '.join(map(str, table))}")
    with quiet_rdkit():
        molecules = [_molecule(chem, text, settings.largest_fragment) for text in table[column]]
    valid = pd.Series([molecule is not None for molecule in molecules])
    heavy = pd.Series([_is_heavy(molecule, settings.max_weight) for molecule in molecules])
    kept = table.copy()
    kept[column] = [chem.MolToSmiles(molecule) if molecule is not None else None for molecule in molecules]
    if settings.scaffolds:
        kept[GROUP] = [_scaffold(chem, molecule) for molecule in molecules]
    named = {"content": column, **({"group": GROUP} if settings.scaffolds else {})}
    kept = kept[valid & ~heavy].reset_index(drop=True)
    items = named_items(kept, settings.model_copy(update=named))
    return items, {NOT_A_MOLECULE: int((~valid).sum()), TOO_HEAVY: int(heavy.sum())}


def _read(path: Path) -> pd.DataFrame:
    """A file as a table."""
    if path.suffix in (".smi", ".sdf") and not path.is_file():
        raise DataError(f"the data set file {path} does not exist; check the path in the data set table")
    if path.suffix == ".smi":
        lines = [line.split(maxsplit=1)[0] for line in read_text(path).splitlines() if line.strip()]
        return pd.DataFrame({SMILES: pd.Series(lines, dtype=object)})
    if path.suffix == ".sdf":
        try:
            return _read_sdf(path)
        except UNREADABLE as error:
            raise DataError(
                f"{path} cannot be read ({first_line(error)}); it may be empty or damaged"
            ) from error
    return read_file(path)


def _read_sdf(path: Path) -> pd.DataFrame:
    """Molecules of a structure-data file, their properties as columns of text."""
    chem = rdkit_module()
    with quiet_rdkit():
        rows = [
            {SMILES: chem.MolToSmiles(molecule), **molecule.GetPropsAsDict(autoConvertStrings=False)}
            if molecule is not None
            else {SMILES: None}
            for molecule in chem.SDMolSupplier(str(path))
        ]
    return pd.DataFrame(rows).astype(object)


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
    """Canonical SMILES of the rings and what links them; of the whole molecule if it has no ring."""
    from rdkit.Chem.Scaffolds import MurckoScaffold

    if molecule is None:
        return None
    scaffolds: Any = MurckoScaffold
    scaffold = chem.MolToSmiles(scaffolds.GetScaffoldForMol(molecule))
    return scaffold or chem.MolToSmiles(molecule)
