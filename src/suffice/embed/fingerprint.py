"""Molecular fingerprints of RDKit: substructures as bits or counts."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from pydantic import Field

from suffice.data.corpus import Corpus, Window
from suffice.data.molecules import quiet_rdkit
from suffice.embed.base import Encoder, Loader
from suffice.errors import ModelError
from suffice.settings import Settings

Fingerprint = Literal[
    "ecfp", "fcfp", "atom_pair", "topological_torsion", "rdkit", "layered", "pattern", "avalon", "maccs",
    "erg", "estate",
]  # fmt: skip
FIXED = ("maccs", "erg", "estate")  # their width is fixed
COUNTED = ("ecfp", "fcfp", "atom_pair", "topological_torsion", "rdkit", "avalon")
CIRCULAR = ("ecfp", "fcfp")


class FingerprintSettings(Settings):
    """Settings of the kind `fingerprint`."""

    fingerprint: Fingerprint = Field(description="which fingerprint")
    n_bits: int = Field(1024, ge=8, description="width of hashed fingerprints; not for maccs, erg, estate")
    radius: int = Field(2, ge=0, le=8, description="bonds around an atom; ecfp and fcfp only (2 is ECFP4)")
    counts: bool = Field(False, description="count substructures, not only presence; hashed ones only")


class FingerprintLoader(Loader[FingerprintSettings]):
    """Fingerprints of molecules, from their SMILES, by RDKit.

    Sources: ECFP and FCFP, Rogers and Hahn 2010, doi 10.1021/ci100050t; atom pairs, Carhart et al. 1985;
    topological torsions, Nilakantan et al. 1987; MACCS keys, Durant et al. 2002; Avalon, Gedeck et al. 2006;
    ErG, Stiefl et al. 2006; EState, Hall and Kier 1995; the others are RDKit's own.
    """

    kind = "fingerprint"
    Settings = FingerprintSettings
    reads = "molecule"
    libraries = ("rdkit",)

    def check(self) -> None:
        """Raise ModelError for a setting that this fingerprint does not use, or without RDKit."""
        settings = self.settings
        given = settings.model_fields_set
        if settings.fingerprint in FIXED and "n_bits" in given:
            raise ModelError(f"{settings.fingerprint} has a fixed width; leave n_bits out")
        if settings.fingerprint not in CIRCULAR and "radius" in given:
            raise ModelError(f"{settings.fingerprint} has no radius; leave it out")
        if settings.fingerprint not in COUNTED and settings.counts:
            raise ModelError(f"{settings.fingerprint} has no counts; use one of {', '.join(COUNTED)}")
        require_rdkit()

    def open(self, corpus: Corpus) -> Encoder:
        """The generator, without a fit."""
        self.check()
        return _FingerprintEncoder(vector_of(self.settings))


class _FingerprintEncoder(Encoder):
    """Vectors of one molecule after another."""

    def __init__(self, vector: Callable[[Any], np.ndarray]) -> None:
        from rdkit import Chem

        self.vector = vector
        self.embed_dim = len(vector(Chem.MolFromSmiles("C")))

    def encode(self, window: Window) -> np.ndarray:
        """One row per molecule."""
        return np.array([self.vector(molecule) for molecule in molecules_of(window)], dtype=np.float32)


def require_rdkit() -> None:
    """Raise ModelError without RDKit."""
    try:
        import rdkit  # noqa: F401
    except ImportError:
        raise ModelError("this loader needs the package rdkit: pip install 'suffice[molecules]'") from None


def molecules_of(window: Window) -> list[Any]:
    """The molecules of a window.

    Raises:
        ModelError: an item is not a SMILES.
    """
    from rdkit import Chem

    with quiet_rdkit():
        molecules = [Chem.MolFromSmiles(text) for text in window.contents]
    for text, molecule in zip(window.contents, molecules, strict=True):
        if molecule is None:
            raise ModelError(
                f"the item {text[:60]!r} is not a SMILES; set content_type smiles in datasets.tsv to drop "
                "unreadable items"
            )
    return molecules


def vector_of(settings: FingerprintSettings) -> Callable[[Any], np.ndarray]:
    """A function from a molecule to its fingerprint, float64."""
    from rdkit import DataStructs
    from rdkit.Avalon import pyAvalonTools
    from rdkit.Chem import LayeredFingerprint, PatternFingerprint, rdMolDescriptors, rdReducedGraphs
    from rdkit.Chem.EState import Fingerprinter

    estate: Any = Fingerprinter

    def bits(vector: Any) -> np.ndarray:
        found = np.zeros(vector.GetNumBits(), dtype=np.float64)
        DataStructs.ConvertToNumpyArray(vector, found)
        return found

    name, n_bits = settings.fingerprint, settings.n_bits
    if name == "avalon":
        avalon = pyAvalonTools.GetAvalonCountFP if settings.counts else pyAvalonTools.GetAvalonFP
        return lambda molecule: _dense(avalon(molecule, n_bits), n_bits)
    makers: dict[str, Callable[[Any], np.ndarray]] = {
        "layered": lambda molecule: bits(LayeredFingerprint(molecule, fpSize=n_bits)),
        "pattern": lambda molecule: bits(PatternFingerprint(molecule, fpSize=n_bits)),
        "maccs": lambda molecule: bits(rdMolDescriptors.GetMACCSKeysFingerprint(molecule)),
        "erg": lambda molecule: np.asarray(rdReducedGraphs.GetErGFingerprint(molecule), dtype=np.float64),
        "estate": lambda molecule: np.asarray(estate.FingerprintMol(molecule)[1], dtype=np.float64),
    }
    if name in makers:
        return makers[name]
    generator = _generator(settings)
    if settings.counts:
        return lambda molecule: np.asarray(generator.GetCountFingerprintAsNumPy(molecule), dtype=np.float64)
    return lambda molecule: np.asarray(generator.GetFingerprintAsNumPy(molecule), dtype=np.float64)


def _dense(vector: Any, n_bits: int) -> np.ndarray:
    """A bit vector, or a sparse vector of counts, as an array."""
    found = np.zeros(n_bits)
    if hasattr(vector, "GetNonzeroElements"):
        for place, count in vector.GetNonzeroElements().items():
            found[place] = count
    else:
        found[list(vector.GetOnBits())] = 1
    return found


def _generator(settings: FingerprintSettings) -> Any:
    """RDKit's generator of a hashed fingerprint."""
    from rdkit.Chem import rdFingerprintGenerator as generators

    n_bits = settings.n_bits
    if settings.fingerprint == "atom_pair":
        return generators.GetAtomPairGenerator(fpSize=n_bits)
    if settings.fingerprint == "topological_torsion":
        return generators.GetTopologicalTorsionGenerator(fpSize=n_bits)
    if settings.fingerprint == "rdkit":
        return generators.GetRDKitFPGenerator(fpSize=n_bits)
    if settings.fingerprint == "fcfp":
        features = generators.GetMorganFeatureAtomInvGen()
        return generators.GetMorganGenerator(
            radius=settings.radius, fpSize=n_bits, atomInvariantsGenerator=features
        )
    return generators.GetMorganGenerator(radius=settings.radius, fpSize=n_bits)
