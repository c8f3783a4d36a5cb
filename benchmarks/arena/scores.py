"""The score that each candidate gives each model of a pool, and what it cost. No label is read here."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from aggregates import AGGREGATES, FAILING, family_weights, without_self
from candidates import (
    AS_GIVEN,
    BaselineCandidate,
    Candidate,
    Combination,
    LibraryCandidate,
    OwnCandidate,
    PairCandidate,
)
from pairs import library_arrays, matrix_of, pairs_of, path_of_pairs
from pool import ArenaPool

from suffice.baselines.registry import (
    BASELINES,
    OF_POOL,
    ONE_MODEL,
    baselines_of_pool,
    sample_of_items,
)
from suffice.baselines.self_retrieval import self_retrieval
from suffice.baselines.similarity import N_NEIGHBOURS, median_mutual_neighbours, nearest_neighbours
from suffice.errors import EstimationError
from suffice.ranking.wins import win_rates
from suffice.storage.files import read_table, write_table

MAX_HALVED = 2000  # pairs of looks of self-retrieval, which compares all with all


def scores_of(
    pool: ArenaPool, cache: Path, candidates: Mapping[str, Candidate]
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Scores of candidates, higher is better, models as index; and processor seconds of each."""
    baselines, baseline_seconds = baseline_values(pool, cache)
    scores: dict[str, pd.Series] = {}
    seconds: dict[str, float] = {}
    for name, candidate in candidates.items():
        scores[name], seconds[name] = _score(
            candidate, pool, cache, baselines, baseline_seconds, scores, seconds
        )
    return pd.DataFrame(scores).loc[pool.card.model_names], seconds


def measured(cache: Path, pool: str, candidates: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """The candidates whose pairs are in the cache."""
    return {name: each for name, each in candidates.items() if _is_measured(each, cache, pool, candidates)}


def _is_measured(candidate: Candidate, cache: Path, pool: str, candidates: Mapping[str, Candidate]) -> bool:
    match candidate:
        case PairCandidate(way=way, looks=looks):
            return path_of_pairs(cache, pool, way, looks).exists()
        case OwnCandidate(way=way):
            return path_of_pairs(cache, pool, way, "two").exists()
        case LibraryCandidate(ways=ways, looks=looks):
            return all(path_of_pairs(cache, pool, way, looks).exists() for _, way in ways)
        case Combination(parts=parts):
            return all(_is_measured(candidates[part], cache, pool, candidates) for part in parts)
    return True


def _score(  # noqa: PLR0913 - what candidates are made from
    candidate: Candidate,
    pool: ArenaPool,
    cache: Path,
    baselines: pd.DataFrame,
    baseline_seconds: Mapping[str, float],
    scores: Mapping[str, pd.Series],
    seconds: Mapping[str, float],
) -> tuple[pd.Series, float]:
    """One candidate's scores and processor seconds."""
    match candidate:
        case PairCandidate():
            return _pair_score(candidate, pool, cache)
        case OwnCandidate():
            pairs = pairs_of(pool, candidate.way, "two", cache)
            own = pairs[pairs["source"] == pairs["target"]].set_index("source")["nats"]
            return own, float(pairs["cpu_seconds"].iloc[0])
        case LibraryCandidate():
            return _library_score(candidate, pool, cache)
        case BaselineCandidate():
            return candidate.sign * baselines[candidate.name], float(baseline_seconds[candidate.name])
        case Combination():
            ranks = pd.DataFrame({part: scores[part].rank() for part in candidate.parts})
            return ranks.mean(axis=1), sum(seconds[part] for part in candidate.parts)


def _pair_score(candidate: PairCandidate, pool: ArenaPool, cache: Path) -> tuple[pd.Series, float]:
    pairs = pairs_of(pool, candidate.way, candidate.looks, cache)
    matrix = matrix_of(pairs)
    families = {each.model: each.family for each in pool.card.models}
    weights = (
        family_weights([families[target] for target in matrix.columns])
        if candidate.families
        else np.ones(len(matrix))
    )
    values = matrix.to_numpy(dtype=float)
    counted = values if candidate.self_pairs else without_self(values)
    score = (AGGREGATES | FAILING)[candidate.aggregate](counted, weights)
    return pd.Series(score, index=matrix.index), float(pairs["cpu_seconds"].iloc[0])


def _library_score(candidate: LibraryCandidate, pool: ArenaPool, cache: Path) -> tuple[pd.Series, float]:
    """The library's win rates."""
    arrays = library_arrays(pool, cache, dict(candidate.ways), candidate.looks)
    tables = [pairs_of(pool, way, candidate.looks, cache) for _, way in candidate.ways]
    rates = win_rates(arrays, arrays.matrix())
    return pd.Series(rates, index=arrays.models), sum(float(each["cpu_seconds"].iloc[0]) for each in tables)


def baseline_values(pool: ArenaPool, cache: Path) -> tuple[pd.DataFrame, dict[str, float]]:
    """Values of the baselines, models as index, and processor seconds of each; kept in the cache."""
    path = cache / "baselines" / f"{pool.card.name}.csv"
    if not path.exists():
        write_table(measure_baselines(pool), path)
    table = read_table(path).set_index("model")
    seconds = table.loc["seconds"].to_dict()
    return table.drop(index="seconds"), seconds


def measure_baselines(pool: ArenaPool) -> pd.DataFrame:
    """One row per model and a last row `seconds`; one column per baseline."""
    values: dict[str, pd.Series] = {}
    seconds: dict[str, float] = {}
    for name in ONE_MODEL:
        started = time.process_time()
        values[name] = pd.Series({model: _own_value(name, array) for model, array in pool.items.items()})
        seconds[name] = time.process_time() - started
    for columns, measure in (
        (OF_POOL, _of_pool),
        ((AS_GIVEN,), _as_given),
        (("self_retrieval",), _self_retrieval),
    ):
        started = time.process_time()
        found = measure(pool)
        values |= {name: found[name] for name in columns}
        seconds |= dict.fromkeys(columns, (time.process_time() - started) / len(columns))
    counts = {each.model: each.n_parameters or np.nan for each in pool.card.models}
    values["n_parameters"], seconds["n_parameters"] = pd.Series(counts), 0.0
    table = pd.DataFrame(values).loc[pool.card.model_names].rename_axis("model").reset_index()
    return pd.concat([table, pd.DataFrame([{"model": "seconds", **seconds}])], ignore_index=True)


def _own_value(name: str, array: np.ndarray) -> float:
    """A baseline of one model by itself; NaN where it is not defined, as for vectors that are too narrow."""
    sampled = BASELINES[name].of == "sample"
    vectors = (
        np.asarray(array[sample_of_items(len(array))], dtype=np.float64) if sampled else np.asarray(array)
    )
    try:
        return float(BASELINES[name].measure(vectors))
    except EstimationError:
        return np.nan


def _n_rows(vectors: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(vectors.values())))


def _of_pool(pool: ArenaPool) -> pd.DataFrame:
    return baselines_of_pool(pool.items).set_index("model")


def _as_given(pool: ArenaPool) -> pd.DataFrame:
    """Shares of common neighbours of vectors whose dimensions are not standardised."""
    rows = sample_of_items(_n_rows(pool.items))
    lists = [
        nearest_neighbours(np.asarray(array[rows], dtype=np.float64), N_NEIGHBOURS)
        for array in pool.items.values()
    ]
    return pd.DataFrame({AS_GIVEN: median_mutual_neighbours(lists)}, index=list(pool.items))


def _self_retrieval(pool: ArenaPool) -> pd.DataFrame:
    rows = sample_of_items(_n_rows(pool.first), MAX_HALVED)
    found = {
        model: self_retrieval(np.asarray(pool.first[model][rows]), np.asarray(pool.second[model][rows]))
        for model in pool.first
    }
    return pd.DataFrame({"self_retrieval": found})
