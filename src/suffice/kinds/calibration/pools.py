"""Pools of models with known scores, ranks and ties, to check the coverage of intervals.

All models are noisy views of one signal, each with its own noise. The first two are equal: they have the same
noise level and the same axes, so their scores are equal in the population of items.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suffice.kinds.calibration.channel import (
    Floats,
    Floats32,
    gaussian_nats_of,
    information_profile,
    linear_nats_by_dim,
    mixed,
    normals,
    spectrum_and_rotation,
)
from suffice.kinds.calibration.warps import (
    MILD_TAILS,
    Warp,
    bend,
    bent_covariance,
    linear_nats_of,
    unit_rows,
)
from suffice.seeds import derive_seed

LINEAR, GAUSSIAN, TRUTH = "linear", "gaussian", "truth"
Matrix = Floats


@dataclass(frozen=True)
class PoolDesign:
    """The design of a pool.

    Attributes:
        dim: width of all models.
        n_items: number of items.
        levels: information of each model about the signal, in nats per dimension; the first two are equal.
        copies: number of times that each item occurs in the data; copies share a group.
        even: whether all components of the signal carry the same information, or strong ones carry more.
        warp: transforms every dimension; None: Gaussian.
    """

    dim: int
    n_items: int
    levels: tuple[float, ...] = (0.9, 0.9, 0.8, 0.7, 0.6, 0.5)
    copies: int = 1
    even: bool = True
    warp: Warp | None = None


DESIGNS = {
    "gaussian": PoolDesign(dim=16, n_items=1000),
    "power-law, items in pairs": PoolDesign(dim=64, n_items=2000, copies=2, even=False),
    "heavy-tailed": PoolDesign(dim=16, n_items=2000, warp=MILD_TAILS),
}


@dataclass(frozen=True)
class Pool:
    """A pool and its population values.

    Attributes:
        embeddings: by name, in the order of `population`.
        groups: group of each item, shape (n_items,).
        population: limit of a family in nats per dimension, shape (n_models, n_models), source by target, for
            `linear`, `gaussian` (joint Gaussian of the unchanged dimensions) and `truth`. The diagonal is
            NaN: a model is not a target of itself.
    """

    embeddings: dict[str, Floats32]
    groups: np.ndarray
    population: dict[str, Matrix]

    def scores(self, family: str, aggregate: str) -> Floats:
        """The models' scores in the population of items, over the targets of this pool."""
        summary = np.nanmean if aggregate == "mean" else np.nanmedian
        return np.asarray(summary(self.population[family], axis=1))


def draw_pool(design: PoolDesign, seed: int) -> Pool:
    """Draw a pool. The design determines the axes, and the seed the items and noise."""
    axes = np.random.default_rng(derive_seed(design.dim, "axes of a pool"))
    generator = np.random.default_rng(derive_seed(seed, "pool"))
    mixings = [unit_rows(spectrum_and_rotation(design.dim, axes)) for _ in design.levels]
    mixings[1] = mixings[0]
    shares = [1 - np.exp(-2 * _nats_of_components(design, level)) for level in design.levels]
    n_distinct = design.n_items // design.copies
    signal = normals(n_distinct, design.dim, generator)
    item = np.repeat(np.arange(n_distinct), design.copies)
    embeddings = {}
    for place, (share, mixing) in enumerate(zip(shares, mixings, strict=True)):
        noise = normals(n_distinct, design.dim, generator)
        values = np.sqrt(share).astype(np.float32) * signal + np.sqrt(1 - share).astype(np.float32) * noise
        values = mixed(values, mixing)
        values = bend(values, [design.warp] * design.dim) if design.warp else values
        embeddings[f"model-{place}"] = values[item]
    return Pool(embeddings, item, _population(design, shares, mixings))


def _nats_of_components(design: PoolDesign, level: float) -> Floats:
    total = level * design.dim
    return np.full(design.dim, level) if design.even else information_profile(total, design.dim)


def _population(design: PoolDesign, shares: Sequence[Floats], mixings: Sequence[Floats]) -> dict[str, Matrix]:
    n_models = len(shares)
    population = {family: np.full((n_models, n_models), np.nan) for family in (LINEAR, GAUSSIAN, TRUTH)}
    for source in range(n_models):
        for target in range(n_models):
            if source != target:
                left = 1 - shares[source] * shares[target]  # 1 - rho^2 of each component
                truth = float(-0.5 * np.log(left).sum())
                values = {TRUTH: truth, GAUSSIAN: truth}
                values[LINEAR] = float(linear_nats_by_dim(mixings[target], left).sum())
                if design.warp:
                    values |= _bent_values(design.warp, mixings[source], mixings[target], np.sqrt(1 - left))
                for family, nats in values.items():
                    population[family][source, target] = nats / design.dim
    return population


def _bent_values(warp: Warp, source: Floats, target: Floats, correlation: Floats) -> dict[str, float]:
    """The information that families based on second moments find in transformed dimensions, in nats."""
    warps = [warp] * len(source)
    own, other = (bent_covariance(mixing @ mixing.T, warps, warps) for mixing in (source, target))
    across = bent_covariance((source * correlation) @ target.T, warps, warps)
    covariances = own, other, across
    return {LINEAR: linear_nats_of(*covariances), GAUSSIAN: gaussian_nats_of(*covariances)}
