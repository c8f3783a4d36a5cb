"""Do hidden states show which networks of equal loss generalise alike? The bridge of kinds of generalisation.

Every two networks of one kind and architecture are compared by their states after the prompts of a part, with
the measures of `bridge`, and by what they answer to new prompts. All learn the same strings, without arms, so
only first weights tell them apart.

One look: both networks see the same prompt. Two looks: the source sees a prompt, the target its mate, another
prompt with the same right answer, so only the class of the answer counts. This second look exists where most
prompts have a mate: systematic, symbolic and rule. The commands of compositional have answers of their own.

Expected before any number was seen, as Spearman's rho of similarity and different answers to new prompts:

1. Divergence of outputs after new prompts: -0.7 or stronger where the next token is the whole answer
   (systematic, symbolic), about -0.4 elsewhere.
2. `linear` and CKA after new prompts: -0.2 to -0.5, strongest for symbolic. Neither is better than the other
   by more than the intervals, and both are weaker than outputs.
3. Any measure in distribution: between -0.15 and 0.15, because nothing there separates seeds.
4. Two looks are weaker than one, because there are few pairs of prompts.
5. Differences in loss: 0. Differences in accuracy are related more weakly than different answers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.estimators.items import divide_items
from suffice.estimators.linear import Linear
from suffice.kinds.saturation.arms import LIKELIHOOD
from suffice.kinds.saturation.bridge import (
    PAIR_COLUMNS,
    Floats,
    compare_states,
    noisy_components,
    states_and_outputs,
)
from suffice.kinds.saturation.bridge_tables import (
    BOTH,
    LOSS,
    behaviour_table,
    differences_between,
    rows_of_matrix,
    without_direction,
)
from suffice.kinds.saturation.generalisation import ALPHABET, Generalisation, get_kind
from suffice.kinds.saturation.multiplicity import differ
from suffice.kinds.saturation.network_files import load_network
from suffice.kinds.saturation.networks import LanguageModel
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.rule_tables import WITHIN, named
from suffice.kinds.saturation.settings import BridgeSettings
from suffice.kinds.saturation.tokens import Vocabulary
from suffice.seeds import derive_seed

LEAST_PROMPTS = 20  # of a part, each being one group of items
TWO_LOOKS = "linear_two_looks"
ACCURACY, ANSWERS = "accuracy_difference", "different_answers"
BEHAVIOURS = (ANSWERS, ACCURACY)
Networks = Mapping[str, LanguageModel]


def load_kinds(paths: Iterable[str]) -> dict[tuple[str, str], dict[str, LanguageModel]]:
    """The networks of files `<kind>/<architecture>/<seed>.safetensors`, as `compare_kinds` takes them."""
    found: dict[tuple[str, str], dict[str, LanguageModel]] = defaultdict(dict)
    for path in map(Path, paths):
        kind, architecture = path.parts[-3:-1]
        found[kind, architecture][path.stem] = load_network(path)
    return found


def compare_kinds(
    networks: Mapping[tuple[str, str], Networks], settings: BridgeSettings, seed: int
) -> pd.DataFrame:
    """Every measure of every ordered pair of networks of one kind and architecture, after all prompts.

    Args:
        networks: for each kind and architecture, its networks by seed.
        settings: of the comparison; one level of noise is used.
        seed: base seed of the study.

    Returns:
        kind, architecture, and the columns of `compare_part`.
    """
    tables = []
    for (name, architecture), own in networks.items():
        kind = get_kind(name)
        own_seed = derive_seed(seed, "kinds bridge", name, architecture)
        named = {f"{LIKELIHOOD}/{number}": network for number, network in own.items()}
        tables += [
            compare_part(named, kind, part, settings, own_seed).assign(kind=name, architecture=architecture)
            for part, prompts in kind.prompts.items()
            if len(prompts) >= LEAST_PROMPTS
        ]
    return pd.concat(tables, ignore_index=True)[["kind", "architecture", *PAIR_COLUMNS]]


def compare_part(
    networks: Networks, kind: Generalisation, part: str, settings: BridgeSettings, seed: int
) -> pd.DataFrame:
    """Every measure of every ordered pair of networks after the prompts of one part, all equally often.

    Args:
        networks: by "arm/seed".
        kind: whose prompts.
        part: of the prompts.
        settings: of the comparison; one level of noise is used.
        seed: of noise and division.

    Returns:
        Rows with `PAIR_COLUMNS`; the measure `TWO_LOOKS` only if most prompts have a mate.
    """
    prompts, settings = kind.prompts[part], settings.model_copy(update={"noise_sweep": ()})
    items = np.resize(prompts, settings.n_items).tolist()
    vocabulary = Vocabulary(ALPHABET)
    seen = {name: states_and_outputs(network, items, vocabulary) for name, network in networks.items()}
    one_look = compare_states(seen, items, settings, seed, part)
    pairs = mates(kind, prompts, seed)
    if 4 * len(pairs) < len(prompts):
        return one_look
    states = {name: each.states[: len(prompts)] for name, each in seen.items()}
    two_looks = compare_two_looks(states, pairs, settings, seed, part)
    return pd.concat([one_look, two_looks], ignore_index=True)


def mates(kind: Generalisation, prompts: Sequence[str], seed: int) -> np.ndarray:
    """Random pairs of prompts with the same right answer, no prompt being in two, shape (n_pairs, 2).

    Example:
        >>> sorted(map(sorted, mates(get_kind("symbolic"), ["iji>", "ijj>", "kjk>", "kll>"], 0).tolist()))
        [[0, 2], [1, 3]]
    """
    by_answer: dict[str, list[int]] = defaultdict(list)
    for place in np.random.default_rng(seed).permutation(len(prompts)).tolist():
        by_answer[kind.answer(prompts[place])].append(place)
    pairs = [pair for own in by_answer.values() for pair in zip(own[::2], own[1::2], strict=False)]
    return np.array(pairs, dtype=int).reshape(-1, 2)


def compare_two_looks(
    states: Mapping[str, Floats], pairs: np.ndarray, settings: BridgeSettings, seed: int, probe: str
) -> pd.DataFrame:
    """Information sufficiency across two looks, of every ordered pair of networks.

    Args:
        states: by network, shape (n_prompts, width).
        pairs: of prompts, shape (n_pairs, 2); each pair is one group of items.
        settings: of the comparison.
        seed: of noise and division.
        probe: name of the prompts.

    Returns:
        Rows with `PAIR_COLUMNS`, in nats.
    """
    items = np.resize(np.arange(len(pairs)), settings.n_items)
    plan = divide_items(len(items), groups=items, seed=seed)
    first, second = {}, {}
    for name, own in states.items():
        both = own[pairs[items].T.ravel()]  # (2 * n_items, width): all first looks, then all second ones
        own_seed = derive_seed(seed, probe, name, "two looks")
        noisy = noisy_components(both, settings.n_components, settings.noise, own_seed)
        first[name], second[name] = np.split(noisy, 2)
    estimator = Linear(seed=seed)
    found = estimator.all_look_pairs(estimator.prepare_all_looks(first, second, plan))
    rows = [
        (probe, settings.noise, TWO_LOOKS, source, target, result.nats)
        for source, target, result in found
        if source != target
    ]
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def kind_pairs(compared: pd.DataFrame, networks: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """One row per unordered pair of networks and measure, with differences in loss and behaviour.

    Args:
        compared: rows of `compare_kinds`.
        networks: rows of `network_table`.
        answers: one row per network and prompt.

    Returns:
        kind, architecture, probe (a part, or "both" for the loss), noise, measure, first, second, value. The
        measures `BEHAVIOURS` are those of the prompts of their probe: the difference in accuracy, and the
        share of prompts that are answered differently.
    """
    of_kinds = networks.rename(columns={"kind": "language"}).assign(arm=LIKELIHOOD)
    tables = [
        without_direction(compared.rename(columns={"kind": "language"})),
        differences_between(of_kinds[of_kinds["part"] == IN], {LOSS: "excess_nats"}).assign(probe=BOTH),
    ]
    tables += [
        differences_between(own, {ACCURACY: "accuracy"}).assign(probe=str(part))
        for part, own in of_kinds.groupby("part", sort=False)
    ]
    keys = [*WITHIN, "probe"]
    of_parts = answers.rename(columns={"kind": "language", "part": "probe"}).groupby(keys, sort=False)
    tables += [_different_answers(own).assign(**named(keys, key)) for key, own in of_parts]
    found = pd.concat(tables, ignore_index=True).rename(columns={"language": "kind"})
    return found[["kind", "architecture", "probe", "noise", "measure", "first", "second", "value"]]


def _different_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Share of prompts with another completion; one that does not end is another than one that does."""
    written = answers["completion"].fillna("") + np.where(answers["finished"], ">", "")
    wide = answers.assign(written=written).pivot(index="seed", columns="prompt", values="written")
    names = [f"{LIKELIHOOD}/{seed}" for seed in wide.index]
    return rows_of_matrix(ANSWERS, names, differ(wide.to_numpy(dtype=str)).mean(-1))


def kind_relations(pairs: pd.DataFrame, settings: BridgeSettings, seed: int) -> pd.DataFrame:
    """How well each measure predicts differences in behaviour on new prompts, for each split.

    Args:
        pairs: rows of `kind_pairs`.
        settings: of the comparison.
        seed: of the permutations.

    Returns:
        kind, part (the new prompts), and the columns of `behaviour_table`, the strata being architectures.
        The probe is where states were compared: after these prompts, or in distribution.
    """
    tables = []
    for kind, own in pairs.groupby("kind", sort=False):
        for part in get_kind(str(kind)).splits:
            is_behaviour = own["measure"].isin(BEHAVIOURS)
            chosen = own[(own["probe"] == part) | (~is_behaviour & own["probe"].isin([IN, BOTH]))]
            found = behaviour_table(chosen.rename(columns={"kind": WITHIN[0]}), settings, seed, BEHAVIOURS)
            tables.append(found.assign(kind=kind, part=part))
    table = pd.concat(tables, ignore_index=True)
    return table[["kind", "part", *(name for name in table if name not in ("kind", "part"))]]
