r"""How many items the ranking needs: what fewer would have said, and what more would tell apart.

The standard error of a mean over n independent items falls as one over the root of n. So if the 95 %
interval over items of the difference of two scores is as wide as its standard error s at n items
says, it would leave 0 out at

.. math:: n^* = n \, (1.96 \, s / \lvert \hat\Delta \rvert)^2

items, presuming that the difference is as estimated and that estimates move with n by noise alone.
This is about items: which models are targets is another matter, which more items do not help.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suffice.ranking.arrays import Floats, PairArrays, aggregate, arrays_of
from suffice.ranking.resampling import Z, deviations
from suffice.ranking.settings import RankingSettings
from suffice.seeds import derive_seed

IN_SIGHT = 100  # times the items there are
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
N_DRAWS = 50
PRESUMED = (
    "This is about items, not about which models are targets, and presumes that differences are as estimated "
    "and move with the number of items by noise alone."
)


def items_needed(score: Floats, deviation: Floats, n_items: int) -> Floats:
    """Items at which each model's difference from the next one in the ranking would leave 0 out.

    Args:
        score: shape (n_models,).
        deviation: of the scores in resamples of items, shape (n_resamples, n_models).
        n_items: number of items there are.

    Returns:
        n* above, shape (n_models,); infinite for two equal scores, NaN for the last model.
    """
    order = np.argsort(-score, kind="stable")
    needed = np.full(len(score), np.nan)
    needed[order[:-1]] = n_items * np.square(_least_separated(score, deviation, order))
    return needed


def _least_separated(score: Floats, deviation: Floats, order: "np.ndarray[Any, Any]") -> Floats:
    """Half-width of the interval over each neighbours' difference, as a multiple of the difference."""
    difference = score[order[:-1]] - score[order[1:]]
    spread = (deviation[:, order[:-1]] - deviation[:, order[1:]]).std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference > 0, Z * spread / difference, np.inf)


def describe_items_needed(ranking: pd.DataFrame) -> str:
    """What the items tell apart, and how many would tell the next neighbours apart, in sentences."""
    n_items = int(ranking["n_items"].iloc[0])
    models, needed = ranking["model"].tolist(), ranking["items_needed"].to_numpy(dtype=float)[:-1]
    n_apart = int((needed <= n_items).sum())
    n_beyond = int((needed > IN_SIGHT * n_items).sum())
    said = [f"{n_items:,} items separate {n_apart} of {len(needed)} neighbours in the ranking"]
    if n_apart + n_beyond < len(needed):
        next_one = int(np.where(needed > n_items, needed, np.inf).argmin())
        pair = f"{models[next_one]} from {models[next_one + 1]}"
        said.append(f"about {rounded_up(needed[next_one]):,} would separate {pair}")
    if n_beyond:
        said.append(f"for {n_beyond} no number of items is in sight (more than {IN_SIGHT} times as many)")
    return f"{'; '.join(said)}. {PRESUMED}"


def rounded_up(n_items: float) -> int:
    """A number of items with two digits, rounded up: it is not known better."""
    size = 10 ** max(int(np.floor(np.log10(n_items))) - 1, 0)
    return int(np.ceil(n_items / size)) * size


def ranking_by_items(
    pairs: pd.DataFrame, settings: RankingSettings | None = None, seed: int = 0
) -> pd.DataFrame:
    """What the ranking would have been with fewer items: random eighths, quarters and halves of the blocks.

    The fits stay those on all items; `refit_by_items` fits anew.

    Args:
        pairs: as for `rank_pairs`.
        settings: how scores are made; None: the defaults.
        seed: seed of the draws.

    Returns:
        One row for each number of items, the last for all: n_items, kendall_tau (mean over 50 draws of
        the correlation with the ranking on all items), tau_low, tau_high (of nine in ten draws),
        separated (mean number of neighbours whose difference leaves 0 out), n_neighbours.
    """
    settings = settings or RankingSettings()
    arrays = arrays_of(pairs, settings.self_pairs)
    items = deviations(arrays, settings.aggregate, settings.n_resamples, seed).items
    generator = np.random.default_rng(derive_seed(seed, "items"))
    rows = [_at_share(arrays, settings.aggregate, items, share, generator) for share in SHARES]
    return pd.DataFrame(rows)


def _at_share(
    arrays: PairArrays, how: str, deviation: Floats, share: float, generator: np.random.Generator
) -> dict[str, float]:
    from scipy.stats import kendalltau  # slow to import, and few jobs need it

    n_blocks = len(arrays.block_items)
    n_chosen = max(round(share * n_blocks), 1)
    whole = aggregate(arrays.matrix(), how)
    taus, separated = [], []
    for _ in range(N_DRAWS if share < 1 else 1):
        blocks = generator.permutation(n_blocks)[:n_chosen]
        score = aggregate(arrays.matrix(blocks), how)
        taus.append(kendalltau(score, whole).statistic)
        needed = items_needed(score, deviation, n_blocks)
        separated.append(np.sum(needed <= n_chosen))
    low, high = np.quantile(taus, [0.05, 0.95])
    return {
        "n_items": round(arrays.n_items * n_chosen / n_blocks),
        "kendall_tau": float(np.mean(taus)),
        "tau_low": float(low),
        "tau_high": float(high),
        "separated": float(np.mean(separated)),
        "n_neighbours": len(whole) - 1,
    }


def refit_by_items(
    rank_items: Callable[["np.ndarray[Any, Any]"], pd.DataFrame],
    n_items: int,
    sizes: Sequence[int],
    n_draws: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """The ranking on random items, every density fitted anew: what `ranking_by_items` presumes, tested.

    Args:
        rank_items: makes the ranking table from indices of items, such as
            `lambda items: rank({name: array[items] for name, array in embeddings.items()}).table`.
        n_items: number of items there are.
        sizes: numbers of items to draw.
        n_draws: draws of each size.
        seed: seed of the draws.

    Returns:
        One row for each draw: n_items, draw, kendall_tau with the ranking on all items, separated.
    """
    from scipy.stats import kendalltau

    generator = np.random.default_rng(derive_seed(seed, "refit"))
    whole = rank_items(np.arange(n_items)).set_index("model")["score"]
    rows = []
    for size in sizes:
        for draw in range(n_draws):
            table = rank_items(np.sort(generator.permutation(n_items)[:size]))
            score = table.set_index("model")["score"].reindex(whole.index)
            tau = float(kendalltau(score, whole).statistic)
            separated = int((table["items_needed"] <= size).sum())
            rows.append({"n_items": size, "draw": draw, "kendall_tau": tau, "separated": separated})
    return pd.DataFrame(rows)
