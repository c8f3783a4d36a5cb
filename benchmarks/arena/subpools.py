"""When a single winner is named in a small pool, is it right? Random sub-pools of every pool, several rules.

    python benchmarks/arena/subpools.py --cache DIR

A rule is a function from what is known of a sub-pool without labels to the name of a winner, or None where it
names nobody. Pairs are those of the whole pool, cut to the sub-pool's models, with resamples of their items.
A rule whose name begins with "product" is that of the library: its order, its statement of who could be
first, and its recommendation. Writes `subpools.csv`: for each pool, size and rule, the share of sub-pools in
which a winner is named, and of these the share in which it is the best on the tasks.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from candidates import RANKED
from pairs import LookCount, library_arrays, pairs_of
from pool import ArenaPool, folder_of, read_pool, read_tasks
from scipy.stats import rankdata
from scores import baseline_values

from suffice.analyses.recommendation import recommend
from suffice.ranking.arrays import SAME_LOOK, PairArrays
from suffice.ranking.order import by_wins
from suffice.ranking.settings import RankingSettings
from suffice.ranking.wins import TINY
from suffice.storage.files import read_table, write_table

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).resolve().parent
SIZES = (3, 4, 5, 8, 12)
N_SUBPOOLS, N_RESAMPLES = 200, 200
N_CHECKED = 10  # sub-pools of each size on which what is settled is compared with the library
SURE = 0.95  # share of resamples of the items in which the winner is first
PAIRED: dict[str, tuple[str, LookCount, bool]] = {
    "linear": ("linear", "two", True),
    "neighbours": ("neighbours-1", "two", True),
    "linear, others": ("linear", "two", False),
    "neighbours, one look": ("neighbours-1", "one", False),
}
"""Ways of pairs, looks, and whether two models are compared on themselves as targets as well."""
OWN = ("self_retrieval", "rankme", "embed_dim", "consensus")


@dataclass(frozen=True)
class Product:
    """A ranking of the library with the recommendation that follows from it.

    Attributes:
        ranking: a name in `RANKED`.
        looks: at how many looks.
        witnesses: the other available ways to choose, by the library's names.
    """

    ranking: str
    looks: LookCount = "two"
    witnesses: tuple[str, ...] = ("self_retrieval", "consensus")

    def read(self, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """The values of the witnesses, with as many looks as the ranking has."""
        ways = {"neighbours": "neighbours, one look"} if self.looks == "one" else {}
        return {name: values[ways.get(name, name)] for name in self.witnesses}


PRODUCT = {
    "linear": Product("linear", witnesses=("neighbours", "self_retrieval", "consensus")),
    "linear + neighbours": Product(
        "linear + neighbours", witnesses=("neighbours", "self_retrieval", "consensus")
    ),
    "neighbours": Product("neighbours"),
    "linear, one look": Product("linear", "one", ("neighbours", "consensus")),
    "linear + neighbours, one look": Product("linear + neighbours", "one", ("neighbours", "consensus")),
}
"""Recommendations of the library."""
DEFAULTS = {
    "text": "linear + neighbours",
    "image": "neighbours",
    "sound": "linear + neighbours",
    "molecule": "linear, one look",
}
"""The recommendation that each modality gets by default."""
SEED = 0


@dataclass(frozen=True)
class Known:
    """Facts about a pool or a sub-pool without labels.

    Attributes:
        models: names.
        rates: share of other models beaten, by way, shape (n_models,).
        resampled: the same on resamples of the items, shape (n_resamples, n_models).
        own: values of each model by itself, by name, higher is better.
        firsts: the first of the library's ranking, by a name in `PRODUCT`.
        unanimous: whether no other model could be first and no witness dissents, by a name in `PRODUCT`. With
            two looks the library says that such a choice is settled.
        default: the name in `PRODUCT` that the library uses for such items.
    """

    models: list[str]
    rates: Mapping[str, Floats]
    resampled: Mapping[str, Floats]
    own: Mapping[str, Floats]
    firsts: Mapping[str, str] = field(default_factory=dict)
    unanimous: Mapping[str, bool] = field(default_factory=dict)
    default: str = "linear"

    def first(self, name: str) -> str:
        """The first model by a way or by a value of its own."""
        return self.models[int(np.argmax((self.rates | self.own)[name]))]

    def share_first(self, way: str) -> float:
        """Share of the resamples of the items in which the first is first."""
        leader = int(np.argmax(self.rates[way]))
        return float((self.resampled[way].argmax(axis=1) == leader).mean())


Rule = Callable[[Known], str | None]


def always(name: str) -> Rule:
    """Name the first, however unsure."""
    return lambda known: known.first(name)


def sure(way: str) -> Rule:
    """Name the first if it is first in nearly all resamples of the items."""
    return lambda known: known.first(way) if known.share_first(way) >= SURE else None


def agreed(*names: str) -> Rule:
    """Name the first if it is the same by all of these."""

    def rule(known: Known) -> str | None:
        firsts = {known.first(name) for name in names}
        return firsts.pop() if len(firsts) == 1 else None

    return rule


def both(*rules: Rule) -> Rule:
    """Name what all rules name."""

    def rule(known: Known) -> str | None:
        named = {each(known) for each in rules}
        return named.pop() if len(named) == 1 else None

    return rule


def settled(name: str) -> Rule:
    """Name the first of the library's ranking if the library says that the choice is settled."""
    return unanimous(name) if PRODUCT[name].looks == "two" else lambda known: None


def unanimous(name: str) -> Rule:
    """Name the first of the library's ranking if no other could be first and no witness dissents."""
    return lambda known: known.firsts[name] if known.unanimous[name] else None


def ranked_first(name: str) -> Rule:
    """Name the first of the library's ranking, settled or not."""
    return lambda known: known.firsts[name]


def by_default(rule: Callable[[str], Rule]) -> Rule:
    """A rule for the default recommendation on the pool's items."""
    return lambda known: rule(known.default)(known)


KINDS_OF_EVIDENCE = ("linear", "neighbours", "self_retrieval")
RULES: dict[str, Rule] = {
    "always the first by linear": always("linear"),
    "always the first by neighbours": always("neighbours"),
    "always the first by self-retrieval": always("self_retrieval"),
    "always the first by RankMe": always("rankme"),
    "always the widest": always("embed_dim"),
    "always the first by linear, others": always("linear, others"),
    "sure by linear": sure("linear"),
    "sure by linear, others": sure("linear, others"),
    "sure by neighbours": sure("neighbours"),
    "sure by both": both(sure("linear"), sure("neighbours")),
    "always the first by combined": always("combined"),
    "sure by combined": sure("combined"),
    "sure by combined, three agree": both(sure("combined"), agreed(*KINDS_OF_EVIDENCE)),
    "combined and self-retrieval agree": agreed("combined", "self_retrieval"),
    "sure by combined, self-retrieval agrees": both(sure("combined"), always("self_retrieval")),
    "combined, self-retrieval, RankMe agree": agreed("combined", "self_retrieval", "rankme"),
    "linear and neighbours agree": agreed("linear", "neighbours"),
    "linear, neighbours, self-retrieval agree": agreed(*KINDS_OF_EVIDENCE),
    "sure by linear, three agree": both(sure("linear"), agreed(*KINDS_OF_EVIDENCE)),
    "sure by linear and by neighbours, three agree": both(
        sure("linear"), sure("neighbours"), agreed(*KINDS_OF_EVIDENCE)
    ),
    "five agree": agreed(*KINDS_OF_EVIDENCE, "rankme", "embed_dim"),
    "sure by linear, five agree": both(sure("linear"), agreed(*KINDS_OF_EVIDENCE, "rankme", "embed_dim")),
    **{f"product, always the first: {name}": ranked_first(name) for name in PRODUCT},
    **{f"product, unanimous: {name}": unanimous(name) for name in PRODUCT},
    "default, always the first": by_default(ranked_first),
    "default, settled": by_default(settled),
}


@dataclass(frozen=True)
class Blocks:
    """Pairs of a whole pool by blocks of items.

    Attributes:
        nats: sums over each block, in nats, shape (n_models, n_models, n_blocks).
        items: scored items of each block, likewise.
    """

    nats: Floats
    items: Floats

    def matrix(self, weights: Floats) -> Floats:
        """Nats, sources by targets, when block b is there `weights[b]` times."""
        return np.asarray(np.einsum("stb,b->st", self.nats, weights) / (self.items @ weights))


def blocks_of(pairs: pd.DataFrame, models: list[str]) -> Blocks:
    """Block sums of a table of pairs, models in the order given."""
    table = pairs.set_index(["source", "target"])
    rows = [[table.loc[(source, target)] for target in models] for source in models]
    nats = np.array([[row["block_nats"] for row in line] for line in rows])
    return Blocks(nats, np.array([[row["block_items"] for row in line] for line in rows]))


@dataclass(frozen=True)
class Whole:
    """A whole pool: matrices of all ways with resamples, and own values.

    Attributes:
        models: names.
        matrices: by way and looks, shape (1 + n_resamples, n_models, n_models); the first is the estimate.
        own: values by name, shape (n_models,).
        arrays: the library's arrays of pairs, by ranking and looks of a `Product`.
        default: the name in `PRODUCT` that the library uses for such items.
    """

    models: list[str]
    matrices: Mapping[tuple[str, LookCount], Floats]
    own: Mapping[str, Floats]
    arrays: Mapping[tuple[str, LookCount], PairArrays]
    default: str

    def cut(self, chosen: npt.NDArray[np.int64], check: bool = False) -> Known:
        """The facts about some of the models, with a check of settled choices."""
        cut = {way: matrix[:, chosen][:, :, chosen] for way, matrix in self.matrices.items()}
        rates = {
            name: win_rates(cut[way, looks], self_pairs) for name, (way, looks, self_pairs) in PAIRED.items()
        }
        rates["combined"] = np.asarray((rates["linear"] + rates["neighbours"]) / 2)
        known = Known(
            [self.models[row] for row in chosen],
            {way: values[0] for way, values in rates.items()},
            {way: values[1:] for way, values in rates.items()},
            {name: values[chosen] for name, values in self.own.items()},
            default=self.default,
        )
        ranked = {key: product_ranking(cut_arrays(each, known.models)) for key, each in self.arrays.items()}
        rankings = {name: ranked[each.ranking, each.looks] for name, each in PRODUCT.items()}
        values = known.rates | known.own
        if check:
            for name, product in PRODUCT.items():
                check_settled(rankings[name], known.models, product.read(values))
        return replace(
            known,
            firsts={name: str(ranking["model"].iloc[0]) for name, ranking in rankings.items()},
            unanimous={
                name: is_unanimous(rankings[name], known.models, product.read(values))
                for name, product in PRODUCT.items()
            },
        )


def is_unanimous(ranking: pd.DataFrame, models: list[str], witnesses: Mapping[str, Floats]) -> bool:
    """The decision of `recommend` without its sentences: one model could be first, and no witness dissents.

    Sentences take most of the time. `rows_of_pool` compares the two on some sub-pools.
    """
    if int(ranking["could_be_first"].sum()) != 1:
        return False
    first = models.index(ranking["model"].iloc[0])
    return not any(values[first] < np.nanmax(values) for values in witnesses.values())


def check_settled(ranking: pd.DataFrame, models: list[str], witnesses: Mapping[str, Floats]) -> None:
    """Compare with the library's own recommendation.

    Raises:
        AssertionError: they differ, so that `is_unanimous` must be brought up to date.
    """
    said = recommend(ranking, ways_of(models, witnesses)).is_settled
    expected = is_unanimous(ranking, models, witnesses) and set(ranking["looks"]) != {SAME_LOOK}
    if said != expected:
        raise AssertionError(f"recommend says {said} of {models}; bring is_unanimous up to date")


def cut_arrays(arrays: PairArrays, models: list[str]) -> PairArrays:
    """The library's arrays of some of the models, as sources and as targets."""
    rows = np.isin(arrays.models, models)
    columns = np.isin(arrays.targets, models)
    return replace(
        arrays,
        models=list(np.array(arrays.models)[rows]),
        targets=list(np.array(arrays.targets)[columns]),
        estimators=list(np.array(arrays.estimators)[columns]),
        block_nats=arrays.block_nats[rows][:, columns],
        block_excess_nats=arrays.block_excess_nats[rows][:, columns],
        block_items=arrays.block_items[columns],
        counted=arrays.counted[rows][:, columns],
        relatives=list(np.array(arrays.relatives)[rows]),
    )


def product_ranking(arrays: PairArrays) -> pd.DataFrame:
    """The columns of the library's ranking that its recommendation reads, best first.

    As `suffice.ranking.scores.rank_pairs`, without what no verdict rests on and what takes most of its time.
    """
    order, matrix = by_wins(arrays, RankingSettings().n_resamples, SEED), arrays.matrix()
    rates = order.value(matrix)
    table = pd.DataFrame(
        {
            "model": arrays.models,
            "win_rate": rates,
            "rank": 1 + (rates > rates[:, None] + TINY).sum(axis=1),
            "could_be_first": ~order.above(matrix).any(axis=0),
        }
    )
    rest = {"could_be_first_pools": pd.NA, "aggregate": "ranks", "looks": arrays.looks}
    rest |= {"embed_dim": 1, "warnings": "", "near_copies": ""}
    return table.assign(**rest).sort_values(["rank", "model"], ignore_index=True)


def ways_of(models: list[str], witnesses: Mapping[str, Floats]) -> pd.DataFrame:
    """Other ways to choose, as the library's recommendation reads them."""
    tables = [
        pd.DataFrame({"model": models, "predictor": name, "value": values})
        for name, values in witnesses.items()
    ]
    return pd.concat(tables, ignore_index=True)


def win_rates(matrices: Floats, self_pairs: bool) -> Floats:
    """Share of the other models that each model beats on common targets, shape (n_matrices, n_models).

    Args:
        matrices: nats, shape (n_matrices, n_models, n_models), sources by targets.
        self_pairs: two models are compared on themselves as targets as well.
    """
    n_models = matrices.shape[1]
    wins = (np.sign(matrices[:, :, None] - matrices[:, None]) + 1) / 2  # (n_matrices, source, other, target)
    eye = np.eye(n_models, dtype=bool)
    counted = np.ones((n_models,) * 3, dtype=bool)
    if not self_pairs:
        counted &= ~eye[:, None] & ~eye[None]
    shares = np.where(counted, wins, 0).sum(axis=3) / counted.sum(axis=2)
    return np.asarray(np.where(eye, 0, shares).sum(axis=2) / (n_models - 1))


def whole_of(pool: ArenaPool, cache: Path) -> Whole:
    """Read a pool's pairs under the ways that rules use, and resample their items."""
    models = pool.card.model_names
    matrices = {}
    for way, looks in dict.fromkeys((way, looks) for way, looks, _ in PAIRED.values()):
        blocks = blocks_of(pairs_of(pool, way, looks, cache), models)
        n_blocks = blocks.nats.shape[2]
        generator = np.random.default_rng(SEED)  # all ways meet the same draws of blocks
        draws = generator.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), N_RESAMPLES)
        weights = [np.ones(n_blocks), *draws.astype(float)]
        matrices[way, looks] = np.array([blocks.matrix(each) for each in weights])
    values, _ = baseline_values(pool, cache)
    own = {name: values.loc[models, name].to_numpy(dtype=float) for name in OWN}
    asked = dict.fromkeys((each.ranking, each.looks) for each in PRODUCT.values())
    arrays = {(name, looks): library_arrays(pool, cache, RANKED[name], looks) for name, looks in asked}
    return Whole(models, matrices, own, arrays, DEFAULTS[pool.card.modality])


@dataclass(frozen=True)
class Truth:
    """The results of the tasks.

    Attributes:
        values: models by tasks.
        errors: standard errors, likewise.
    """

    values: pd.DataFrame
    errors: pd.DataFrame

    def verdicts(self, models: list[str]) -> pd.DataFrame:
        """Whether each of these is the best of them by mean rank, or no worse than chance would have it.

        Of the differences from the best mean value, the mean is at most its standard error over the items of
        the tasks, or over tasks.
        """
        values, errors = self.values.loc[models].to_numpy(), self.errors.loc[models].to_numpy()
        ranks = rankdata(-values, axis=0).mean(axis=1)
        best = values.mean(axis=1).argmax()
        behind, n_tasks = values[best] - values, values.shape[1]
        error = np.sqrt((np.square(errors) + np.square(errors[best])).sum(axis=1)) / n_tasks
        mean, over_tasks = behind.mean(axis=1), behind.std(axis=1, ddof=1) / np.sqrt(n_tasks)
        found = (ranks == ranks.min(), mean <= error, mean <= over_tasks)
        return pd.DataFrame(dict(zip(VERDICTS, found, strict=True)), index=models)


VERDICTS = ["right", "within_item_error", "within_task_error"]


def truth_of(results: pd.DataFrame) -> Truth:
    """Task results as tables."""
    tables = [
        results.pivot(index="model", columns="task", values=name) for name in ("value", "standard_error")
    ]
    return Truth(*tables)


def rows_of_pool(pool: ArenaPool, truth: Truth, cache: Path) -> list[dict[str, object]]:
    """Shares by size and rule."""
    whole, generator = whole_of(pool, cache), np.random.default_rng(SEED)
    rows = []
    for size in (size for size in SIZES if size < len(whole.models)):
        drawn = [np.sort(generator.choice(len(whole.models), size, replace=False)) for _ in range(N_SUBPOOLS)]
        cut = [whole.cut(chosen, number < N_CHECKED) for number, chosen in enumerate(drawn)]
        subpools = [(known, truth.verdicts(known.models)) for known in cut]
        rows += [
            {"pool": pool.card.name, "n_models": size, "rule": name, **shares(rule, subpools)}
            for name, rule in RULES.items()
        ]
    return rows


def shares(rule: Rule, subpools: list[tuple[Known, pd.DataFrame]]) -> dict[str, float]:
    """How often a winner is named, and how often it is then right."""
    named = [(rule(known), verdicts) for known, verdicts in subpools]
    found = [verdicts.loc[winner].to_numpy() for winner, verdicts in named if winner is not None]
    means = np.mean(found, axis=0) if found else np.full(len(VERDICTS), np.nan)
    return {"share_named": len(found) / len(subpools), **dict(zip(VERDICTS, means, strict=True))}


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--pools", nargs="+", help="only these")
    given = parser.parse_args()
    names = given.pools or sorted(path.parent.name for path in (given.cache / "pools").glob("*/pool.json"))
    tables = [table_of(name, given.cache) for name in names]
    write_table(pd.concat(tables, ignore_index=True), HERE / "subpools.csv")


def table_of(name: str, cache: Path) -> pd.DataFrame:
    """The rows of a pool, kept in the cache."""
    path = cache / "subpools" / f"{name}.csv"
    if not path.exists():
        folder = folder_of(cache, name)
        rows = rows_of_pool(read_pool(folder), truth_of(read_tasks(folder)), cache)
        write_table(pd.DataFrame(rows).round(4), path)
        print(f"{name}: done", flush=True)
    return read_table(path)


if __name__ == "__main__":
    main()
