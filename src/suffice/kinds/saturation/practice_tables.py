"""Tables of case 5: how language models of real text with one held-out loss differ in what they answer."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from suffice.baselines.similarity import nearest_neighbours
from suffice.kinds.saturation.bridge import SeenStates, compare_states
from suffice.kinds.saturation.equivalence import equivalence_table
from suffice.kinds.saturation.multiplicity import (
    LEVEL,
    Booleans,
    Floats,
    calibration_error,
    differ,
    edit_distances,
    held_out_range,
    kendall_taus,
    neighbours_not_shared,
    pair_mean,
)
from suffice.kinds.saturation.real_texts import OTHER, TEST, Texts
from suffice.kinds.saturation.separation import mantel_spearman
from suffice.kinds.saturation.settings import BridgeSettings, PracticeSettings, SaturationSettings
from suffice.seeds import derive_seed

ALL, LOSS = "any", "held-out loss, relative"
ORDER, START, POSITIONS = "order of the data", "first weights", "positions"
CONTINUATION, TOKEN, EDIT = "greedy continuation", "next token", "edit distance of continuations"
CHOICE, TAU = "first choice", "Kendall's tau of choices"
NEIGHBOURS = "neighbours not shared"
STATES = "paragraphs"
BY_ACCURACY, BY_LOSS = "right choices", "loss of true continuations"
DISTANCES = ("output_js",)
N_DRAWS = 200


class Asked:
    """The answers of all models.

    Args:
        runs: one row per model, with the columns model, architecture, start, order.
        answers: arrays of `ask`, named "model/array".
    """

    def __init__(self, runs: pd.DataFrame, answers: Mapping[str, np.ndarray]) -> None:
        self.runs, self._answers = runs, answers

    def of(self, name: str) -> np.ndarray:
        """One array of every model, stacked."""
        return np.stack([self._answers[f"{model}/{name}"] for model in self.runs["model"]])

    @cached_property
    def kinds(self) -> dict[str, Booleans]:
        """Pairs by what differs, each a matrix of shape (n_models, n_models)."""
        columns = ["architecture", "start", "order"]
        same = {name: _equal(self.runs[name].to_numpy()) for name in columns}
        kinds = {ALL: ~np.eye(len(self.runs), dtype=bool)}
        for kind, name in ((ORDER, "order"), (START, "start"), (POSITIONS, "architecture")):
            others = [same[other] for other in columns if other != name]
            kinds[kind] = ~same[name] & others[0] & others[1]
        return {kind: wanted for kind, wanted in kinds.items() if wanted.any()}


def _equal(values: np.ndarray) -> Booleans:
    return np.asarray(values[:, None] == values[None])


def practice_tables(
    runs: pd.DataFrame, answers: Sequence[Path], texts: Texts, study: SaturationSettings
) -> dict[str, pd.DataFrame]:
    """All tables of the case.

    Args:
        runs: one row per model.
        answers: files of their answers.
        texts: what they were asked about.
        study: settings of the study.
    """
    settings, bridge, seed = study.chosen.practice, study.chosen.bridge, study.seed
    margin = study.acceptance.practice_margin_nats
    asked = Asked(runs, {name: array for path in answers for name, array in load_file(path).items()})
    differences = item_differences(asked, settings)
    states = state_pairs(asked, bridge, derive_seed(seed, "text states"))
    drawn = derive_seed(seed, "text resamples")
    return {
        "practice_models": model_table(asked, texts),
        "practice_equivalence": equivalence_table(runs, "test_nats", "architecture", margin),
        "practice_differences": difference_table(asked, differences, settings.n_resamples, drawn),
        "practice_ranges": range_table(asked, texts, drawn),
        "practice_states": state_table(asked, states),
        "practice_relations": relation_table(differences, states, bridge.n_permutations, drawn),
        "practice_ensembles": ensemble_table(asked, drawn),
        "practice_choices": choice_table(asked, settings.n_labels, drawn),
    }


def item_differences(asked: Asked, settings: PracticeSettings) -> dict[tuple[str, str], Floats]:
    """By domain and question, the difference of every two models on every item.

    Returns:
        Arrays of shape (n_models, n_models, n_items).
    """
    found: dict[tuple[str, str], Floats] = {}
    for domain in (TEST, OTHER):
        tokens, scores = asked.of(f"{domain}/greedy"), asked.of(f"{domain}/choices")
        found[domain, TOKEN] = differ(tokens[..., 0])
        found[domain, CONTINUATION] = differ(tokens)
        found[domain, EDIT] = edit_distances(tokens)
        found[domain, CHOICE] = differ(scores.argmax(2))
        found[domain, TAU] = kendall_taus(scores)
    found[TEST, NEIGHBOURS] = neighbours_not_shared(asked.of("states"), settings.n_neighbours)
    return found


def difference_table(
    asked: Asked, differences: Mapping[tuple[str, str], Floats], n_resamples: int, seed: int
) -> pd.DataFrame:
    """How often two models differ, by what differs between them, with 95 % intervals.

    Returns:
        domain, question, differing, and the columns of `pair_mean`. The first question is the loss: the
        absolute difference of two models' mean losses, divided by the mean loss; its interval is over models
        alone.
    """
    loss = asked.of(f"{TEST}/loss").mean(1)
    relative = np.abs(loss[:, None] - loss[None])[..., None] / loss.mean()
    rows = [
        {"domain": domain, "question": question, "differing": kind}
        | pair_mean(values, wanted, n_resamples, seed)
        for (domain, question), values in {(TEST, LOSS): relative, **differences}.items()
        for kind, wanted in asked.kinds.items()
    ]
    return pd.DataFrame(rows)


def model_table(asked: Asked, texts: Texts) -> pd.DataFrame:
    """One row per model: its run, and for each domain the share of right choices and calibration.

    Returns:
        The runs with accuracy, calibration_error (both with the suffix _test or _other), and same_subject,
        the share of a paragraph's nearest neighbours from its own package.
    """
    found = asked.runs.copy()
    for domain, suffix in ((TEST, "test"), (OTHER, "other")):
        found[f"accuracy_{suffix}"] = (asked.of(f"{domain}/choices").argmax(2) == 0).mean(1)
        pairs = zip(asked.of(f"{domain}/confidence"), asked.of(f"{domain}/right"), strict=True)
        found[f"calibration_error_{suffix}"] = [calibration_error(*pair) for pair in pairs]
    return found.assign(same_subject=_same_subject(asked, texts).mean(1))


def _same_subject(asked: Asked, texts: Texts) -> Floats:
    """Whether a paragraph's nearest neighbour is from its package, shape (n_models, n_paragraphs)."""
    near = np.stack([nearest_neighbours(states, 1)[:, 0] for states in asked.of("states")])
    return np.asarray(texts.subjects[near] == texts.subjects, dtype=float)


def range_table(asked: Asked, texts: Texts, seed: int) -> pd.DataFrame:
    """How far models lie apart: see `held_out_range`.

    Returns:
        quantity, domain, mean, least, most, range, low, high.
    """
    rows = []
    for domain in (TEST, OTHER):
        confidence, right = asked.of(f"{domain}/confidence"), asked.of(f"{domain}/right")
        values = {
            "loss, nats per token": asked.of(f"{domain}/loss"),
            "right choices": (asked.of(f"{domain}/choices").argmax(2) == 0).astype(float),
            "confidence minus accuracy": (confidence - right).mean(2),
        }
        rows += [(name, domain, each) for name, each in values.items()]
    rows.append(("nearest paragraph from the same package", TEST, _same_subject(asked, texts)))
    return pd.DataFrame(
        [
            {"quantity": name, "domain": domain, **held_out_range(values, N_DRAWS, seed)}
            for name, domain, values in rows
        ]
    )


def state_pairs(asked: Asked, bridge: BridgeSettings, seed: int) -> dict[str, Floats]:
    """Measures of hidden states and of outputs, each a matrix of shape (n_models, n_models).

    Information sufficiency and ridge regression are means of both directions.
    """
    names = list(asked.runs["model"])
    outputs = asked.of(f"{TEST}/next").astype(float)
    n_items = min(outputs.shape[1], asked.of("states").shape[1])
    seen = {
        name: SeenStates(states[:n_items].astype(float), each[:n_items])
        for name, states, each in zip(names, asked.of("states"), outputs, strict=True)
    }
    once = bridge.model_copy(update={"noise_sweep": ()})
    pairs = compare_states(seen, list(map(str, range(n_items))), once, seed, STATES)
    matrices = {}
    for measure, own in pairs.groupby("measure", sort=False):
        square = own.pivot(index="source", columns="target", values="value").loc[names, names].to_numpy()
        matrices[str(measure)] = np.nan_to_num((square + square.T) / 2)
    return matrices


def state_table(asked: Asked, states: Mapping[str, Floats]) -> pd.DataFrame:
    """Measures of hidden states by what differs between two models.

    Returns:
        measure, differing, mean, least, most, n_pairs.
    """
    rows = []
    for measure, matrix in states.items():
        for kind, wanted in asked.kinds.items():
            values = matrix[np.triu(wanted)]
            spread = {"mean": values.mean(), "least": values.min(), "most": values.max()}
            rows.append({"measure": measure, "differing": kind, **spread, "n_pairs": len(values)})
    return pd.DataFrame(rows)


def relation_table(
    differences: Mapping[tuple[str, str], Floats],
    states: Mapping[str, Floats],
    n_permutations: int,
    seed: int,
) -> pd.DataFrame:
    """Do models with similar hidden states answer alike?

    Returns:
        measure, domain, question, spearman (of similarity and difference over pairs of models; negative if
        similar models answer alike), p_value (from permuting models).
    """
    shared = {NEIGHBOURS: -differences[TEST, NEIGHBOURS].mean(2)}
    measures = {**{name: -each if name in DISTANCES else each for name, each in states.items()}, **shared}
    rows = []
    for (domain, question), values in differences.items():
        if question not in (CHOICE, TOKEN):
            continue
        for measure, similarity in measures.items():
            rho, p_value = mantel_spearman([similarity], [values.mean(2)], n_permutations, seed)
            place = {"measure": measure, "domain": domain, "question": question}
            rows.append({**place, "spearman": rho, "p_value": p_value})
    return pd.DataFrame(rows)


def ensemble_table(asked: Asked, seed: int) -> pd.DataFrame:
    """How often two ensembles without a common member differ, which average their members' probabilities.

    Returns:
        domain, question, n_members, mean, low, high (95 % of draws of members and items).
    """
    rows = []
    for domain in (TEST, OTHER):
        scores = asked.of(f"{domain}/choices")
        choices = np.exp(scores - scores.max((0, 2), keepdims=True))  # in proportion to probabilities
        for question, chances in ((TOKEN, asked.of(f"{domain}/next")), (CHOICE, choices)):
            for n_members, drawn in _drawn_ensembles(chances, seed):
                place = {"domain": domain, "question": question, "n_members": n_members}
                rows.append({**place, **_spread(drawn)})
    return pd.DataFrame(rows)


def _drawn_ensembles(chances: Floats, seed: int) -> Iterator[tuple[int, list[float]]]:
    """Numbers of members, and the share of different best answers in each draw."""
    n_models, n_items = chances.shape[:2]
    n_members = 1
    while 2 * n_members <= n_models:
        rng, shares = np.random.default_rng(seed), []
        for _ in range(N_DRAWS):
            order, items = rng.permutation(n_models), rng.integers(n_items, size=n_items)
            sides = order[:n_members], order[n_members : 2 * n_members]
            first, second = (chances[side].sum(0).argmax(1) for side in sides)
            shares.append(float((first != second)[items].mean()))
        yield n_members, shares
        n_members *= 2


def _spread(drawn: Sequence[float]) -> dict[str, float]:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {"mean": float(np.mean(drawn)), "low": float(low), "high": float(high)}


def choice_table(asked: Asked, n_labels: Sequence[int], seed: int) -> pd.DataFrame:
    """What a model gains that was chosen by a few labelled prompts out of domain.

    A draw takes n prompts for the choice; the gain is measured on the others. Among equals, the first of a
    random order is chosen.

    Returns:
        n_labels, by (`BY_ACCURACY` or `BY_LOSS`), mean, low, high (share of right choices above the mean
        model's; 95 % of draws), best (the same of the model that is best on the others), agreement (how often
        two draws without a common prompt choose the same model; NaN if there are too few prompts).
    """
    scores = asked.of(f"{OTHER}/choices")
    right = (scores.argmax(2) == 0).astype(float)
    rows = []
    for n in n_labels:
        for by, values in ((BY_ACCURACY, right), (BY_LOSS, scores[..., 0])):
            if n < values.shape[1]:
                rows.append({"n_labels": n, "by": by, **_choices(values, right, n, seed)})
    return pd.DataFrame(rows)


def _choices(values: Floats, right: Floats, n_labels: int, seed: int) -> dict[str, float]:
    rng, n_models, n_items = np.random.default_rng(seed), *values.shape
    gains, best, same = [], [], []
    for _ in range(N_DRAWS):
        items, models = rng.permutation(n_items), rng.permutation(n_models)
        chosen = models[values[models][:, items[:n_labels]].mean(1).argmax()]
        others = right[:, items[n_labels:]].mean(1)
        gains.append(float(others[chosen] - others.mean()))
        best.append(float(others.max() - others.mean()))
        if 2 * n_labels <= n_items:
            again = values[models][:, items[n_labels : 2 * n_labels]].mean(1)
            same.append(float(models[again.argmax()] == chosen))
    return {**_spread(gains), "best": float(np.mean(best)), "agreement": float(np.mean(same or [np.nan]))}
