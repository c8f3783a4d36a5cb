"""Two-dimensional descriptors of molecules, cleaned for comparison."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from suffice.data.columns import CONTENT
from suffice.data.corpus import Corpus, Window
from suffice.data.molecules import quiet_rdkit
from suffice.embed.base import Encoder, Loader
from suffice.embed.fingerprint import molecules_of, require_rdkit
from suffice.settings import Settings

FIT_ITEMS = 2000  # a molecule takes about 5 ms
FROM_STATES = ("MaxAbsEStateIndex", "MaxEStateIndex", "MinAbsEStateIndex", "MinEStateIndex")


class MoleculeDescriptorsSettings(Settings):
    """Settings of the kind `molecule_descriptors`."""

    clipped_share: float = Field(
        0.001,
        ge=0,
        lt=0.5,
        description="share of a descriptor's values at each end over the corpus that is limited to the "
        "rest; some descriptors have single values tens of standard deviations from the mean",
    )


class MoleculeDescriptors(Loader[MoleculeDescriptorsSettings]):
    """All of RDKit's 2D descriptors: weights, counts, surface areas, charges, fragments.

    Values that are not defined for a molecule (no ring, no charge) become the median over the corpus. Extreme
    values are limited to a quantile of the corpus. Scales, from 1e-6 to 1e4, are not changed, because
    estimators standardise. Constant descriptors are kept, and estimators leave them out.
    """

    kind = "molecule_descriptors"
    reads = "molecule"
    Settings = MoleculeDescriptorsSettings
    libraries = ("rdkit",)

    def check(self) -> None:
        """Raise ModelError without RDKit."""
        require_rdkit()

    def open(self, corpus: Corpus) -> Encoder:
        """Find medians and quantiles over the corpus, or over 2,000 of its items if it has more."""
        self.check()
        values = raw_descriptors(self._sample(corpus))
        share = self.settings.clipped_share
        with np.errstate(all="ignore"):
            known = np.isfinite(values).any(axis=0)
            filled = np.where(known, values, 0.0)
            low, middle, high = np.nanquantile(filled, [share, 0.5, 1 - share], axis=0)
        return _DescriptorEncoder(low, middle, high)

    @property
    def is_random(self) -> bool:
        """The seed decides the sample."""
        return True

    def _sample(self, corpus: Corpus) -> Window:
        """Random items for medians and quantiles; the seed decides which."""
        chosen = np.sort(np.random.default_rng(self.seed).permutation(corpus.n_items)[:FIT_ITEMS])
        return Window(0, [str(place) for place in chosen], list(corpus.column(CONTENT)[chosen]))


def raw_descriptors(window: Window) -> np.ndarray:
    """Descriptors from RDKit, float64; NaN if they are not defined or not finite."""
    functions = _functions()
    with quiet_rdkit():
        rows = [[_value(function, molecule) for function in functions] for molecule in molecules_of(window)]
    values = np.array(rows, dtype=np.float64)
    return np.where(np.abs(values) < np.finfo(np.float32).max, values, np.nan)


def _functions() -> list[Callable[[Any], float]]:
    """RDKit's descriptors in its order; electrotopological states are computed once per molecule."""
    from rdkit.Chem import Descriptors

    listed: Any = Descriptors.descList
    return [partial(function, force=False) if name in FROM_STATES else function for name, function in listed]


def _value(function: Callable[[Any], float], molecule: Any) -> float:
    try:
        return function(molecule)
    except Exception:  # noqa: BLE001 (RDKit raises many kinds if a descriptor is not defined)
        return np.nan


class _DescriptorEncoder(Encoder):
    def __init__(self, low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> None:
        self.low, self.middle, self.high = low, middle, high
        self.embed_dim = len(middle)

    def encode(self, window: Window) -> np.ndarray:
        """One row per molecule."""
        values = raw_descriptors(window)
        return np.clip(np.where(np.isnan(values), self.middle, values), self.low, self.high).astype(
            np.float32
        )
