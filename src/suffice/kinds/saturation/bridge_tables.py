"""Tables on pairs of hidden states: which measures separate the arms, and which predict behaviour."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from suffice.kinds.saturation.arms import LIKELIHOOD, READ_OUT
from suffice.kinds.saturation.bridge import ESTIMATORS, PROBES
from suffice.kinds.saturation.compared import TWINS
from suffice.kinds.saturation.rule_tables import WITHIN, named
from suffice.kinds.saturation.separation import Stratum, permutation_test, relation_of_matrices
from suffice.kinds.saturation.settings import BridgeSettings

LOSS, BEHAVIOUR = "loss_difference", "ood_rule_1_difference"
DISTANCES = ("output_js", LOSS)  # larger means less similar
ARMS_APART, READ_OUT_APART, IN_CONTEXT = "arms", "read-out", "in context"
BOTH = "both"
AUC_COLUMNS = ("contrast", "probe", "noise", "measure", "auc", "p_value", "n_strata", "n_networks")
RHO_COLUMNS = (
    "behaviour", "probe", "noise", "measure", "spearman", "low", "high", "p_value", "n_strata", "n_networks",
)  # fmt: skip


def unordered_pairs(pairs: pd.DataFrame, cloud: pd.DataFrame) -> pd.DataFrame:
    """One row per unordered pair of networks and measure, with the differences in loss and behaviour.

    Args:
        pairs: rows of `compare_networks` with the columns language and architecture.
        cloud: rows of `cloud_table`.

    Returns:
        language, architecture, probe, noise, measure, first, second, value (a mean of both directions); the
        measures `loss_difference` (nats per string) and `ood_rule_1_difference` have the probe "both". Twins
        are left out.
    """
    together = without_direction(pairs[~_with_twins(pairs)])
    return pd.concat([together, _differences(cloud)], ignore_index=True)[list(together)]


def without_direction(pairs: pd.DataFrame) -> pd.DataFrame:
    """The mean of both directions of every pair, with `first` and `second` for source and target."""
    ends = np.sort(pairs[["source", "target"]].to_numpy(dtype=str), axis=1)
    keys = [*WITHIN, "probe", "noise", "measure", "first", "second"]
    ordered = pairs.assign(first=ends[:, 0], second=ends[:, 1])
    return ordered.groupby(keys, sort=False, dropna=False)["value"].mean().reset_index()


def directed_pairs(pairs: pd.DataFrame, settings: BridgeSettings) -> pd.DataFrame:
    """The matrix of the figure: gaussian nats out of distribution at the settings' noise, without twins."""
    shown = (pairs["measure"] == "gaussian") & (pairs["noise"] == settings.noise)
    chosen = pairs[shown & (pairs["probe"] == PROBES[1]) & ~_with_twins(pairs)]
    return chosen[[*WITHIN, "source", "target", "value"]].reset_index(drop=True)


def _with_twins(pairs: pd.DataFrame) -> "pd.Series[bool]":
    return pairs["source"].str.startswith(TWINS) | pairs["target"].str.startswith(TWINS)


def _differences(cloud: pd.DataFrame) -> pd.DataFrame:
    return differences_between(cloud, {LOSS: "excess_nats", BEHAVIOUR: "ood_rule_1"}).assign(probe=BOTH)


def differences_between(networks: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Absolute differences of numbers between every two networks of one language and architecture.

    Args:
        networks: language, architecture, arm, seed, and the columns of the numbers.
        columns: for each measure, the column of its number.

    Returns:
        language, architecture, measure, first, second, value, noise (NaN).
    """
    tables = []
    for key, own in networks.groupby(WITHIN, sort=False):
        names = (own["arm"] + "/" + own["seed"].astype(str)).tolist()
        for measure, column in columns.items():
            values = own[column].to_numpy()
            matrix = np.abs(values[:, None] - values[None])
            tables.append(rows_of_matrix(measure, names, matrix).assign(**named(WITHIN, key)))
    return pd.concat(tables, ignore_index=True)


def rows_of_matrix(measure: str, names: Sequence[str], matrix: np.ndarray) -> pd.DataFrame:
    """One row per pair of a symmetric matrix: measure, first, second, value, noise (NaN)."""
    places = sorted(range(len(names)), key=lambda place: names[place])
    rows = [
        (measure, names[i], names[j], float(matrix[i, j]), np.nan)
        for i, j in itertools.combinations(places, 2)
    ]
    return pd.DataFrame(rows, columns=["measure", "first", "second", "value", "noise"])


def auc_table(pairs: pd.DataFrame, settings: BridgeSettings, seed: int) -> pd.DataFrame:
    """How well each measure separates pairs of one arm from pairs of two, within language and architecture.

    Args:
        pairs: rows of `unordered_pairs`.
        settings: of the comparison.
        seed: of the permutations.

    Returns:
        Rows with `AUC_COLUMNS`. The contrast "arms" covers all arms except the read-out arm. "read-out"
        compares this arm with likelihood, from which it takes its hidden states: the planned counterexample.
        There a network and its own read-out are not a pair, and labels are permuted only within these.
    """
    arms = set(pairs["first"].map(arm_of)) | set(pairs["second"].map(arm_of))
    contrasts = {ARMS_APART: arms - {READ_OUT}}
    if READ_OUT in arms:
        contrasts[READ_OUT_APART] = {LIKELIHOOD, READ_OUT}
    rows = []
    for contrast, wanted in contrasts.items():
        if len(wanted) < 2:
            continue
        chosen = pairs[pairs["first"].map(arm_of).isin(wanted) & pairs["second"].map(arm_of).isin(wanted)]
        rows += auc_of_measures(contrast, chosen, settings, seed)
    return pd.DataFrame(rows, columns=list(AUC_COLUMNS))


def auc_of_measures(
    contrast: str, pairs: pd.DataFrame, settings: BridgeSettings, seed: int
) -> list[tuple[object, ...]]:
    """Rows of `AUC_COLUMNS` of one contrast; except in "arms", networks of one seed are not a pair."""
    rows: list[tuple[object, ...]] = []
    for (probe, noise, measure), own in _measures(pairs):
        by_seed = contrast != ARMS_APART
        strata = [_stratum(each, measure, by_seed) for _, each in own.groupby(WITHIN, sort=False)]
        auc, p_value = permutation_test(strata, settings.n_permutations, seed)
        found = (contrast, probe, noise, measure, auc, p_value)
        rows.append((*found, len(strata), sum(len(each.labels) for each in strata)))
    return rows


def behaviour_table(
    pairs: pd.DataFrame, settings: BridgeSettings, seed: int, behaviours: Sequence[str] = (BEHAVIOUR,)
) -> pd.DataFrame:
    """How well each measure predicts differences in behaviour, without the read-out arm.

    Args:
        pairs: one row per pair and measure, as from `unordered_pairs`.
        settings: of the comparison.
        seed: of the permutations.
        behaviours: measures in `pairs` that are differences in behaviour; by default that in rule 1.

    Returns:
        Rows with `RHO_COLUMNS`: Spearman's rho of similarity and difference within language and architecture,
        averaged over these; negative if more similar networks behave more similarly. With a jackknife
        interval over networks and a permutation p-value; see `relation_of_matrices`.
    """
    read_out = (pairs["first"].map(arm_of) == READ_OUT) | (pairs["second"].map(arm_of) == READ_OUT)
    chosen = pairs[~read_out]
    rows = []
    for behaviour in behaviours:
        wanted = chosen[chosen["measure"] == behaviour].groupby(WITHIN, sort=False)
        distance = {key: _matrix(each)[0] for key, each in wanted}
        for (probe, noise, measure), own in _measures(chosen[~chosen["measure"].isin(behaviours)]):
            strata = {key: _stratum(each, measure) for key, each in own.groupby(WITHIN, sort=False)}
            related = relation_of_matrices(
                [stratum.similarity for stratum in strata.values()],
                [distance[key] for key in strata],
                settings.n_permutations,
                seed,
            )
            place = {"behaviour": behaviour, "probe": probe, "noise": noise, "measure": measure}
            rows.append({**place, **related})
    return pd.DataFrame(rows, columns=list(RHO_COLUMNS))


def arm_of(name: str) -> str:
    """The arm of a network called "arm/seed"."""
    return name.rpartition("/")[0]


def _measures(pairs: pd.DataFrame) -> Sequence[tuple[tuple[str, float, str], pd.DataFrame]]:
    return list(pairs.groupby(["probe", "noise", "measure"], sort=False, dropna=False))  # type: ignore[arg-type]


def _matrix(pairs: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """A symmetric matrix of the value of one measure in one stratum, and the names of its rows."""
    names = sorted({*pairs["first"], *pairs["second"]})
    place = {name: index for index, name in enumerate(names)}
    rows, columns = (pairs[end].map(place).to_numpy() for end in ("first", "second"))
    matrix = np.zeros((len(names), len(names)))
    matrix[rows, columns] = matrix[columns, rows] = pairs["value"].to_numpy()
    return matrix, names


def _stratum(pairs: pd.DataFrame, measure: str, by_seed: bool = False) -> Stratum:
    matrix, names = _matrix(pairs)
    similarity = -matrix if measure in (*DISTANCES, BEHAVIOUR) else matrix
    seeds = np.array([int(name.rpartition("/")[2]) for name in names])
    return Stratum(similarity, np.array([arm_of(name) for name in names]), seeds if by_seed else None)


def kind_table(pairs: pd.DataFrame, settings: BridgeSettings) -> pd.DataFrame:
    """Means of each measure by the arms of a pair, at the settings' noise.

    Returns:
        language, architecture, probe, measure, kind ("arm - arm"; a network of likelihood and the read-out
        with its states are "likelihood - its own read-out"), mean, least, most, n_pairs.
    """
    usual = pairs[pairs["noise"].isna() | (pairs["noise"] == settings.noise)]
    kinds = [_kind(first, second) for first, second in zip(usual["first"], usual["second"], strict=True)]
    grouped = usual.assign(kind=kinds).groupby([*WITHIN, "probe", "measure", "kind"], sort=False)["value"]
    return grouped.agg(mean="mean", least="min", most="max", n_pairs="size").reset_index()


def _kind(first: str, second: str) -> str:
    arms = sorted([arm_of(first), arm_of(second)])
    if arms == sorted([LIKELIHOOD, READ_OUT]) and first.rpartition("/")[2] == second.rpartition("/")[2]:
        return f"{LIKELIHOOD} - its own read-out"
    return " - ".join(arms)


def floor_table(pairs: pd.DataFrame, settings: BridgeSettings) -> pd.DataFrame:
    """The noise floor: how much information sufficiency differs between a network and its functional twins.

    Args:
        pairs: rows of `compare_networks` with the columns language and architecture.
        settings: of the comparison.

    Returns:
        language, architecture, probe, measure, floor_nats (largest absolute difference between a twin and
        its network, as source or as target, over all other networks), spread_nats (standard deviation of
        the measure over pairs of other networks). No rows for networks without twins.
    """
    chosen = pairs[(pairs["noise"] == settings.noise) & pairs["measure"].isin(ESTIMATORS)]
    rows, keys = [], [*WITHIN, "probe", "measure"]
    for key, own in chosen.groupby(keys, sort=False):
        matrix = own.pivot(index="source", columns="target", values="value")
        twins = [f"{name}/0" for name in TWINS if f"{name}/0" in matrix.index]
        base = f"{LIKELIHOOD}/0"
        others = matrix.index.difference([base, *twins])
        if not twins or others.empty:
            continue
        between = matrix.reindex(columns=others)
        as_source = np.nanmax(between.loc[twins].sub(between.loc[base]).abs().to_numpy())
        onto = matrix.loc[others]
        as_target = np.nanmax(onto[twins].sub(onto[base], axis=0).abs().to_numpy())
        spread = np.nanstd(matrix.loc[others, others].to_numpy(dtype=float))
        rows.append(
            {**named(keys, key), "floor_nats": float(max(as_source, as_target)), "spread_nats": float(spread)}
        )
    return pd.DataFrame(rows, columns=[*keys, "floor_nats", "spread_nats"])
