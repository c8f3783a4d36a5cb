"""The study of published numbers: from its tables to the side-by-side table and figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from suffice.comparison.correlation import Bootstrap, mean_rank_table
from suffice.comparison.decision import decision_table
from suffice.comparison.pareto import pareto_table, quotient_table
from suffice.comparison.sensitivity import pool_sensitivity
from suffice.files import read_table, write_table
from suffice.plots.ablation_curves import Ablation, draw_ablation_curves
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import draw_pair_matrix
from suffice.plots.pareto_front import draw_pareto_front
from suffice.plots.pool_sensitivity import draw_pool_sensitivity
from suffice.plots.predictors import draw_predictors
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.rank_scatter import draw_rank_scatter
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families
from suffice.published.molecules import (
    correlations_of_molecules,
    outcomes_of_molecules,
    rows_of_molecules,
)
from suffice.published.rows import NEW, side_by_side
from suffice.published.tables import AVERAGE, PublishedTables
from suffice.published.text import (
    SCORE,
    correlations_of_text,
    curves_of_text,
    outcomes_of_text,
    predictors_of_text,
    ranking_of_pairs,
    rows_of_curves,
    rows_of_text,
    score_table,
)
from suffice.settings import Settings
from suffice.study.read import read_study_settings
from suffice.study.references import SETTINGS

TABLES = (
    "side_by_side", "scores", "ranking", "text_correlation", "molecule_correlation",
    "number_of_models", "reference_targets", "decision", "sensitivity", "pareto", "quotient",
)  # fmt: skip
NEAR_COPY = 0.86  # the figure that most cells were read from ends at 1 nat per dimension: 1 - exp(-2)
SUMMARY_COLUMNS = (
    "part",
    "what",
    "statistic",
    "published",
    "recomputed",
    "difference",
    "tolerance",
    "status",
)
FIGURES: dict[str, tuple[str, str]] = {
    "text_mosaic": (
        "The score against the leaderboard",
        "Each point is one of 29 text models, its score from the published matrix; ρ is Spearman's "
        "correlation with its 95 % interval over models. Horizontal lines are intervals over targets.",
    ),
    "text_ranks": (
        "Ranks against ranks",
        "Rank by score and rank by each category of the leaderboard; the dashed line is agreement. A model "
        "above it does better than its score says.",
    ),
    "text_scores": (
        "The 34 scores with what was not published: intervals",
        "Score in nats per target dimension, self pairs in, as published; intervals are over the 34 targets. "
        "Models in one bracket are tied.",
    ),
    "text_predictors": (
        "Against what is free",
        "Correlation with the leaderboard of the score (blue), of width, parameters, longest input (grey).",
    ),
    "text_matrix": (
        "Who tells what of whom",
        "The published matrix, like models side by side; dots are cells beyond the colour scale.",
    ),
    "text_graph": (
        "The models as a graph",
        "An arrow leads to each target from its two strongest sources; colours are seeded communities.",
    ),
    "pareto_front": ("Score against cost", "Models on the front are named; cost is logarithmic."),
    "pool_sensitivity": (
        "Does the pool decide?",
        "Agreement with the ranking of all when a model or a family is left out, or near-copies count once.",
    ),
    "molecule_ranks": (
        "Molecules: ranks against ranks",
        "28 molecule models; the outcome is the mean rank over tasks. Scores are printed for four of them.",
    ),
    "ablations": (
        "Fewer models, fewer targets, fewer modes",
        "Mean over random draws and the band that holds nine in ten; circles are published points.",
    ),
}


class PublishedSettings(Settings):
    """The keys of `study.yaml` in a study of the kind `published`."""

    title: str = Field(description="what the study asks, in a few words; the headline of the page")
    kind: Literal["published"] = Field(description="published: numbers of a paper, recomputed")
    seed: int = Field(default=0, ge=0, description="seed of resamples and random subsets")
    n_resamples: int = Field(default=2000, ge=100, description="bootstrap resamples of the models")


def load_published(folder: Path, overrides: Mapping[str, Any] | None = None) -> PublishedSettings:
    """Read and check the settings of a study of published numbers.

    Raises:
        StudyError: a key or value is wrong.
    """
    return read_study_settings(folder / SETTINGS, overrides or {}, PublishedSettings)


def write_tables(folder: Path, settings: PublishedSettings, output: Path, summary: Path) -> None:
    """Recompute everything and write the tables of `TABLES` as CSV.

    Args:
        folder: holds the published tables.
        settings: of the study.
        output: folder of the tables.
        summary: file of the side-by-side table in short, without what was not printed.
    """
    tables = PublishedTables.read(folder)
    bootstrap = Bootstrap(n_resamples=settings.n_resamples, seed=settings.seed)
    text, molecules = correlations_of_text(tables, bootstrap), correlations_of_molecules(tables, bootstrap)
    curves = curves_of_text(tables, settings.seed)
    rows = [
        *rows_of_text(tables, text, bootstrap),
        *rows_of_curves(tables, curves),
        *rows_of_molecules(tables, molecules),
    ]
    ranking = ranking_of_pairs(tables, seed=settings.seed)
    made = {
        "side_by_side": side_by_side(rows),
        "scores": score_table(tables),
        "ranking": ranking,
        "text_correlation": text,
        "molecule_correlation": molecules,
        **curves,
        **_decisions(tables, ranking, settings),
    }
    for name in TABLES:
        write_table(made[name], output / f"{name}.csv")
    printed = made["side_by_side"][made["side_by_side"]["status"] != NEW]
    write_table(printed[list(SUMMARY_COLUMNS)], summary)


def _decisions(
    tables: PublishedTables, ranking: pd.DataFrame, settings: PublishedSettings
) -> dict[str, pd.DataFrame]:
    """The tables on decisions, as every study has them."""
    models = tables.text_models
    outcomes = outcomes_of_text(tables)
    average = outcomes[outcomes["task"] == AVERAGE]
    cards = models.reset_index()[["model", "embed_dim"]].assign(
        n_parameters=models["params_million"].to_numpy() * 1e6
    )
    pareto = pareto_table(ranking, cards)
    first = ranking.loc[ranking["tie_group"] == 1, "model"]
    families = dict(models["family"])
    return {
        "decision": decision_table(
            predictors_of_text(tables), average, n_resamples=settings.n_resamples, seed=settings.seed
        ),
        "sensitivity": pool_sensitivity(
            tables.text_pairs, families, first, "median", self_pairs=True, threshold=NEAR_COPY
        ),
        "pareto": pareto,
        "quotient": quotient_table(pareto, average),
    }


def draw_published_figure(name: str, folder: Path, tables: Path, seed: int) -> Drawn:
    """Draw a figure of `FIGURES`.

    Args:
        name: of the figure.
        folder: holds the published tables.
        tables: folder of the recomputed tables.
        seed: of layouts.
    """
    published = PublishedTables.read(folder)
    made = {table: read_table(tables / f"{table}.csv") for table in TABLES}
    return _DRAWERS[name](_Shown(published, made, seed))


@dataclass(frozen=True)
class _Shown:
    """What figures show; text models by the part of their names after the owner."""

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


def short_models(table: pd.DataFrame) -> pd.DataFrame:
    """The table with owners taken from the names of models: `owner/name` becomes `name`."""
    columns = [name for name in ("model", "source", "target", "left_out", "winner") if name in table]
    return table.assign(**{name: table[name].str.replace(r"^[^/ ]+/", "", regex=True) for name in columns})


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
    "pareto_front": lambda shown: draw_pareto_front(short_models(shown.made["pareto"]), shown.families),
    "pool_sensitivity": lambda shown: draw_pool_sensitivity(short_models(shown.made["sensitivity"])),
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
            targets.assign(statistic="spearman"), f"against {AVERAGE}, self pairs out",
        ),
        Ablation(
            "Modes of the mixture", "n_modes", "modes (text)", empty, modes[modes["domain"] == "text"],
            "against extra classification",
        ),
    ]  # fmt: skip
