"""Results of an estimator on a channel, a chain, and changes that should have no effect, as tidy rows."""

import time
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from scipy.stats import kendalltau

from suffice.errors import EstimationError
from suffice.estimators.estimate import estimate
from suffice.estimators.result import Sufficiency
from suffice.kinds.calibration.chains import ChainSize, draw_chain
from suffice.kinds.calibration.channel import ChannelSize, Draw, Floats32, mixed, rotation
from suffice.kinds.calibration.channels import draw_channel, get_channel
from suffice.ranking.rank import rank
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings
from suffice.seeds import derive_seed
from suffice.study.estimators import EstimatorChoice

NORMAL_QUANTILE = 1.96  # of a 95 % interval
AGGREGATES: tuple[Literal["mean", "median"], ...] = ("mean", "median")
OWN_VALUES = {"linear": "linear_nats", "gaussian": "gaussian_nats"}  # for other kinds it is the truth
Row = dict[str, Any]


def evaluate_channel(
    channel: str, size: ChannelSize, choice: EstimatorChoice, seed: int, device: str = "cpu"
) -> Row:
    """One estimate against the truth.

    Args:
        channel: name of the channel.
        size: size of the channel.
        choice: the estimator.
        seed: seed of the channel, its items and the estimate.
        device: torch device of the estimate.

    Returns:
        One row: the setting, `truth_nats_per_dim` with its own error, the limits of a linear and a joint
        Gaussian family, and the estimate with its interval, seconds and warnings. Nats are per varying target
        dimension. If an estimator refuses the data there is no estimate, and `refused` says why.
    """
    draw = draw_channel(channel, size, seed)
    row = _setting_row(channel, size, choice, seed) | _truth_row(draw)
    start = time.perf_counter()
    try:
        result = _estimate(draw, choice, seed, device)
    except EstimationError as error:
        return row | {"refused": str(error)}
    seconds = time.perf_counter() - start
    return row | _result_row(result, draw, choice) | {"seconds": seconds, "refused": ""}


def _estimate(draw: Draw, choice: EstimatorChoice, seed: int, device: str) -> Sufficiency:
    return estimate(draw.source, draw.target, choice.kind, seed, device=device, **choice.settings)


def _setting_row(channel: str, size: ChannelSize, choice: EstimatorChoice, seed: int) -> Row:
    return {
        "channel": channel,
        "family": get_channel(channel).family,
        "source_dim": size.source_dim,
        "target_dim": size.target_dim,
        "n_items": size.n_items,
        "nats_per_dim": size.nats_per_dim,
        "seed": seed,
        "estimator": choice.name,
    }


def _truth_row(draw: Draw) -> Row:
    linear, gaussian = (
        None if nats is None else nats / draw.varying_dim for nats in (draw.linear_nats, draw.gaussian_nats)
    )
    return {
        "truth_nats_per_dim": draw.truth_nats / draw.varying_dim,
        "truth_error_nats_per_dim": draw.truth_error_nats / draw.varying_dim,
        "linear_nats_per_dim": linear,
        "gaussian_nats_per_dim": gaussian,
    }


def _result_row(result: Sufficiency, draw: Draw, choice: EstimatorChoice) -> Row:
    """The estimate with its errors, relative to the truth and to the limit of its own family."""
    truth = draw.truth_nats / draw.varying_dim
    own = getattr(draw, OWN_VALUES.get(choice.kind, "truth_nats"))
    error = result.nats_per_dim - truth
    half_width = NORMAL_QUANTILE * result.standard_error_nats / draw.varying_dim
    own_error = None if own is None else result.nats_per_dim - own / draw.varying_dim
    return {
        "estimate_nats_per_dim": result.nats_per_dim,
        "standard_error_nats_per_dim": result.standard_error_nats / draw.varying_dim,
        "error_nats_per_dim": error,
        "relative_error": error / truth if truth > 0 else None,
        "covered": bool(abs(error) <= half_width),
        "own_error_nats_per_dim": own_error,
        "own_covered": None if own_error is None else bool(abs(own_error) <= half_width),
        "converged": result.converged,
        "warnings": "; ".join(result.warnings),
    }


def evaluate_chain(
    kind: str, size: ChainSize, choice: EstimatorChoice, seed: int, device: str = "cpu"
) -> list[Row]:
    """The order in which an estimator ranks a chain, one row for each aggregate.

    Returns:
        Rows with `kendall_tau` between score and known order (empty for models that must tie),
        `in_order` (tau is 1), `all_tied` (all models in one tie group), and `n_groups`.
    """
    chain = draw_chain(kind, size, seed)
    start = time.perf_counter()
    pairs = rank(chain.embeddings, estimator=choice.kind, seed=seed, device=device, **choice.settings).pairs
    seconds = time.perf_counter() - start
    tables = {
        aggregate: rank_pairs(pairs, RankingSettings(aggregate=aggregate), seed) for aggregate in AGGREGATES
    }
    return [
        {"chain": kind, "estimator": choice.name, "aggregate": aggregate, "seed": seed}
        | vars(size)
        | _order_row(table["score"], table["model"].map(chain.level), table["tie_group"])
        | {"seconds": seconds}
        for aggregate, table in tables.items()
    ]


def _order_row(score: Any, level: Any, tie_group: Any) -> Row:
    tau = float(kendalltau(-score, level).statistic) if level.nunique() > 1 else None
    n_groups = int(tie_group.nunique())
    return {
        "kendall_tau": tau,
        "in_order": None if tau is None else bool(np.isclose(tau, 1.0)),
        "all_tied": n_groups == 1,
        "n_groups": n_groups,
        "score_spread_nats_per_dim": float(score.max() - score.min()),
    }


def evaluate_invariance(
    channel: str, size: ChannelSize, choice: EstimatorChoice, seed: int, device: str = "cpu"
) -> list[Row]:
    """How much the estimate changes when a side is rotated, scaled or shifted, one row per change.

    These changes do not affect the mutual information. A family with a diagonal residual depends on the axes
    of the target, and its row shows how much.
    """
    draw = draw_channel(channel, size, seed)
    generator = np.random.default_rng(derive_seed(seed, "invariance", channel))
    plain = _estimate(draw, choice, seed, device).nats
    changed = [
        ("source", change, replace(draw, source=values))
        for change, values in _changed(draw.source, generator).items()
    ] + [
        ("target", change, replace(draw, target=values))
        for change, values in _changed(draw.target, generator).items()
    ]
    setting = _setting_row(channel, size, choice, seed)
    return [
        setting
        | {
            "side": side,
            "change": change,
            "difference_nats_per_dim": (_estimate(other, choice, seed, device).nats - plain)
            / draw.varying_dim,
        }
        for side, change, other in changed
    ]


def _changed(values: Floats32, generator: np.random.Generator) -> dict[str, Floats32]:
    """The rotated embedding, and the embedding with each dimension scaled by 1/30 to 30 and shifted."""
    dim = values.shape[1]
    scale = np.exp(generator.uniform(-np.log(30), np.log(30), size=dim))
    spread = values.std(axis=0)
    return {
        "rotated": mixed(values, rotation(dim, generator)),
        "scaled and shifted": ((values + 3 * spread * generator.standard_normal(dim)) * scale).astype(
            np.float32
        ),
    }
