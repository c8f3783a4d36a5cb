"""Case 3 as jobs and tables: twins of one function, fine-tuned, and their differences paired by seed."""

from pathlib import Path

import pandas as pd
import torch

from suffice.errors import ModelError
from suffice.kinds.saturation.fine_tuning import FineTuningSettings, best_rates, tuning_strings, tuning_table
from suffice.kinds.saturation.fitting import string_losses
from suffice.kinds.saturation.network_files import load_network
from suffice.kinds.saturation.networks import LanguageModel, Transformer
from suffice.kinds.saturation.rescaling import largest_logit_difference, permute, rescale
from suffice.kinds.saturation.rule_tables import mean_interval
from suffice.kinds.saturation.tokens import Batch, Vocabulary, batch_of
from suffice.seeds import derive_seed
from suffice.storage.files import write_table

UNCHANGED, PERMUTED = "unchanged", "permuted"
COMMON, OWN_BEST = "common rate", "own best rate"
MEASURES = ("steps_to_threshold", "mean_excess_nats")


def twins_of(network: LanguageModel, factors: tuple[float, ...], seed: int) -> dict[str, LanguageModel]:
    """The network itself, its twin with units in another order, and twins rescaled by each factor except 1.

    Raises:
        ModelError: the network is not a transformer and has no pairs of maps to rescale.
    """
    if not isinstance(network, Transformer):
        raise ModelError(f"a {type(network).__name__} has no function-preserving twins; use a transformer")
    rescaled = {f"rescaled {factor:g}": rescale(network, factor) for factor in factors if factor != 1}
    return {UNCHANGED: network, PERMUTED: permute(network, derive_seed(seed, PERMUTED)), **rescaled}


def write_tuned_twins(
    model: Path, settings: FineTuningSettings, letters: str, seed: int, folder: Path
) -> None:
    """Tune all twins of one network; write `twins.csv`, `tuning.csv` and `curves.parquet` into a folder.

    Args:
        model: checkpoint of the network.
        settings: of the tuning.
        letters: of the language it was trained on.
        seed: of the permuted twin.
        folder: folder for the tables; its name is the seed of the network.
    """
    twins = twins_of(load_network(model), settings.factors, seed)
    vocabulary = Vocabulary(letters)
    table, curves = tuning_table(twins, vocabulary, settings)
    batch = batch_of(tuning_strings(settings.max_size), vocabulary)
    number = int(folder.name)
    write_table(function_differences(twins, batch).assign(seed=number), folder / "twins.csv")
    write_table(table.assign(seed=number), folder / "tuning.csv")
    write_table(curves.assign(seed=number), folder / "curves.parquet")


@torch.no_grad()
def function_differences(twins: dict[str, LanguageModel], batch: Batch) -> pd.DataFrame:
    """Distance of each twin's function from that of the first, before tuning.

    Returns:
        twin, logit_difference (largest, over all tokens of the batch), loss_difference_nats (absolute, in
        nats per string).
    """
    first = next(iter(twins.values()))
    losses = {name: float((string_losses(twin, batch) * batch.weights).sum()) for name, twin in twins.items()}
    return pd.DataFrame(
        [
            {
                "twin": name,
                "logit_difference": largest_logit_difference(first, twin, batch.inputs),
                "loss_difference_nats": abs(losses[name] - losses[UNCHANGED]),
            }
            for name, twin in twins.items()
        ]
    )


def tuning_contrasts(tuning: pd.DataFrame) -> pd.DataFrame:
    """Each twin against the unchanged network, paired by seed.

    Args:
        tuning: rows of `tuning_table` of all seeds, with the column seed.

    Returns:
        twin, optimiser, rate (the common rate, or each twin's own best of its grid, with the smallest area
        under the curve), measure, unchanged (its mean), value (the twin's), mean, low, high (twin minus
        unchanged, with a 95 % interval over seeds), quotient (value divided by unchanged), n_seeds, reached
        (share of the twin's seeds that reached the threshold), at_edge (share of them whose rate is the first
        or last of the grid, so a better rate may be outside).
    """
    chosen = {
        COMMON: tuning[tuning["is_common"]],
        OWN_BEST: pd.concat([best_rates(rows) for _, rows in tuning.groupby("seed")]),
    }
    tried = tuning.groupby("optimiser")["learning_rate"]
    edges = {str(name): (rates.min(), rates.max()) for name, rates in tried}
    rows = []
    for rate, table in chosen.items():
        for (optimiser, twin), own in table.groupby(["optimiser", "twin"], sort=False):
            plain = table[(table["twin"] == UNCHANGED) & (table["optimiser"] == optimiser)]
            at_edge = float(own["learning_rate"].isin(edges[str(optimiser)]).mean())
            for measure in MEASURES:
                named = {"twin": twin, "optimiser": optimiser, "rate": rate, "measure": measure}
                rows.append({**named, **_contrast(own, plain, measure), "at_edge": at_edge})
    return pd.DataFrame(rows)


def _contrast(twin: pd.DataFrame, plain: pd.DataFrame, measure: str) -> dict[str, float]:
    values, base = (rows.set_index("seed")[measure] for rows in (twin, plain))
    found = mean_interval(values - base)
    return {
        "unchanged": base.mean(),
        "value": values.mean(),
        **{key: found[key] for key in ("mean", "low", "high", "n_seeds")},
        "quotient": values.mean() / base.mean(),
        "reached": float(twin["reached"].mean()),
    }
