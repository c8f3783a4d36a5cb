"""Which models are targets: all, named ones, or k drawn at random from as many families as possible.

N models need not cost N^2 pairs: with k targets they cost N k. We found no way to choose targets before
estimation that is better than a random draw (benchmarks/reference_targets.csv). They are therefore drawn at
random with a seed, and spread over families.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd

from suffice.errors import EstimationError
from suffice.ranking.pools import MIN_GROUPS, groups_of_targets
from suffice.seeds import derive_seed
from suffice.settings import did_you_mean

Targets = Literal["all"] | int | Sequence[str]
NAMED = 12
MAX_DIGITS = 10  # of a number of targets


def parse_targets(text: str) -> Targets:
    """The meaning of `all`, a number, or names separated by commas."""
    if text == "all":
        return "all"
    return (
        int(text)
        if text.isdecimal() and len(text) < MAX_DIGITS
        else [name.strip() for name in text.split(",") if name.strip()]
    )


def check_targets(targets: Targets, models: Sequence[str], self_pairs: bool) -> None:
    """Check that the requested targets are available.

    Args:
        targets: "all", a number, or names.
        models: the models that may be targets.
        self_pairs: whether a model is a target of itself; if not, one target is not enough.

    Raises:
        EstimationError: an unknown name, a repeated name, or too few or too many targets.
    """
    if not isinstance(targets, (str, int)):
        for name in targets:
            if name not in models:
                raise EstimationError(f"target {name!r} is not a model{did_you_mean(name, list(models))}")
        if len(set(targets)) < len(targets):
            raise EstimationError(f"targets: a name occurs twice in {', '.join(targets)}; remove one")
    elif isinstance(targets, str) and targets != "all":
        raise EstimationError(f"targets: {targets!r}; write all, a number, or a list of names")
    wanted = len(models) if targets == "all" else targets if isinstance(targets, int) else len(targets)
    least = 1 if self_pairs else 2
    if wanted < least:
        raise EstimationError(f"{wanted} targets are too few: choose at least {least}")
    if wanted > len(models):
        raise EstimationError(f"{wanted} targets are requested, but only {len(models)} models can be targets")


def targets_within(budget: int, n_models: int, self_pairs: bool) -> Targets:
    """The number of targets that a number of pairs allows, with every model as a source.

    Raises:
        EstimationError: the number is too small.
    """
    n_targets, least = budget // n_models, 1 if self_pairs else 2
    if n_targets < least:
        raise EstimationError(
            f"a budget of {budget} pairs is too small for {n_models} models: "
            f"at least {least} targets, so {least * n_models} pairs, are needed"
        )
    return min(n_targets, n_models)


def choose_targets(
    models: Sequence[str], n_targets: int, families: Mapping[str, str] | None = None, seed: int = 0
) -> list[str]:
    """Random models, one of each family before a second of any; the order of `models` does not matter.

    Args:
        models: models that may be targets.
        n_targets: number of targets to choose.
        families: family of models; a model without an entry is its own family.
        seed: seed of the draw.

    Returns:
        Their names, sorted.
    """
    names = np.array(sorted(models), dtype=object)
    drawn = np.random.default_rng(derive_seed(seed, "targets")).permutation(names)
    family = pd.Series([(families or {}).get(name, f"{name} alone") for name in drawn])
    turn = family.groupby(family).cumcount()
    return sorted(drawn[np.argsort(turn, kind="stable")][:n_targets])


def describe_targets(ranking: pd.DataFrame) -> str:
    """Sentences on which models of a ranking were targets, and what this means for other pools."""
    return f"{_named_targets(ranking)} {_other_pools(ranking)}"


def _named_targets(ranking: pd.DataFrame) -> str:
    targets = sorted(ranking.loc[ranking["is_target"].astype(bool), "model"])
    if len(targets) == len(ranking):
        return f"All {len(ranking)} models are targets."
    named = ", ".join(targets[:NAMED]) + (f" and {len(targets) - NAMED} more" * (len(targets) > NAMED))
    return f"{len(targets)} of {len(ranking)} models are targets: {named}."


def _other_pools(ranking: pd.DataFrame) -> str:
    """Which models could be first in another pool like this one, or why this is unknown."""
    first = ranking["could_be_first_pools"]
    if first.isna().all():
        return (
            f"Fewer than {MIN_GROUPS} groups of related models are targets, so nothing is said about other "
            "pools like this one."
        )
    n_groups, n_first = groups_of_targets(ranking), int(first.sum())
    targets = f"with {n_groups} groups of related models as targets"
    if n_first == len(ranking):
        return f"For other pools like this one, any of the models could be first ({targets})."
    names = sorted(ranking.loc[first.astype(bool), "model"])
    named = {1: names[0], 2: "either of 2 models"}.get(n_first, f"any of {n_first} models")
    return f"For other pools like this one, {named} could be first ({targets})."
