"""Case 2 as jobs and tables: the exact twin, and pairs trained to the same loss."""

import time
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.saturation.equivalence import two_one_sided_tests
from suffice.kinds.saturation.hidden_markov import MixtureSize, make_mixture, twin_table
from suffice.kinds.saturation.in_context import (
    ARMS,
    LIKELIHOOD,
    MISLABELLING,
    in_context_accuracies,
    prompt_tokens,
    train_in_context,
)
from suffice.kinds.saturation.network_files import save_network
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.rule_tables import mean_interval
from suffice.kinds.saturation.settings import TwinSettings
from suffice.seeds import derive_seed
from suffice.storage.files import write_table


def exact_twins(settings: TwinSettings, seed: int) -> pd.DataFrame:
    """The mixture of hidden Markov models and its twin; see `twin_table`."""
    mixture = make_mixture(MixtureSize(), seed)
    return twin_table(mixture, settings.numbers_of_examples, settings.n_prompts, derive_seed(seed, "twins"))


def write_trained_pair(settings: TwinSettings, seed: int, number: int, folder: Path) -> None:
    """Train the pair of one seed; write `pair.csv`, a row per arm and number of examples, and the networks.

    Both start with the same weights and get the same prompts.
    """
    mixture = make_mixture(MixtureSize(), seed)
    own_seed = derive_seed(seed, "in-context", str(number))
    most = max(*settings.asked_examples, *settings.training.mislabelled_examples)
    context = max(settings.training.document_tokens, prompt_tokens(mixture, most)) + 1
    size = NetworkSize(mixture.size.n_symbols + 1, context, settings.width, 1)
    tables = []
    for arm in ARMS:
        network = build_network("lstm", size, own_seed)
        began = time.process_time()
        trained = train_in_context(network, mixture, arm, settings.training, own_seed)
        seconds = time.process_time() - began
        save_network(trained.network, folder / f"{arm}.safetensors")
        asked = in_context_accuracies(
            trained.network, mixture, settings.asked_examples, settings.n_prompts, own_seed
        )
        facts: dict[str, Any] = {
            "arm": arm,
            "seed": number,
            "excess_nats": trained.excess_nats,
            "n_steps": trained.step,
        }
        tables.append(asked.assign(**facts, seconds=seconds, reached=trained.reached))
    write_table(pd.concat(tables, ignore_index=True), folder / "pair.csv")


def pair_differences(pairs: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Similarities and differences of trained pairs, over seeds.

    Args:
        pairs: rows of `write_trained_pair` of all seeds.
        margin: largest difference of the excess that counts as equal, in nats per token.

    Returns:
        One row for the excess, then one for the accuracy at each number of examples: quantity, n_examples,
        likelihood and mislabelling (means), ceiling (of Bayes' rule; NaN for the excess), mean, low, high
        (likelihood minus mislabelling, paired by seed, with its 95 % interval), largest (absolute difference
        of one seed), and, for the excess, p_value and equivalent from two one-sided tests.
    """
    each = pairs.drop_duplicates(["arm", "seed"]).pivot(index="seed", columns="arm", values="excess_nats")
    test = two_one_sided_tests(each[LIKELIHOOD].to_numpy(), each[MISLABELLING].to_numpy(), margin)
    tested = {"p_value": test.p_value, "equivalent": test.equivalent}
    rows: list[dict[str, object]] = [{"quantity": "excess_nats", **_contrast(each), **tested}]
    for n, asked in pairs.groupby("n_examples"):
        wide = asked.pivot(index="seed", columns="arm", values="accuracy")
        ceiling = asked["accuracy_mixture"].mean()
        rows.append({"quantity": "accuracy", "n_examples": n, "ceiling": ceiling, **_contrast(wide)})
    return pd.DataFrame(rows).astype({"n_examples": "Int64"})


def _contrast(wide: pd.DataFrame) -> dict[str, float]:
    difference = wide[LIKELIHOOD] - wide[MISLABELLING]
    found = mean_interval(difference)
    return {
        LIKELIHOOD: wide[LIKELIHOOD].mean(),
        MISLABELLING: wide[MISLABELLING].mean(),
        **{key: found[key] for key in ("mean", "low", "high", "n_seeds")},
        "largest": difference.abs().max(),
    }
