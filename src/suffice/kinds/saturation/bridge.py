"""Does information sufficiency between hidden states detect differences that the test loss misses?

The last layer's states after a prefix are compared for every two networks of one language and architecture.
Prefixes are in distribution, where the loss counts them, or out of distribution, where it cannot see them. A
prefix determines the state, so states are points. Added noise gives them a density. All items of one prefix
are one group, which an estimate never separates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy.special import rel_entr

from suffice.estimators.items import ItemPlan, divide_items
from suffice.estimators.registry import get_estimator
from suffice.kinds.saturation.language import Language
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.prompts import Prompts
from suffice.kinds.saturation.settings import BridgeSettings
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.ranking.relatives import linear_cka
from suffice.seeds import derive_seed

Floats = npt.NDArray[np.float64]
PROBES = ("in distribution", "out of distribution")
ESTIMATORS = ("linear", "gaussian")
CKA_ITEMS = 1000
RIDGE_PENALTY = 1e-3  # as a share of the source's mean variance
LEAST_PREFIX, LONGER = 2, 2
PAIR_COLUMNS = ("probe", "noise", "measure", "source", "target", "value")


@dataclass(frozen=True)
class Probe:
    """Prefixes that networks are compared on.

    Attributes:
        name: one of `PROBES`.
        prefixes: drawn with repetition, one per item.
    """

    name: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class SeenStates:
    """A network's states and outputs for the items of a probe.

    Attributes:
        states: last layer's state after each item, shape (n_items, width).
        outputs: distribution of the next token, shape (n_items, n_tokens).
    """

    states: Floats
    outputs: Floats


def draw_probes(language: Language, prompts: Prompts, n_items: int, seed: int) -> tuple[Probe, Probe]:
    """Prefixes in distribution with weights p*, and uniform ones out of it that no network was trained on.

    The weight of a prefix is the probability that a string begins with it. Out of distribution a length
    from 2 to two more than the prompts' is drawn first, then letters, until neither a string of the language
    nor one that trains an arm begins with them.

    Args:
        language: whose prefixes.
        prompts: of the language.
        n_items: number of prefixes of each probe.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    lengths = np.array([len(string) + 1 for string in language.support])  # prefixes, the empty one included
    weights = language.probabilities * lengths
    chosen = rng.choice(len(lengths), size=n_items, p=weights / weights.sum())
    inside = [language.support[index][: rng.integers(lengths[index])] for index in chosen]
    known, letters = language.prefixes | taught_prefixes(language, prompts), np.array(list(language.letters))
    longest = max(map(len, prompts.out_test)) + LONGER
    outside: list[str] = []
    while len(outside) < n_items:
        prefix = "".join(rng.choice(letters, size=rng.integers(LEAST_PREFIX, longest + 1)))
        if prefix not in known:
            outside.append(prefix)
    return Probe(PROBES[0], tuple(inside)), Probe(PROBES[1], tuple(outside))


def taught_prefixes(language: Language, prompts: Prompts) -> frozenset[str]:
    """Every beginning of a prompt with a completion that some arm is trained on."""
    strings = [
        prompt + language.completion(prompt, obeys_rule_1)
        for prompt in prompts.out_train
        for obeys_rule_1 in (True, False)
    ]
    return frozenset(string[:end] for string in strings for end in range(len(string) + 1))


def states_and_outputs(network: LanguageModel, prefixes: Sequence[str], vocabulary: Vocabulary) -> SeenStates:
    """A network's states and outputs for each prefix."""
    unique = list(dict.fromkeys(prefixes))
    longest = max(map(len, unique))
    rows = [[vocabulary.start, *vocabulary.encode(prefix)] for prefix in unique]
    padded = torch.tensor([row + [vocabulary.padding] * (longest + 1 - len(row)) for row in rows])
    last = torch.tensor([len(row) - 1 for row in rows])
    seen = states_at(network, padded, last)
    place = {prefix: row for row, prefix in enumerate(unique)}
    items = np.array([place[prefix] for prefix in prefixes])
    return SeenStates(seen.states[items], seen.outputs[items])


@torch.no_grad()
def states_at(network: LanguageModel, tokens: torch.Tensor, last: torch.Tensor) -> SeenStates:
    """A network's states and outputs for rows of tokens (n, length), each up to its last position (n,)."""
    hidden = network.hidden(tokens)[torch.arange(len(tokens)), last]  # causal: padding comes after
    return SeenStates(hidden.double().numpy(), network.read_out(hidden).double().softmax(1).numpy())


def noisy_components(states: Floats, n_components: int, noise: float, seed: int) -> Floats:
    """Principal components of states, scaled to a mean variance of 1, with Gaussian noise.

    Args:
        states: shape (n_items, width).
        n_components: components that are kept.
        noise: standard deviation of the noise.
        seed: of the noise.

    Returns:
        Shape (n_items, n_components).
    """
    centred = states - states.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    components = centred @ axes[:n_components].T
    scale = np.sqrt(components.var(0).mean())
    drawn = np.random.default_rng(seed).normal(scale=noise, size=components.shape)
    return components / (scale or 1.0) + drawn


def probe_pairs(
    networks: Mapping[str, LanguageModel],
    probe: Probe,
    vocabulary: Vocabulary,
    settings: BridgeSettings,
    seed: int,
) -> pd.DataFrame:
    """Every measure of every ordered pair of networks on one probe.

    Args:
        networks: by name, all of one language and architecture.
        probe: prefixes.
        vocabulary: of the language.
        settings: of the comparison.
        seed: of the noise, each network and level having its own, and of the division of the items.

    Returns:
        Rows with `PAIR_COLUMNS`: measures `linear` and `gaussian` (information sufficiency in nats) at each
        level of noise; `ridge_r2` (held out, at the settings' noise); and, with noise NaN, `cka` and
        `output_js` (Jensen-Shannon divergence of next tokens in nats, averaged over items).
    """
    seen = {name: states_and_outputs(each, probe.prefixes, vocabulary) for name, each in networks.items()}
    return compare_states(seen, list(probe.prefixes), settings, seed, probe.name)


def compare_states(
    seen: Mapping[str, SeenStates], groups: Sequence[str], settings: BridgeSettings, seed: int, probe: str
) -> pd.DataFrame:
    """Every measure of every ordered pair of networks that saw the same items.

    Args:
        seen: by network.
        groups: of each item; items of one group are never separated.
        settings: of the comparison.
        seed: of the noise, each network and level having its own, and of the division of the items.
        probe: name of the items.

    Returns:
        As `probe_pairs`.
    """
    plan = divide_items(len(groups), groups=list(groups), seed=seed)
    tables = []
    for noise in sorted({settings.noise, *settings.noise_sweep}):
        noisy = {
            name: noisy_components(
                each.states, settings.n_components, noise, derive_seed(seed, probe, name, str(noise))
            )
            for name, each in seen.items()
        }
        tables += [_sufficiency(noisy, plan, name, seed).assign(noise=noise) for name in ESTIMATORS]
        if noise == settings.noise:
            tables.append(_ridge_table(noisy, plan).assign(noise=noise))
    tables.append(_cka_table({name: each.states for name, each in seen.items()}, seed))
    tables.append(_output_table({name: each.outputs for name, each in seen.items()}))
    pairs = pd.concat(tables, ignore_index=True).assign(probe=probe)
    return pairs.reindex(columns=list(PAIR_COLUMNS))


def _sufficiency(noisy: Mapping[str, Floats], plan: ItemPlan, name: str, seed: int) -> pd.DataFrame:
    estimator = get_estimator(name)(seed=seed)
    found = estimator.all_pairs(estimator.prepare_all(noisy, plan))
    rows = [(name, source, target, result.nats) for source, target, result in found if source != target]
    return pd.DataFrame(rows, columns=["measure", "source", "target", "value"])


def _ridge_table(noisy: Mapping[str, Floats], plan: ItemPlan) -> pd.DataFrame:
    names, widths = list(noisy), {name: states.shape[1] for name, states in noisy.items()}
    together = np.concatenate([noisy[name] for name in names], axis=1)
    ends = np.cumsum([widths[name] for name in names])[:-1]
    rows = []
    for source in names:
        left, total = _held_out_squares(noisy[source], together, plan)
        shares = zip(np.split(left, ends), np.split(total, ends), strict=True)
        rows += [
            ("ridge_r2", source, target, 1 - residual.sum() / all_.sum())
            for target, (residual, all_) in zip(names, shares, strict=True)
            if target != source
        ]
    return pd.DataFrame(rows, columns=["measure", "source", "target", "value"])


def _held_out_squares(source: Floats, targets: Floats, plan: ItemPlan) -> tuple[Floats, Floats]:
    """Squared errors of ridge regression and of the mean on held-out folds, shape (n_targets,) each."""
    left, total = np.zeros(targets.shape[1]), np.zeros(targets.shape[1])
    for fold in range(plan.n_folds):
        test = plan.fold == fold
        centre, mean = source[~test].mean(0), targets[~test].mean(0)
        inputs, wanted = source[~test] - centre, targets[~test] - mean
        moment = inputs.T @ inputs
        penalty = RIDGE_PENALTY * np.trace(moment) / len(moment)
        weights = np.linalg.solve(moment + penalty * np.eye(len(moment)), inputs.T @ wanted)
        truth = targets[test] - mean
        left += ((truth - (source[test] - centre) @ weights) ** 2).sum(0)
        total += (truth**2).sum(0)
    return left, total


def _cka_table(states: Mapping[str, Floats], seed: int) -> pd.DataFrame:
    """Unbiased linear CKA, on a sample if there are many items."""
    n_items = len(next(iter(states.values())))
    kept = np.random.default_rng(seed).permutation(n_items)[:CKA_ITEMS]
    return _both_ways("cka", list(states), linear_cka([each[kept] for each in states.values()]))


def _output_table(outputs: Mapping[str, Floats]) -> pd.DataFrame:
    names = list(outputs)
    matrix = np.zeros((len(names), len(names)))
    for i, j in combinations(range(len(names)), 2):
        matrix[i, j] = matrix[j, i] = jensen_shannon_nats(outputs[names[i]], outputs[names[j]]).mean()
    return _both_ways("output_js", names, matrix)


def _both_ways(measure: str, names: Sequence[str], matrix: Floats) -> pd.DataFrame:
    rows = [
        (measure, source, target, matrix[i, j])
        for i, source in enumerate(names)
        for j, target in enumerate(names)
        if i != j
    ]
    return pd.DataFrame(rows, columns=["measure", "source", "target", "value"])


def jensen_shannon_nats(first: Floats, second: Floats) -> Floats:
    """Jensen-Shannon divergence in nats of rows of probabilities, shape (n,)."""
    total = first + second  # not halved, because half of the smallest number is 0
    return np.asarray((rel_entr(2 * first, total) + rel_entr(2 * second, total)).sum(1) / 4)
