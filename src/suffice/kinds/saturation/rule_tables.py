"""Tables of case 1: accuracies of every network, means of arms with intervals, equivalence, loss matching."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy

from suffice.kinds.saturation.completions import accuracy_table
from suffice.kinds.saturation.equivalence import equivalence_table
from suffice.kinds.saturation.prompts import IN, OUT_TEST

GROUP = ["language", "architecture", "arm"]
NETWORK = [*GROUP, "seed"]
WITHIN = ["language", "architecture"]
LEVEL = 0.95


def named(columns: Sequence[str], key: Any) -> dict[str, Any]:
    """The columns of a grouping with the values of one of its groups."""
    return dict(zip(columns, key, strict=True))


def network_accuracies(completions: pd.DataFrame) -> pd.DataFrame:
    """Accuracies of each network: rows of `accuracy_table` with the columns that name the network."""
    return pd.concat(
        [
            accuracy_table(rows).assign(**named(NETWORK, key))
            for key, rows in completions.groupby(NETWORK, sort=False)
        ],
        ignore_index=True,
    )


def mean_interval(values: pd.Series) -> dict[str, float]:
    """Mean, Student's 95 % interval over independent values, and their range; NaN with fewer than two values.

    An interval of equal values has zero width. The values do not vary, but they are not certain.
    """
    given = values.dropna()
    mean, n = given.mean(), len(given)
    if n < 2:
        half = np.nan
    else:
        half = scipy.stats.t.ppf((1 + LEVEL) / 2, n - 1) * given.std(ddof=1) / np.sqrt(n)
    return {
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "least": given.min(),
        "most": given.max(),
        "n_seeds": n,
    }


def arm_table(runs: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of excess and of accuracies, with 95 % intervals.

    Args:
        runs: one row per network.
        accuracies: rows of `network_accuracies`.

    Returns:
        language, architecture, arm, quantity, part, and the columns of `mean_interval`. Quantities:
        excess_nats (part empty), rule_1, rule_2_after, rule_1_finished (finished completions only), finished.
    """
    long = [runs.assign(quantity="excess_nats", part="", value=runs["excess_nats"])]
    rule_1 = accuracies[accuracies["rule"] == "rule_1"]
    rule_2 = accuracies[accuracies["rule"] == "rule_2_after"]
    long += [rule_1.assign(quantity="rule_1", value=rule_1["accuracy"])]
    long += [rule_2.assign(quantity="rule_2_after", value=rule_2["accuracy"])]
    long += [rule_1.assign(quantity="rule_1_finished", value=rule_1["accuracy_finished"])]
    long += [rule_1.assign(quantity="finished", value=rule_1["finished"])]
    return means_within(pd.concat(long), [*GROUP, "quantity", "part"])


def means_within(values: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The columns of `mean_interval` of the column `value`, a row per group of the keys."""
    grouped = values.groupby(list(keys), sort=False)["value"]
    return pd.DataFrame([named(keys, key) | mean_interval(own) for key, own in grouped])


def equivalence_within(runs: pd.DataFrame, keys: Sequence[str], group: str, margin: float) -> pd.DataFrame:
    """Two one-sided tests of the excess of every two groups, apart for each value of the keys."""
    return pd.concat(
        [
            equivalence_table(rows, "excess_nats", group, margin).assign(**named(keys, key))
            for key, rows in runs.groupby(list(keys), sort=False)
        ],
        ignore_index=True,
    )


def cloud_table(runs: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Each network's excess beside its accuracy of rule 1 in and out of distribution.

    Returns:
        The runs with id_rule_1, ood_rule_1 (prompts that trained no network) and finished_ood.
    """
    rule_1 = accuracies[accuracies["rule"] == "rule_1"].set_index([*NETWORK, "part"])
    wide = rule_1[["accuracy", "finished"]].unstack("part")
    columns = {
        "id_rule_1": wide["accuracy"][IN],
        "ood_rule_1": wide["accuracy"][OUT_TEST],
        "finished_ood": wide["finished"][OUT_TEST],
    }
    return runs.merge(pd.DataFrame(columns).reset_index(), on=NETWORK, validate="one_to_one")


def loss_tells(cloud: pd.DataFrame) -> pd.DataFrame:
    """Does the loss predict behaviour? Spearman's rho of excess and accuracy out of distribution.

    Returns:
        language, architecture, among ("seeds of likelihood" or "all arms"), spearman, p_value, n_networks;
        NaN if one of the two does not vary.
    """
    rows = []
    for key, networks in cloud.groupby(WITHIN, sort=False):
        likely = networks[networks["arm"] == "likelihood"]
        for among, chosen in (("seeds of likelihood", likely), ("all arms", networks)):
            rows.append(
                {**named(WITHIN, key), "among": among, **_spearman(chosen), "n_networks": len(chosen)}
            )
    return pd.DataFrame(rows)


def _spearman(networks: pd.DataFrame) -> dict[str, float]:
    excess, accuracy = networks["excess_nats"], networks["ood_rule_1"]
    if len(networks) < 3 or excess.nunique() < 2 or accuracy.nunique() < 2:
        return {"spearman": np.nan, "p_value": np.nan}
    found = scipy.stats.spearmanr(excess, accuracy)
    return {"spearman": float(found.statistic), "p_value": float(found.pvalue)}


def rows_of_table(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, with cells as attributes."""
    return iter(table.itertuples())


def separated(arms: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Are arms different? Whether the 95 % intervals of rule 1 on unseen prompts overlap.

    Args:
        arms: rows of `arm_table`.
        names: arms to compare.

    Returns:
        language, architecture, first, second, gap (from the end of one interval to the start of the next;
        negative if they overlap), apart.
    """
    chosen = arms[(arms["quantity"] == "rule_1") & (arms["part"] == OUT_TEST) & arms["arm"].isin(names)]
    rows = []
    for key, own in chosen.groupby(WITHIN, sort=False):
        ordered = own.sort_values("mean")
        for lower, upper in itertools.pairwise(rows_of_table(ordered)):
            gap = float(upper.low - lower.high)
            rows.append(
                {
                    **named(WITHIN, key),
                    "first": lower.arm,
                    "second": upper.arm,
                    "gap": gap,
                    "apart": bool(gap > 0),
                }
            )
    return pd.DataFrame(rows)
