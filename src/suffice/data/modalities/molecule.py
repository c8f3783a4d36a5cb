"""Molecules as items: their content is the canonical SMILES."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from suffice.data.modalities.base import Modality
from suffice.errors import DataError
from suffice.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings


class MoleculeSettings(Settings):
    """Columns of datasets.tsv for molecules only."""

    largest_fragment: bool = Field(
        True, description="keep the largest fragment of each molecule, without salts and solvents"
    )
    scaffolds: bool = Field(
        False,
        description="molecules of one Bemis-Murcko scaffold are a group, so splits are by scaffold",
    )
    max_weight: float | None = Field(None, gt=0, description="heaviest molecule kept, in daltons")


class Molecule(Modality):
    """Molecules, read by RDKit.

    With two looks, nearness agrees less with tasks than `linear` alone, see docs/method.md. There is no
    evidence that one look is weaker.
    """

    name = "smiles"
    items = "molecules"
    summary = (
        "items are molecules; their content becomes the canonical SMILES, items that are not molecules are "
        "dropped, and the column content is `smiles` by default"
    )
    content = "smiles"
    Settings = MoleculeSettings
    sources = ("file", "datasets")
    several_files = True
    packages = ("rdkit",)
    read_as = ("molecule", "text")
    record = (
        "On two pools of molecule models with labelled tasks, the ranking agreed with the tasks at rank "
        "correlations of 0.50 and -0.07: label some molecules before you decide."
    )
    can_settle = False
    why_no_parts = "part of a molecule is not a look at it"
    models = {
        "ecfp4-1024": {"loader": "fingerprint", "family": "circular", "fingerprint": "ecfp"},
        "fcfp4-1024": {"loader": "fingerprint", "family": "circular", "fingerprint": "fcfp"},
        "rdkit-paths": {"loader": "fingerprint", "family": "paths", "fingerprint": "rdkit"},
        "maccs": {"loader": "fingerprint", "family": "keys", "fingerprint": "maccs"},
        "descriptors-2d": {"loader": "molecule_descriptors", "family": "descriptors"},
    }
    control = (
        "untrained-gin",
        {
            "loader": "graph_network",
            "family": "untrained control",
            "convolution": "gin",
            "random_init": "true",
            "target": "false",
            "control": "true",
        },
    )

    def table(self, path: Path) -> "pd.DataFrame":
        """A table, .smi or .sdf file."""
        from suffice.data.molecules import read_molecule_file

        return read_molecule_file(path)

    def read(self, settings: "DatasetSettings") -> "tuple[pd.DataFrame, dict[str, int]]":
        """The molecules of one or several files."""
        from suffice.data.molecules import read_molecules
        from suffice.data.paths import paths_of

        items, left_out = read_molecules(paths_of(str(settings.path), several=True), settings)
        if items.empty:
            raise DataError(f"{settings.path} has no molecules; give a data set with at least one")
        return items, left_out

    def check(self, settings: "DatasetSettings") -> None:
        """Check that groups come either from scaffolds or from a column."""
        if self.makes_groups(settings) and settings.group:
            raise ValueError("scaffolds already defines the groups; leave group empty")

    def makes_groups(self, settings: "DatasetSettings") -> bool:
        """Whether scaffolds are groups."""
        return MoleculeSettings(**settings.modality_settings).scaffolds


MOLECULE = Molecule()
