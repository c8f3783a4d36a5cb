"""From the files of all jobs to the tables of a study of equal test loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from suffice.kinds.saturation.bridge_tables import (
    auc_table,
    behaviour_table,
    directed_pairs,
    floor_table,
    kind_table,
    unordered_pairs,
)
from suffice.kinds.saturation.contexts import context_auc_table
from suffice.kinds.saturation.designed import effect_table
from suffice.kinds.saturation.extrapolation import language_tables
from suffice.kinds.saturation.generalisation_tables import generalisation_tables
from suffice.kinds.saturation.kind_bridge import kind_pairs, kind_relations
from suffice.kinds.saturation.practice_tables import practice_tables
from suffice.kinds.saturation.real_texts import open_texts
from suffice.kinds.saturation.rule_tables import (
    WITHIN,
    arm_table,
    cloud_table,
    equivalence_within,
    loss_tells,
    network_accuracies,
)
from suffice.kinds.saturation.settings import SaturationSettings
from suffice.kinds.saturation.simplicity import function_table, initial_relations
from suffice.kinds.saturation.tuned_twins import COMMON, tuning_contrasts
from suffice.kinds.saturation.twins import exact_twins, pair_differences
from suffice.kinds.saturation.verdict import verdict_table
from suffice.seeds import derive_seed
from suffice.storage.files import read_table, write_table

TABLES = (
    "prompts", "baselines", "accuracies", "cloud", "arms", "equivalence", "loss_tells", "twins", "pairs",
    "pair_differences", "functions", "tuning", "tuning_contrasts", "curves", "bridge_pairs",
    "bridge_directed", "bridge_auc", "bridge_behaviour", "bridge_kinds", "bridge_floor",
    "bridge_contexts", "generalisation", "generalisation_agreement", "generalisation_means",
    "generalisation_baselines", "generalisation_equivalence", "generalisation_orders",
    "generalisation_behaviours", "generalisation_bias", "generalisation_pairs", "generalisation_bridge",
    "initial_functions", "initial_relations", "design", "design_effects",
    "practice_models", "practice_equivalence",
    "practice_differences", "practice_ranges", "practice_states", "practice_relations",
    "practice_ensembles", "practice_choices", "published",
)  # fmt: skip


def write_tables(files: Mapping[str, Sequence[str]], settings: SaturationSettings, results: Path) -> None:
    """Write the tables of `TABLES`, `runs.csv` and the verdict as `summary.csv`.

    Args:
        files: paths of the jobs' tables: runs, completions, pairs, twins, tuning, curves, bridge, contexts,
            kind_runs, kind_answers, kind_pairs, design, text_runs, text_answers, texts, published.
        settings: of the study.
        results: the study's folder of results.
    """
    runs = _joined(files["runs"])
    tables = {**_rule_tables(runs, files, settings), **_twin_tables(files, settings)}
    tables |= _bridge_tables(
        _bridge_pairs(files["bridge"]), _joined(files["contexts"]), tables["cloud"], settings
    )
    tables |= _kind_tables(files, settings)
    functions = function_table(settings.chosen.generalisation, settings.seed)
    tables |= {
        "initial_functions": functions,
        "initial_relations": initial_relations(functions, tables["generalisation"]),
    }
    design = _joined(files["design"])
    tables |= {"design": design, "design_effects": effect_table(design)}
    tables |= practice_tables(
        _joined(files["text_runs"]),
        list(map(Path, files["text_answers"])),
        open_texts(files["texts"][0]),
        settings,
    )
    tables["published"] = _joined(files["published"]) if files["published"] else pd.DataFrame()
    for name in TABLES:
        write_table(tables[name], results / "tables" / f"{name}.csv")
    write_table(runs, results / "runs.csv")
    write_table(verdict_table(tables, settings), results / "summary.csv")


def _joined(paths: Sequence[str]) -> pd.DataFrame:
    return pd.concat([read_table(path) for path in paths], ignore_index=True)


def _rule_tables(
    runs: pd.DataFrame, files: Mapping[str, Sequence[str]], settings: SaturationSettings
) -> dict[str, pd.DataFrame]:
    accuracies = network_accuracies(_joined(files["completions"]))
    cloud = cloud_table(runs, accuracies)
    prompts, baselines = language_tables(settings.chosen, settings.seed)
    return {
        "prompts": prompts,
        "baselines": baselines,
        "accuracies": accuracies,
        "cloud": cloud.assign(accepted_nats=settings.acceptance.excess_nats),
        "arms": arm_table(runs, accuracies),
        "equivalence": equivalence_within(runs, WITHIN, "arm", settings.acceptance.margin_nats),
        "loss_tells": loss_tells(cloud),
    }


def _twin_tables(files: Mapping[str, Sequence[str]], settings: SaturationSettings) -> dict[str, pd.DataFrame]:
    pairs, tuning = _joined(files["pairs"]), _joined(files["tuning"])
    return {
        "twins": exact_twins(settings.chosen.in_context, settings.seed),
        "pairs": pairs,
        "pair_differences": pair_differences(pairs, settings.acceptance.margin_nats),
        "functions": _joined(files["twins"]),
        "tuning": tuning,
        "tuning_contrasts": tuning_contrasts(tuning),
        "curves": mean_curves(_joined(files["curves"]), settings),
    }


def _kind_tables(files: Mapping[str, Sequence[str]], settings: SaturationSettings) -> dict[str, pd.DataFrame]:
    answers = _joined(files["kind_answers"])
    chosen, margin = settings.chosen.generalisation, settings.acceptance.margin_nats
    tables = generalisation_tables(_joined(files["kind_runs"]), answers, chosen, margin, settings.seed)
    pairs = kind_pairs(_joined(files["kind_pairs"]), tables["generalisation"], answers)
    seed = derive_seed(settings.seed, "permutations")
    bridge = kind_relations(pairs, settings.chosen.bridge, seed)
    return {**tables, "generalisation_pairs": pairs, "generalisation_bridge": bridge}


def mean_curves(curves: pd.DataFrame, settings: SaturationSettings) -> pd.DataFrame:
    """Mean over seeds of the curves at the common rate, and the range of the middle half of seeds.

    Returns:
        optimiser, twin, rate ("common rate"), learning_rate, step, excess_nats, low, high.
    """
    rates = settings.chosen.fine_tuning.common_rates
    common = curves[curves["learning_rate"] == curves["optimiser"].map(rates)]
    keys = ["optimiser", "twin", "learning_rate", "step"]
    grouped = common.groupby(keys, sort=False)["excess_nats"]
    found = grouped.agg(
        excess_nats="mean",
        low=lambda values: values.quantile(0.25),
        high=lambda values: values.quantile(0.75),
    )
    return found.reset_index().assign(rate=COMMON)


def _bridge_pairs(paths: Sequence[str]) -> pd.DataFrame:
    """Rows of all comparisons, with language and architecture from their paths."""
    return pd.concat(
        [
            read_table(path).assign(language=Path(path).parent.name, architecture=Path(path).stem)
            for path in paths
        ],
        ignore_index=True,
    )


def _bridge_tables(
    pairs: pd.DataFrame, contexts: pd.DataFrame, cloud: pd.DataFrame, settings: SaturationSettings
) -> dict[str, pd.DataFrame]:
    bridge, seed = settings.chosen.bridge, derive_seed(settings.seed, "permutations")
    unordered = unordered_pairs(pairs, cloud)
    areas = [auc_table(unordered, bridge, seed), context_auc_table(contexts, bridge, seed)]
    return {
        "bridge_pairs": unordered,
        "bridge_directed": directed_pairs(pairs, bridge),
        "bridge_auc": pd.concat(areas, ignore_index=True),
        "bridge_contexts": contexts,
        "bridge_behaviour": behaviour_table(unordered, bridge, seed),
        "bridge_kinds": kind_table(unordered, bridge),
        "bridge_floor": floor_table(pairs, bridge),
    }
