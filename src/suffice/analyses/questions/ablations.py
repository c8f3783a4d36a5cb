"""What does the ranking depend on? Agreement when one thing is varied; only for the target `ablations`."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from pydantic import Field

from suffice.analyses.base import Analysis, Key
from suffice.analyses.pool_curves import TASKS
from suffice.errors import DataError
from suffice.plots.ablation_curves import Ablation, draw_ablation_curves
from suffice.plots.style import Drawn
from suffice.settings import Settings


class AblationSettings(Settings):
    """One setting of an estimator, varied; for `snakemake ablations`."""

    estimator: str = Field(description="kind of estimator")
    setting: str = Field(description="the setting that is varied")
    values: tuple[Any, ...] = Field(min_length=2, description="its values")
    settings: dict[str, Any] = Field(default={}, description="the estimator's other settings")

    def variants(self, name: str) -> dict[str, dict[str, Any]]:
        """One estimator per value, by name, in the form of the key `estimators`."""
        return {
            f"{name}-{value}": {"estimator": self.estimator, **self.settings, self.setting: value}
            for value in self.values
        }


KEY = Key(
    name="ablations",
    model=AblationSettings,
    kind=dict[str, AblationSettings],
    default={},
    description="estimator settings to vary, by name of the ablation; computed only by the target "
    "`ablations`",
    of_each=", for each name",
)


def ablations_in(settings: Settings) -> dict[str, AblationSettings]:
    """The ablations in the settings of a study, by name."""
    found: dict[str, AblationSettings] = getattr(settings, KEY.name)
    return found


POOL = {"n_models": ("Fewer models", "models in the pool"), "n_targets": ("Fewer targets", "random targets")}


def draw_ablations(pool: pd.DataFrame, items: pd.DataFrame, settings: Mapping[str, pd.DataFrame]) -> Drawn:
    """Agreement with tasks against models, targets, items and settings, one panel each.

    Args:
        pool: as `suffice.analyses.ablations.pool_curves` gives it.
        items: as `agreement_by_items` gives it.
        settings: as `agreement_of_variants` gives it, by name of the setting; variants that are not numbers
            are not drawn.

    Returns:
        The figure; points as of `draw_ablation_curves`.

    Raises:
        DataError: there is nothing to draw.
    """
    panels = [*_of_pool(pool), *_of_items(items), *_of_settings(settings)]
    if not panels:
        raise DataError(
            "no ablation can be drawn: too few models have a result on every task; run the missing tasks"
        )
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
        yield Ablation("Fewer items", "n_items", "items, with new fits", spread, below="range of draws")


def _of_settings(settings: Mapping[str, pd.DataFrame]) -> Iterator[Ablation]:
    for name, table in settings.items():
        rows = table[table["against"].eq(TASKS) & table["value"].notna()]
        numbers = pd.to_numeric(rows["variant"], errors="coerce")
        rows = rows.rename(columns={"value": "mean"}).assign(variant=numbers).dropna(subset="variant")
        if len(rows):
            yield Ablation(f"Estimator: {name}", "variant", name, rows, below="95 % intervals")


ABLATIONS = Analysis(name=KEY.name, key=KEY, is_asked=lambda study: False, findings=lambda ranked: [])
"""Its tables and figure have their own rules, run only for this target, and are not on the page."""
