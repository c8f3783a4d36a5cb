"""Which model to take, how certain that is, and what to do next, in sentences.

All sentences follow from tables. A choice is *settled* if source and target saw two looks at each item, items
were not too few for the dimensions of any model, no other model could be first in this pool, and every
available witness (a way to choose of another kind) has the same first choice. benchmarks/arena/subpools.csv
measures on random sub-pools how often a settled choice is right on tasks. Where it mostly was not, as on
molecules, no choice is settled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from suffice.analyses.decision import picked
from suffice.data.modalities.base import Modality
from suffice.embed.cards import CPU, DEVICE, PRICE
from suffice.estimators.names import FEW_ITEMS_WARNING
from suffice.ranking.arrays import SAME_LOOK
from suffice.ranking.relatives import copies_in, describe_copies
from suffice.ranking.table import ordering_column

WITNESSES = ("neighbours", "self_retrieval", "consensus")
TITLES = {
    "linear": "linear regression between models",
    "neighbours": "shared neighbours",
    "self_retrieval": "finding an item's other look",
    "consensus": "agreement with the neighbours that all models find",
    "rankme": "RankMe",
    "embed_dim": "width",
    "n_parameters": "size",
}
N_LABELS = 200
MAX_LABELLED = 4  # models to label for at most
CHEAPER = 1.5  # times; a smaller saving is not mentioned
ROUGH = 10  # times; larger factors are written without decimals
FOLLOWS_WIDTH = 0.8  # Spearman correlation with the width that triggers a caution
MIN_FOR_WIDTH = 5  # models
COSTS = {PRICE: "by price", DEVICE: "in GPU seconds", CPU: "in CPU seconds"}
"""By what models are compared, the most telling first."""


@dataclass(frozen=True)
class Recommendation:
    """The answer in words.

    Attributes:
        model: the model to take, or to try first.
        is_settled: whether the evidence supports only this model.
        headline: one sentence.
        cheaper: a sentence on a cheaper model that could be first as well; empty if there is none.
        certainty: sentences on how certain this is, on these items and against other models.
        agreement: sentences on which other ways make the same choice.
        next_steps: sentences on what to do next, and which models to avoid.
        cautions: reasons not to rely on the answer, in sentences.
        first_choices: the first choice of each way to choose: columns way, model.
        to_label: models to compare with a few labels; empty if the choice is settled.

    Example:
        >>> import numpy as np
        >>> from suffice import rank
        >>> generator = np.random.default_rng(0)
        >>> signal = generator.normal(size=(500, 6))
        >>> noise = {"clear": 0.2, "noisy": 0.5, "poor": 2.0}
        >>> vectors = {name: signal + sd * generator.normal(size=(500, 6)) for name, sd in noise.items()}
        >>> advice = rank(vectors).recommend()
        >>> advice.model, advice.is_settled, advice.to_label
        ('clear', False, ['clear', 'noisy'])
    """

    model: str
    is_settled: bool
    headline: str
    cheaper: str
    certainty: list[str]
    agreement: list[str]
    next_steps: list[str]
    cautions: list[str]
    first_choices: pd.DataFrame
    to_label: list[str] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        """All sentences between headline and cautions, in reading order."""
        cheaper = [self.cheaper] if self.cheaper else []
        return [*cheaper, *self.certainty, *self.agreement, *self.next_steps]

    @property
    def text(self) -> str:
        """All of it as a paragraph for a terminal, one sentence per line."""
        return "\n".join([self.headline, *self.reasons, *self.cautions])

    def as_json(self) -> dict[str, Any]:
        """The same with JSON-compatible values."""
        choices = self.first_choices.to_dict("records")
        return vars(self) | {"reasons": self.reasons, "first_choices": choices}


def recommend(
    ranking: pd.DataFrame,
    ways: pd.DataFrame,
    cards: pd.DataFrame | None = None,
    controls: Collection[str] = (),
    modality: Modality | None = None,
) -> Recommendation:
    """Say which model to take.

    Args:
        ranking: a ranking table, see `suffice.ranking.scores.rank_pairs`.
        ways: other ways to choose: columns model, predictor, value; higher is better.
        cards: what each model costs: model, and those of `COSTS` that are known; None if none is.
        controls: models that are known to be untrained.
        modality: the kind of items; None if it is not known.
    """
    first = str(ranking["model"].iloc[0])
    choices = first_choices(ways)
    could_be = ranking.loc[ranking["could_be_first"].astype(bool), "model"].astype(str).tolist()
    copies = copies_in(ranking)
    against = _witnesses_against(choices, copies[first])
    is_alone = set(could_be) <= copies[first] and not against and first not in controls
    is_reliable = not _has_one_look(ranking) and not _with_too_few_items(ranking)
    is_settled = is_alone and is_reliable and (modality is None or modality.can_settle)
    rivals = [model for way in against for model in _chosen_by(choices, way)]
    order = ranking["model"].astype(str).tolist()
    to_label = [] if is_settled else _to_label([first, *rivals, *could_be], order, copies)
    return Recommendation(
        model=first,
        is_settled=is_settled,
        headline=f"Take {first}." if is_settled else f"Try {first} first, but this is not settled.",
        cheaper=_cheaper(first, could_be, cards),
        certainty=[
            *_on_this_pool(first, could_be, len(ranking), copies[first]),
            *_on_other_pools(ranking),
            *filter(None, [describe_copies(ranking), modality.record if modality is not None else ""]),
        ],
        agreement=_who_agrees(choices, first),
        next_steps=[*_to_decide(to_label), *_below_controls(ranking, controls)],
        cautions=[
            *_who_differs(choices, first),
            *_one_look(ranking),
            *_too_few_items(ranking, choices),
            *_control_could_be_first(ranking, controls),
            *_follows_width(ranking),
            *_own_warnings(ranking, first),
        ],
        first_choices=choices,
        to_label=to_label,
    )


def first_choices(ways: pd.DataFrame) -> pd.DataFrame:
    """The first choice of each way to choose: columns way, model; tied models are separated by commas."""
    rows = [
        {"way": way, "model": picked(values.set_index("model")["value"].astype(float))}
        for way, values in ways.groupby("predictor", sort=False)
    ]
    table = pd.DataFrame(rows, columns=["way", "model"])
    return table[table["model"] != ""].reset_index(drop=True)


def listed(names: list[str], most: int = 4, word: str = "and") -> str:
    """Names as a list in a sentence; a longer list is cut, with the number of the others."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} {word} {len(names) - most + 1} more"
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def headline(tied: list[str], n_models: int) -> str:
    """One sentence on who is first."""
    if n_models == 1:
        return f"{tied[0]} is the only model with a score."
    if len(tied) == n_models:
        return f"The data cannot tell these {n_models} models apart."
    if len(tied) == 1:
        others = f"other {n_models - 1}" if n_models > 2 else "other model"
        return f"{tied[0]} is first, ahead of the {others}."
    return f"{len(tied)} of {n_models} models could be first: {listed(tied)}."


def _chosen_by(choices: pd.DataFrame, way: str) -> list[str]:
    """The first choice of a way, with all models that are tied for it; empty for an unknown way."""
    return [model for models in choices.loc[choices["way"] == way, "model"] for model in models.split(", ")]


def _witnesses_against(choices: pd.DataFrame, first: Collection[str]) -> list[str]:
    """The witnesses whose first choice is neither the first model nor a near-copy of it."""
    chosen = {way: _chosen_by(choices, way) for way in WITNESSES}
    return [way for way, models in chosen.items() if models and not set(first) & set(models)]


def _to_label(candidates: list[str], order: list[str], copies: Mapping[str, Collection[str]]) -> list[str]:
    """The candidates, and the next model in the order if there is only one; of near-copies only one."""
    named: list[str] = []
    for model in [*candidates, *order]:
        is_needed = model in candidates or len(named) < 2
        if is_needed and not set(named) & set(copies.get(model, {model})):
            named.append(model)
    return named[:MAX_LABELLED]


def _on_this_pool(first: str, could_be: list[str], n_models: int, copies: Collection[str]) -> list[str]:
    if set(could_be) <= set(copies):
        n_others, is_or_are = n_models - len(could_be), "is" if could_be == [first] else "are"
        others = "the other model" if n_others == 1 else f"all {n_others} other models"
        ahead = f"{listed(could_be)} {is_or_are} ahead of {others}"
        return [f"On these items {ahead} (95 % confidence)."]
    rest = [model for model in could_be if model != first]
    named = listed([first, *rest], 5, "or")
    return [f"On these items {len(could_be)} of {n_models} models could be first: {named}."]


def _on_other_pools(ranking: pd.DataFrame) -> list[str]:
    """Which models could be first among other models like these; empty if that is not known."""
    could_be = ranking["could_be_first_pools"]
    if could_be.isna().all():
        return []
    names = ranking.loc[could_be.astype(bool), "model"].astype(str).tolist()
    if len(names) == 1:
        return [f"Measured against other models like these, {names[0]} would still be first."]
    some = "either of 2" if len(names) == 2 else f"any of {len(names)}"
    return [f"Measured against other models like these, {some} models could be first."]


def _who_agrees(choices: pd.DataFrame, first: str) -> list[str]:
    agree = [TITLES[way] for way, models in _titled(choices).items() if first in models]
    return [f"The same choice comes from {listed(agree, len(TITLES))}."] if agree else []


def _who_differs(choices: pd.DataFrame, first: str) -> list[str]:
    """The choices of the ways that would take another model."""
    titled = _titled(choices).items()
    differ = [
        f"{TITLES[way]} would take {', '.join(models)}" for way, models in titled if first not in models
    ]
    return [f"{_sentence('; '.join(differ))}."] if differ else []


def _titled(choices: pd.DataFrame) -> dict[str, list[str]]:
    """The first choices of the ways that have an entry in `TITLES`."""
    return {str(row.way): str(row.model).split(", ") for row in choices.itertuples() if row.way in TITLES}


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _cheaper(first: str, could_be: list[str], cards: pd.DataFrame | None) -> str:
    """The cheapest model that could be first as well, if it saves enough to mention.

    Models are compared by the first of `COSTS` that is known of the first model and of another one.
    """
    if cards is None:
        return ""
    costs = cards.set_index("model").reindex(index=could_be, columns=list(COSTS)).astype(float)
    shared = [kind for kind in COSTS if pd.notna(costs[kind].get(first)) and costs[kind].count() > 1]
    if not shared:
        return ""
    cost = costs[shared[0]].dropna()
    if cost.min() <= 0 or cost[first] < CHEAPER * cost.min():
        return ""
    cheapest, times = str(cost.idxmin()), float(cost[first] / cost.min())
    said = f"{times:,.0f}" if times >= ROUGH else f"{times:.1f}".removesuffix(".0")
    how = COSTS[shared[0]]
    return f"{cheapest} is {said} times cheaper {how} and cannot be told apart from {first} on these items."


def _to_decide(to_label: list[str]) -> list[str]:
    if len(to_label) < 2:
        return []
    return [f"To decide, label about {N_LABELS} items and compare {listed(to_label)} on them."]


def _has_one_look(ranking: pd.DataFrame) -> bool:
    return set(ranking["looks"]) == {SAME_LOOK}


def _one_look(ranking: pd.DataFrame) -> list[str]:
    if not _has_one_look(ranking):
        return []
    return [
        "Source and target saw the same input for each item, which rewards models that copy the surface. "
        "Such a ranking settles no choice. A ranking by two looks at each item is a better guide."
    ]


def _with_too_few_items(ranking: pd.DataFrame) -> int:
    """The number of models whose pairs have too few items for their dimensions."""
    return int(ranking["warnings"].fillna("").str.contains(FEW_ITEMS_WARNING, regex=False).sum())


def _too_few_items(ranking: pd.DataFrame, choices: pd.DataFrame) -> list[str]:
    """If items are too few for regression: what `neighbours` would take, see benchmarks/few_items.csv."""
    n_models = _with_too_few_items(ranking)
    if not n_models or _has_one_look(ranking):
        return []
    said = (
        f"There are too few items (or groups) for regression on {n_models} of {len(ranking)} models, which "
        "favours narrow models. Such a ranking settles no choice."
    )
    taken = _chosen_by(choices, "neighbours")
    better = (
        "Shared neighbours agreed better with tasks then on texts, but not on images or speech; they would "
        f"take {listed(taken, word='or')}."
    )
    return [f"{said} {better}" if taken else said]


def _below_controls(ranking: pd.DataFrame, controls: Collection[str]) -> list[str]:
    """The models that rank below an untrained control; empty without a control."""
    rank = ranking.set_index("model")["rank"]
    known = rank[rank.index.isin(list(controls))]
    if known.empty:
        return []
    below = [str(name) for name in rank.index[rank > known.min()] if name not in controls]
    return [f"Do not take {listed(below)}: below {known.idxmin()}, which is not trained."] if below else []


def _control_could_be_first(ranking: pd.DataFrame, controls: Collection[str]) -> list[str]:
    could_be = ranking.loc[ranking["could_be_first"].astype(bool), "model"]
    first = could_be[could_be.isin(list(controls))]
    if first.empty:
        return []
    return [f"{first.iloc[0]}, which is not trained, could be first: do not rely on this ranking."]


def _follows_width(ranking: pd.DataFrame) -> list[str]:
    value, width = ranking[ordering_column(ranking)], ranking["embed_dim"].astype(float)
    if len(ranking) < MIN_FOR_WIDTH or width.nunique() < 2:
        return []
    rho = float(value.rank().corr(width.rank()))
    if rho < FOLLOWS_WIDTH:
        return []
    return [
        f"The ranking follows the width of the vectors (Spearman {rho:.2f}): part of it may reflect size "
        "alone."
    ]


def _own_warnings(ranking: pd.DataFrame, first: str) -> list[str]:
    warnings = ranking.set_index("model")["warnings"].fillna("").astype(str)[first]
    return [f"{first} has warnings: {warnings}."] if warnings else []
