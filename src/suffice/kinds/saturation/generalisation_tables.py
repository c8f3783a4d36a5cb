"""Tables of case 4: accuracy at equal loss, whether kinds order networks alike, and shares of behaviours."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from suffice.kinds.saturation.generalisation import ALPHABET, RULE, Generalisation, get_kind
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.rule_tables import equivalence_within, means_within, named, rows_of_table
from suffice.kinds.saturation.settings import GeneralisationSettings
from suffice.seeds import derive_seed

PLACE = ["kind", "architecture"]
NETWORK = [*PLACE, "seed"]
SPLIT = ["kind", "part"]
UNFINISHED, MIXED = "does not end", "mixed"
CHANCE = "another answer"
LEVEL = 0.95
N_DRAWS = 200
ROUNDING = 1e-12
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def generalisation_tables(
    runs: pd.DataFrame, answers: pd.DataFrame, settings: GeneralisationSettings, margin: float, seed: int
) -> dict[str, pd.DataFrame]:
    """All tables of the case.

    Args:
        runs: one row per network, of all jobs.
        answers: one row per network and prompt, of all jobs.
        settings: of the case.
        margin: largest difference of losses that counts as equal, in nats per string.
        seed: base seed of the study.
    """
    agreement = agreement_table(answers)
    networks = network_table(runs, agreement, settings.behaviour_share)
    return {
        "generalisation": networks,
        "generalisation_agreement": agreement,
        "generalisation_means": means_table(networks),
        "generalisation_baselines": chance_table(settings.kinds, derive_seed(seed, "chance")),
        "generalisation_equivalence": equivalence_within(runs, ["kind"], "architecture", margin),
        "generalisation_orders": order_table(networks, settings.n_resamples, derive_seed(seed, "orders")),
        "generalisation_behaviours": behaviour_shares(networks),
        "generalisation_bias": bias_table(networks, settings.n_resamples, derive_seed(seed, "bias")),
    }


def agreement_table(answers: pd.DataFrame) -> pd.DataFrame:
    """How many of a network's answers agree with each behaviour.

    Args:
        answers: kind, architecture, seed, part, prompt, completion, finished.

    Returns:
        kind, architecture, seed, part, behaviour, share, n_prompts. An answer can agree with several
        behaviours, or with none. One that does not end agrees only with `UNFINISHED`.
    """
    rows = []
    for key, own in answers.fillna({"completion": ""}).groupby([*NETWORK, "part"], sort=False):
        kind = get_kind(str(key[0]))
        found = [
            kind.behaviours_of(row.prompt, row.completion) if row.finished else (UNFINISHED,)
            for row in rows_of_table(own)
        ]
        rows += [
            {
                **named([*NETWORK, "part"], key),
                "behaviour": behaviour,
                "share": sum(behaviour in each for each in found) / len(found),
                "n_prompts": len(found),
            }
            for behaviour in (*kind.behaviours, UNFINISHED)
        ]
    return pd.DataFrame(rows)


def network_table(runs: pd.DataFrame, agreement: pd.DataFrame, least_share: float) -> pd.DataFrame:
    """Accuracy and behaviour of each network on each part.

    Args:
        runs: one row per network.
        agreement: rows of `agreement_table`.
        least_share: share of prompts whose answers must agree with a behaviour.

    Returns:
        The runs, one row per part, with accuracy (the share that agrees with the rule; an unfinished
        answer is wrong), n_prompts, and behaviour: the one with the largest share (among equals, the rule),
        or `MIXED` if it is below `least_share`.
    """
    rows = []
    for key, own in agreement.groupby([*NETWORK, "part"], sort=False):
        most = own.iloc[int(own["share"].to_numpy().argmax())]
        rows.append(
            {
                **named([*NETWORK, "part"], key),
                "accuracy": own.loc[own["behaviour"] == RULE, "share"].iloc[0],
                "n_prompts": own["n_prompts"].iloc[0],
                "behaviour": most["behaviour"] if most["share"] >= least_share else MIXED,
            }
        )
    return runs.merge(pd.DataFrame(rows), on=NETWORK, validate="one_to_many")


def means_table(networks: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds of accuracy by part, and of the excess, with 95 % intervals.

    Returns:
        kind, architecture, quantity (accuracy; excess_nats, with an empty part), part, and the columns of
        `mean_interval`.
    """
    once = networks[networks["part"] == IN]
    long = [
        networks.assign(quantity="accuracy", value=networks["accuracy"]),
        once.assign(quantity="excess_nats", part="", value=once["excess_nats"]),
    ]
    return means_within(pd.concat(long), [*PLACE, "quantity", "part"])


def chance_table(kinds: Sequence[str], seed: int) -> pd.DataFrame:
    """How often answers without a model obey the rule.

    Args:
        kinds: names of kinds.
        seed: of the drawn answers.

    Returns:
        kind, part, baseline ("end at once"; "another answer", drawn from those to prompts in distribution;
        "uniform", random letters and end), accuracy, n_prompts, n_draws (per prompt).
    """
    rows = []
    for name in kinds:
        kind = get_kind(name)
        rng = np.random.default_rng(derive_seed(seed, name))
        for part, prompts in kind.prompts.items():
            for baseline, answers in _drawn_answers(kind, len(prompts), rng).items():
                right = [
                    RULE in kind.behaviours_of(prompt, answer)
                    for prompt, own in zip(prompts, answers, strict=True)
                    for answer in own
                ]
                where = {"kind": name, "part": part, "baseline": baseline}
                sizes = {"n_prompts": len(prompts), "n_draws": len(answers[0])}
                rows.append({**where, "accuracy": float(np.mean(right)), **sizes})
    return pd.DataFrame(rows)


def _drawn_answers(
    kind: Generalisation, n_prompts: int, rng: np.random.Generator
) -> dict[str, list[list[str]]]:
    """For each baseline, the drawn answers to each prompt."""
    known = [kind.answer(prompt) for prompt in kind.prompts[IN]]
    letters = np.array(list(ALPHABET))
    lengths = rng.geometric(1 / (len(letters) + 1), (n_prompts, N_DRAWS)) - 1
    return {
        "end at once": [[""]] * n_prompts,
        CHANCE: rng.choice(known, (n_prompts, N_DRAWS)).tolist(),
        "uniform": [["".join(rng.choice(letters, length)) for length in own] for own in lengths],
    }


def order_table(networks: pd.DataFrame, n_resamples: int, seed: int) -> pd.DataFrame:
    """Do splits order architectures alike, and the seeds of one architecture?

    Networks of one architecture and seed number start with the same weights for every kind. A bootstrap
    resamples seed numbers within each architecture, the same ones for all splits.

    Args:
        networks: rows of `network_table`.
        n_resamples: resamples of the seeds.
        seed: of the resamples.

    Returns:
        first, second (splits, as "kind: part"), among ("architectures", by their means, or "seeds", the mean
        of the architectures in which both vary), spearman, low, high (95 %; NaN if undefined), n:
        architectures, or those in which both vary.
    """
    new = networks[networks["part"] != IN]
    scores = {
        f"{kind}: {part}": rows.pivot(index="architecture", columns="seed", values="accuracy").sort_index()
        for (kind, part), rows in new.groupby(SPLIT, sort=False)
    }
    shape = next(iter(scores.values())).shape
    drawn = np.random.default_rng(seed).integers(shape[1], size=(n_resamples, *shape))
    rows = []
    for first, second in itertools.combinations(scores, 2):
        values = np.stack([scores[first].to_numpy(), scores[second].to_numpy()])  # (2, architectures, seeds)
        resampled = np.take_along_axis(values[:, None], drawn[None], axis=-1)
        for among, measure in (("architectures", _of_means), ("seeds", _within)):
            rho, n = measure(values[:, None])
            spread = measure(resampled)[0]
            low, high = _quantiles(spread)
            where = {"first": first, "second": second, "among": among}
            rows.append({**where, "spearman": rho[0], "low": low, "high": high, "n": int(n[0])})
    return pd.DataFrame(rows)


def _of_means(values: Floats) -> tuple[Floats, Integers]:
    """Spearman's rho of means over seeds, from shape (2, n_resamples, n_architectures, n_seeds)."""
    means = values.mean(-1).round(12)  # equal means of other orders differ by rounding
    return spearman(means[0], means[1]), np.full(values.shape[1], values.shape[2])


def _within(values: Floats) -> tuple[Floats, Integers]:
    """Mean over architectures of Spearman's rho over seeds, and the number in which it exists."""
    rho = spearman(values[0], values[1])  # (n_resamples, n_architectures)
    exists = np.isfinite(rho)
    n = exists.sum(-1)
    total = np.where(exists, rho, 0).sum(-1)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0), n


def spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's rho over the last axis, with mean ranks of ties; NaN where one of the two does not vary.

    Args:
        first: shape (..., n).
        second: the same shape.

    Returns:
        Shape (...).
    """
    ranks = [scipy.stats.rankdata(values, axis=-1) for values in (first, second)]
    a, b = (each - each.mean(-1, keepdims=True) for each in ranks)
    product, scale = (a * b).sum(-1), np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return np.divide(product, scale, out=np.full(product.shape, np.nan), where=scale > 0)


def _quantiles(values: Floats) -> tuple[float, float]:
    given = values[np.isfinite(values)]
    if not len(given):
        return float("nan"), float("nan")
    low, high = np.quantile(given, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def behaviour_shares(networks: pd.DataFrame) -> pd.DataFrame:
    """The share of seeds of an architecture that end in each behaviour, with Wilson's 95 % interval.

    Source: Wilson 1927, doi 10.1080/01621459.1927.10502953.

    Args:
        networks: rows of `network_table`.

    Returns:
        kind, part, architecture, behaviour, n_with, n_seeds, share, low, high; behaviours that no seed of the
        architecture shows included, but not prompts in distribution.
    """
    new = networks[networks["part"] != IN]
    return pd.DataFrame(
        [row for key, own in new.groupby([*SPLIT, "architecture"], sort=False) for row in _shares(key, own)]
    )


def _shares(key: tuple[Any, ...], own: pd.DataFrame) -> Iterator[dict[str, object]]:
    for behaviour in (*get_kind(str(key[0])).behaviours, UNFINISHED, MIXED):
        n_with = int((own["behaviour"] == behaviour).sum())
        interval = scipy.stats.binomtest(n_with, len(own)).proportion_ci(LEVEL, method="wilson")
        yield {
            **named([*SPLIT, "architecture"], key),
            "behaviour": behaviour,
            "n_with": n_with,
            "n_seeds": len(own),
            "share": n_with / len(own),
            "low": float(interval.low),
            "high": float(interval.high),
        }


def bias_table(networks: pd.DataFrame, n_permutations: int, seed: int) -> pd.DataFrame:
    """How far the architecture decides what a network does on new prompts, and how far chance does.

    Args:
        networks: rows of `network_table`.
        n_permutations: permutations of architectures among networks.
        seed: of the permutations.

    Returns:
        kind, part, information_nats (between architecture and behaviour, of the seeds at hand),
        chance_information_nats (its mean over permutations), p_information; share_of_variance (of accuracies,
        between architectures), chance_share_of_variance, p_variance; n_networks. The share is NaN, p = 1, if
        accuracies do not vary.
    """
    new = networks[networks["part"] != IN]
    rows = []
    for key, own in new.groupby(SPLIT, sort=False):
        rng = np.random.default_rng(seed)
        groups = pd.factorize(own["architecture"])[0]
        orders = np.stack([groups, *(rng.permutation(groups) for _ in range(n_permutations))])
        nats = _informations(orders, pd.factorize(own["behaviour"])[0])
        shares = _shares_of_variance(orders, own["accuracy"].to_numpy())
        rows.append(
            {
                **named(SPLIT, key),
                "information_nats": nats[0],
                "chance_information_nats": nats[1:].mean(),
                "p_information": np.mean(nats >= nats[0] - ROUNDING),
                "share_of_variance": shares[0],
                "chance_share_of_variance": shares[1:].mean(),
                "p_variance": 1 - np.mean(shares < shares[0] - ROUNDING),
                "n_networks": len(own),
            }
        )
    return pd.DataFrame(rows)


def _informations(orders: Integers, behaviours: Integers) -> Floats:
    """Mutual information in nats of each row of groups with the behaviours, shape (n_rows,)."""
    joint = _one_hot(orders).swapaxes(1, 2) @ _one_hot(behaviours) / len(behaviours)
    apart = joint.sum(2, keepdims=True) * joint.sum(1, keepdims=True)
    return np.asarray(scipy.special.rel_entr(joint, apart).sum((1, 2)))


def _shares_of_variance(orders: Integers, values: Floats) -> Floats:
    """Share of the variance of the values between groups, for each row of groups, shape (n_rows,)."""
    total = ((values - values.mean()) ** 2).sum()
    if total == 0:
        return np.full(len(orders), np.nan)
    members = _one_hot(orders)  # (n_rows, n_networks, n_groups)
    sizes = members.sum(1)
    sums = (members * (values - values.mean())[:, None]).sum(1)
    return np.asarray((sums**2 / sizes).sum(1) / total)


def _one_hot(labels: Integers) -> Floats:
    """Labels as rows with a single one, shape (..., n_labels)."""
    return np.asarray(np.eye(labels.max() + 1)[labels])
