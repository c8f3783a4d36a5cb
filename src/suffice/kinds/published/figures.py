"""The figures of the recomputed numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from suffice.analyses.base import Ranked
from suffice.analyses.correlation import mean_rank_table
from suffice.analyses.questions.cost import COST
from suffice.analyses.questions.decision import DECISION
from suffice.analyses.questions.smaller_pools import SMALLER_POOLS
from suffice.kinds.published.molecules import outcomes_of_molecules
from suffice.kinds.published.study import OWN_FIGURES, TABLES
from suffice.kinds.published.tables import AVERAGE, PublishedTables, short_models
from suffice.kinds.published.text import SCORE, outcomes_of_text
from suffice.plots.ablation_curves import Ablation, draw_ablation_curves
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import draw_pair_matrix
from suffice.plots.predictors import draw_predictors
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.rank_scatter import draw_rank_scatter
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families
from suffice.storage.files import read_table

QUESTIONS = (DECISION, COST, SMALLER_POOLS)
"""The questions of a usual study that the published numbers can answer."""
FIGURES = (*OWN_FIGURES, *(figure.name for each in QUESTIONS for figure in each.figures))


def draw_published(
    names: Sequence[str], folder: Path, tables: Path, seed: int
) -> Iterator[tuple[str, Drawn]]:
    """Draw figures of `FIGURES` one after the other, each with its name.

    Args:
        names: names of the figures.
        folder: folder of the published tables.
        tables: folder of the recomputed tables.
        seed: seed of layouts.
    """
    published = PublishedTables.read(folder)
    made = {table: read_table(tables / f"{table}.csv") for table in TABLES}
    shown = _Shown(published, made, seed)
    for name in names:
        yield name, _draw(name, shown)


def ranked_models(tables: Mapping[str, pd.DataFrame], models: pd.DataFrame | None = None) -> Ranked:
    """The ranking of the text models with its tables, models by the part of their names after the owner."""
    short = {name: short_models(table) for name, table in tables.items()}
    short["decision"] = short["decision"].assign(picks=short["decision"]["picks"].map(_without_owners))
    rows = [] if models is None else short_models(models).to_dict("records")
    return Ranked("text", SCORE, settings={"models": rows}, tables=short)


def _without_owners(picks: object) -> object:
    """Names of models without their owners; values that are not text are unchanged."""
    return (
        ", ".join(name.rpartition("/")[2] for name in picks.split(", ")) if isinstance(picks, str) else picks
    )


def _draw(name: str, shown: "_Shown") -> Drawn:
    if name in _DRAWERS:
        return _DRAWERS[name](shown)
    figure = next(figure for each in QUESTIONS for figure in each.figures if figure.name == name)
    return figure.draw(ranked_models(shown.made, shown.published.text_models.reset_index()))


@dataclass(frozen=True)
class _Shown:
    """The data of the figures; text models are named without their owners."""

    published: PublishedTables
    made: Mapping[str, pd.DataFrame]
    seed: int

    @property
    def families(self) -> Families:
        return Families.from_table(short_models(self.published.text_models.reset_index()))

    @property
    def ranking(self) -> pd.DataFrame:
        return short_models(self.made["ranking"])

    @property
    def pairs(self) -> pd.DataFrame:
        return short_models(self.published.text_pairs)

    @property
    def outcomes(self) -> pd.DataFrame:
        return short_models(outcomes_of_text(self.published))

    @property
    def correlation(self) -> pd.DataFrame:
        return self.made["text_correlation"]


_DRAWERS: dict[str, Callable[[_Shown], Drawn]] = {
    "text_mosaic": lambda shown: draw_score_against_tasks(
        shown.ranking, _evidence(shown.outcomes, shown.correlation), shown.families, SCORE
    ),
    "text_ranks": lambda shown: draw_rank_scatter(
        shown.ranking[["model", "score"]], shown.outcomes, shown.correlation, shown.families, SCORE
    ),
    "text_scores": lambda shown: draw_rank_bars(shown.ranking, shown.families),
    "text_predictors": lambda shown: draw_predictors(shown.correlation),
    "text_matrix": lambda shown: draw_pair_matrix(shown.pairs, shown.families),
    "text_graph": lambda shown: draw_model_graph(shown.pairs, shown.ranking, seed=shown.seed),
    "molecule_ranks": lambda shown: _molecule_ranks(shown.published, shown.made["molecule_correlation"]),
    "ablations": lambda shown: draw_ablation_curves(_ablations(shown.published, shown.made)),
}


def _evidence(outcomes: pd.DataFrame, correlation: pd.DataFrame) -> Evidence:
    results = outcomes.assign(metric=outcomes["task"].map(_unit), standard_error=float("nan"))
    return Evidence(results, mean_rank_table(outcomes), correlation)


def _unit(task: str) -> str:
    return "min-max scaled accuracy" if task == "extra_classification" else "points"


def _molecule_ranks(published: PublishedTables, correlation: pd.DataFrame) -> Drawn:
    models = published.molecule_models
    scores = pd.DataFrame({"model": models.index, "score": -models["score_rank"].to_numpy()})
    outcomes = (-outcomes_of_molecules(published)).rename_axis("model").reset_index()
    long = outcomes.melt("model", var_name="task", value_name="value")
    families = Families.from_table(models.reset_index())
    return draw_rank_scatter(scores, long, correlation, families, SCORE)


def _ablations(published: PublishedTables, made: Mapping[str, pd.DataFrame]) -> list[Ablation]:
    targets = published.reference_targets.rename(columns={"spearman_mean": "value"})
    modes = published.modes.melt(["domain", "n_modes"], var_name="statistic", value_name="value").dropna()
    empty = pd.DataFrame(columns=["n_modes", "statistic", "mean"])
    return [
        Ablation(
            "Fewer models", "n_models", "models in the pool", made["number_of_models"],
            published.number_of_models, f"against {AVERAGE}",
        ),
        Ablation(
            "Fewer targets", "n_targets", "random targets", made["reference_targets"],
            targets.assign(statistic="spearman"), f"against {AVERAGE}, without self pairs",
        ),
        Ablation(
            "Modes of the mixture", "n_modes", "modes (text)", empty, modes[modes["domain"] == "text"],
            "against extra classification",
        ),
    ]  # fmt: skip
