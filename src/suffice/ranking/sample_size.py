r"""How many items the ranking needs: which models more items would distinguish, and what fewer would do.

The standard error of a mean over n independent items falls as one over the square root of n. Suppose that
every difference of nats stays as estimated and has to exceed c standard errors to be certain. The statements
that are certain with f times the items are then those that are certain now with a critical value of
:math:`c / \sqrt f`. The smallest f that distinguishes two neighbours says how many items they need. This does
not hold for fewer items, because fits on few items are worse, not only noisier. The advice is therefore never
below the present number of items, nor below twice the width of the widest model. To study fewer items, use
`refit_by_items`, which fits again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from suffice.estimators.items import MIN_ITEMS
from suffice.ranking.arrays import Floats, PairArrays, arrays_of
from suffice.ranking.order import Order, neighbours, order_of
from suffice.ranking.relatives import alone, with_families
from suffice.ranking.settings import RankingSettings
from suffice.seeds import derive_seed

ITEMS_PER_DIMENSION = 2  # of the widest model; with fewer, fits are restricted
IN_SIGHT = 100  # times the present number of items
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)
N_DRAWS = 50
PRESUMED = (
    "This advice is about items only, not about which models are targets. It assumes that differences "
    "between models stay as estimated and that their noise shrinks as items are added."
)


def least_items(widest_dim: int) -> int:
    """The smallest number of items that is advised for models of at most this width."""
    return max(MIN_ITEMS, ITEMS_PER_DIMENSION * widest_dim)


def enough_items(ranking: pd.DataFrame) -> int:
    """The number up to which `items_needed` of a ranking means that the present items are enough."""
    return max(int(ranking["n_items"].iloc[0]), least_items(int(ranking["embed_dim"].max())))


def items_needed(order: Order, arrays: PairArrays, widest_dim: int) -> Floats:
    """Number of items at which each model would be distinguishable from the next one in the ranking.

    Args:
        order: what orders the models.
        arrays: the pairs.
        widest_dim: width of the widest source, in dimensions.

    Returns:
        Shape (n_models,), at least the present number of items and at least `least_items`; infinite for two
        equal models, NaN for the last model.
    """
    matrix = arrays.matrix()
    needed = np.full(len(matrix), np.nan)
    shares = order.shares_needed(matrix)
    for (first, _), share in zip(neighbours(order.value(matrix)), shares, strict=True):
        needed[first] = max(arrays.n_items * share, least_items(widest_dim))
    return needed


def describe_items_needed(ranking: pd.DataFrame) -> str:
    """Which neighbours are distinguishable, and how many items would distinguish the next, in sentences."""
    n_items, least = int(ranking["n_items"].iloc[0]), least_items(int(ranking["embed_dim"].max()))
    models, needed = ranking["model"].tolist(), ranking["items_needed"].to_numpy(dtype=float)[:-1]
    apart, beyond = needed <= enough_items(ranking), needed > IN_SIGHT * n_items
    said = [
        f"With {n_items:,} items, {int(apart.sum())} of the {len(needed)} adjacent pairs in the ranking are "
        "distinguishable in this pool."
    ]
    if n_items < least:
        said.append(f"Use at least {least:,} items: twice as many as the widest model has dimensions.")
    if (~apart & ~beyond).any():
        next_one = int(np.where(apart, np.inf, needed).argmin())
        pair = f"{models[next_one]} from {models[next_one + 1]}"
        said.append(f"About {rounded_up(needed[next_one]):,} items would distinguish {pair}.")
    if beyond.any():
        pairs = f"{int(beyond.sum())} pair{'s' if beyond.sum() > 1 else ''}"
        said.append(f"For {pairs}, even {IN_SIGHT} times as many items would not be enough.")
    return " ".join([*said, PRESUMED])


def rounded_up(n_items: float) -> int:
    """A number of items rounded up to two digits, its actual precision."""
    size = 10 ** max(int(np.floor(np.log10(n_items))) - 1, 0)
    return int(np.ceil(n_items / size)) * size


def ranking_by_items(
    pairs: pd.DataFrame,
    settings: RankingSettings | None = None,
    seed: int = 0,
    families: Mapping[str, str] | None = None,
    copies: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """How much the ranking depends on the scored items: random eighths, quarters and halves of them.

    All rankings use the fits on all items. Fits on fewer items would agree less; `refit_by_items` does that.
    Numbers of items below `least_items`, at which this matters most, are left out.

    Args:
        pairs: as for `rank_pairs`.
        settings: settings of the ranking; None: the defaults.
        seed: seed of the draws.
        families: as for `rank_pairs`.
        copies: as for `rank_pairs`.

    Returns:
        One row for each number of items, the last for all: n_items, kendall_tau (mean over 50 draws of
        the correlation with the ranking on all items), tau_low, tau_high (of nine in ten draws),
        separated (mean number of distinguishable neighbours), n_neighbours.
    """
    settings = settings or RankingSettings()
    copies = dict(copies or alone(sorted(set(pairs["source"]) | set(pairs["target"]))))
    arrays = arrays_of(pairs, settings.self_pairs, with_families(copies, families), copies)
    order = order_of(arrays, settings.aggregate, settings.n_resamples, seed)
    generator = np.random.default_rng(derive_seed(seed, "items"))
    least = least_items(int(pairs["source_dim"].max()))
    shares = [share for share in SHARES if share == 1 or share * arrays.n_items >= least]
    return pd.DataFrame([_at_share(arrays, order, share, generator) for share in shares])


def _at_share(
    arrays: PairArrays, order: Order, share: float, generator: np.random.Generator
) -> dict[str, float]:
    from scipy.stats import kendalltau  # slow to import, and few jobs need it

    n_chosen = max(round(share * arrays.n_blocks), 1)
    whole = order.value(arrays.matrix())
    taus, separated = [], []
    for _ in range(N_DRAWS if share < 1 else 1):
        matrix = arrays.matrix(generator.permutation(arrays.n_blocks)[:n_chosen])
        taus.append(kendalltau(order.value(matrix), whole).statistic)
        separated.append(order.n_separated(matrix, n_chosen / arrays.n_blocks))
    low, high = np.quantile(taus, [0.05, 0.95])
    return {
        "n_items": round(arrays.n_items * n_chosen / arrays.n_blocks),
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
    """The ranking on random items, with every density fitted again.

    Args:
        rank_items: function from indices of items to the ranking table, such as
            `lambda items: rank({name: array[items] for name, array in embeddings.items()}).table`.
        n_items: total number of items.
        sizes: numbers of items to draw.
        n_draws: draws of each size.
        seed: seed of the draws.

    Returns:
        One row per draw: n_items, draw, kendall_tau with the ranking on all items, separated (number of
        distinguishable neighbours).
    """
    from scipy.stats import kendalltau

    generator = np.random.default_rng(derive_seed(seed, "refit"))
    whole = rank_items(np.arange(n_items)).set_index("model")["rank"]
    rows = []
    for size in sizes:
        for draw in range(n_draws):
            table = rank_items(np.sort(generator.permutation(n_items)[:size]))
            rank = table.set_index("model")["rank"].reindex(whole.index)
            tau = float(kendalltau(rank, whole).statistic)
            separated = int((table["items_needed"] <= enough_items(table)).sum())
            rows.append({"n_items": size, "draw": draw, "kendall_tau": tau, "separated": separated})
    return pd.DataFrame(rows)
