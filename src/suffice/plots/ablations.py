"""The ablations of a study as panels of one figure."""

from collections.abc import Iterator, Mapping

import pandas as pd

from suffice.analyses.variation import TASKS
from suffice.errors import DataError
from suffice.plots.ablation_curves import Ablation, draw_ablation_curves
from suffice.plots.style import Drawn

POOL = {"n_models": ("Fewer models", "models in the pool"), "n_targets": ("Fewer targets", "random targets")}


def draw_ablations(pool: pd.DataFrame, items: pd.DataFrame, settings: Mapping[str, pd.DataFrame]) -> Drawn:
    """Agreement with tasks against models, targets, items and settings, one panel each.

    Args:
        pool: as `suffice.analyses.variation.pool_curves` gives it.
        items: as `agreement_by_items` gives it.
        settings: as `agreement_of_variants` gives it, by name of the setting; variants that are no numbers
            are not drawn.

    Returns:
        The figure; points as of `draw_ablation_curves`.

    Raises:
        DataError: there is nothing to draw.
    """
    panels = [*_of_pool(pool), *_of_items(items), *_of_settings(settings)]
    if not panels:
        raise DataError("no ablation has a correlation with tasks: too few models have every task")
    return draw_ablation_curves(panels)


def _of_pool(pool: pd.DataFrame) -> Iterator[Ablation]:
    for name, (title, label) in POOL.items():
        rows = pool[pool["ablation"] == name]
        if len(rows):
            yield Ablation(title, "size", label, rows)


def _of_items(items: pd.DataFrame) -> Iterator[Ablation]:
    rows = items[items["against"] == TASKS]
    if rows["n_items"].nunique() > 1:
        draws = rows.groupby(["n_items", "statistic"])["value"]
        spread = pd.DataFrame({"mean": draws.mean(), "low": draws.min(), "high": draws.max()}).reset_index()
        yield Ablation("Fewer items", "n_items", "items, fitted anew", spread, below="range of draws")


def _of_settings(settings: Mapping[str, pd.DataFrame]) -> Iterator[Ablation]:
    for name, table in settings.items():
        rows = table[table["against"].eq(TASKS) & table["value"].notna()]
        numbers = pd.to_numeric(rows["variant"], errors="coerce")
        rows = rows.rename(columns={"value": "mean"}).assign(variant=numbers).dropna(subset="variant")
        if len(rows):
            yield Ablation(f"Estimator: {name}", "variant", name, rows, below="95 % intervals")
