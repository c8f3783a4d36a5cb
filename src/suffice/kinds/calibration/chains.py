r"""Chains of models with a known order: each model is a degraded copy of the one before it.

All models are noisy views of one signal Z, each with its own noise. Model k + 1 is distributed like a
noisier, narrower or coarser version of model k. By the data-processing inequality it has less information
about every other model (Cover and Thomas, Elements of Information Theory, 2nd ed., theorem 2.8.1; for
versions that agree only in distribution, Blackwell 1953). Scores that are means over all other models then
have this order too, because the information between two models is part of both scores. If noise is added up
instead, U_1 = U_0 + e_1, U_2 = U_1 + e_2, the order does not hold: a model in the middle is close to both
ends and scores highest.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, ndtr

from suffice.errors import DataError
from suffice.kinds.calibration.channel import (
    Floats,
    Floats32,
    mixed,
    normals,
    residual_variance_of,
    spectrum_and_rotation,
)
from suffice.seeds import derive_seed
from suffice.settings import did_you_mean

TOP_NATS = 1.0  # per dimension, information of the best model about the signal


@dataclass(frozen=True)
class ChainSize:
    """The size of a chain.

    Attributes:
        n_models: number of models.
        dim: width of the best model.
        n_items: number of items.
        step_nats_per_dim: loss of information about the signal from each model to the next, per dimension of
            the best model; not used for rotations.
    """

    n_models: int
    dim: int
    n_items: int
    step_nats_per_dim: float


@dataclass(frozen=True)
class Chain:
    """Models of the same items, and the level of each model.

    Attributes:
        embeddings: by name, each of shape (n_items, its width).
        level: by name; a lower level is better, and models of one level are equal.
    """

    embeddings: dict[str, Floats32]
    level: dict[str, int]


def draw_chain(kind: str, size: ChainSize, seed: int = 0) -> Chain:
    """Draw a chain of models.

    Args:
        kind: one of `CHAINS`.
        size: number and width of models, number of items, and distance between neighbours.
        seed: seed of the signal, the noise and the rotations.

    Raises:
        DataError: unknown kind, or too many steps for the information in the signal.
    """
    check_chain(kind, size)
    generator = np.random.default_rng(derive_seed(seed, "chain", kind))
    signal = normals(size.n_items, size.dim, generator)
    models = [CHAINS[kind](signal, size, place, generator) for place in range(size.n_models)]
    names = [f"{kind}-{place}" for place in range(size.n_models)]
    level = {name: 0 if kind == ROTATION else place for place, name in enumerate(names)}
    return Chain(dict(zip(names, models, strict=True)), level)


def check_chain(kind: str, size: ChainSize) -> None:
    """Raise DataError if the chain is unknown, or its last model would have no information left."""
    if kind not in CHAINS:
        raise DataError(f"no chain {kind!r}{did_you_mean(kind, list(CHAINS))}")
    room = sign_loss_nats() if kind == QUANTISATION else TOP_NATS
    needed = (size.n_models - 1) * size.step_nats_per_dim
    if kind != ROTATION and needed >= room:
        raise DataError(
            f"a chain {kind!r} of {size.n_models} models with steps of {size.step_nats_per_dim:g} nats per "
            f"dimension needs {needed:g}, but only {room:.3g} can be lost; use fewer models or smaller steps"
        )
    if kind in (PROJECTION, QUANTISATION) and size.dim * size.step_nats_per_dim < room:
        raise DataError(
            f"a chain {kind!r} of width {size.dim} loses less than one dimension in a step of "
            f"{size.step_nats_per_dim:g} nats per dimension; use a wider chain or larger steps"
        )


def _noisy(signal: Floats32, nats: float, generator: np.random.Generator) -> Floats32:
    """The signal with noise and unit variance; each dimension has `nats` of information about its signal."""
    left = residual_variance_of(np.array(nats))
    noise = normals(len(signal), signal.shape[1], generator)
    return np.sqrt(1 - left).astype(np.float32) * signal + np.sqrt(left).astype(np.float32) * noise


def _turned(values: Floats32, generator: np.random.Generator) -> Floats32:
    """The model with its own spectrum and rotation."""
    return mixed(values, spectrum_and_rotation(values.shape[1], generator))


def _with_more_noise(
    signal: Floats32, size: ChainSize, place: int, generator: np.random.Generator
) -> Floats32:
    return _turned(_noisy(signal, TOP_NATS - place * size.step_nats_per_dim, generator), generator)


def _with_fewer_dimensions(
    signal: Floats32, size: ChainSize, place: int, generator: np.random.Generator
) -> Floats32:
    kept = max(1, round(size.dim * (1 - place * size.step_nats_per_dim / TOP_NATS)))
    return _turned(_noisy(signal[:, :kept], TOP_NATS, generator), generator)


def _with_more_signs(
    signal: Floats32, size: ChainSize, place: int, generator: np.random.Generator
) -> Floats32:
    """Without rotation: the first dimensions are reduced to signs, the others are complete."""
    coarse = round(size.dim * place * size.step_nats_per_dim / sign_loss_nats())
    values = _noisy(signal, TOP_NATS, generator)
    values[:, :coarse] = np.sign(values[:, :coarse])
    return values


def _with_a_rotation(
    signal: Floats32, size: ChainSize, place: int, generator: np.random.Generator
) -> Floats32:
    return _turned(_noisy(signal, TOP_NATS, generator), generator)


def sign_loss_nats() -> float:
    """The information that a dimension with `TOP_NATS` loses when only its sign is kept.

    The information of the sign is log 2 minus its mean entropy given the signal.
    """
    left = float(residual_variance_of(np.array(TOP_NATS)))
    signal = np.linspace(-9, 9, 2001)
    weight = np.exp(-np.square(signal) / 2)
    positive: Floats = ndtr(signal * np.sqrt((1 - left) / left))
    unknown = float((weight * (entr(positive) + entr(1 - positive))).sum() / weight.sum())
    return TOP_NATS - (float(np.log(2)) - unknown)


NOISE, PROJECTION, QUANTISATION, ROTATION = "noise", "projection", "quantisation", "rotation"
CHAINS: dict[str, Callable[[Floats32, ChainSize, int, np.random.Generator], Floats32]] = {
    NOISE: _with_more_noise,
    PROJECTION: _with_fewer_dimensions,
    QUANTISATION: _with_more_signs,
    ROTATION: _with_a_rotation,
}
