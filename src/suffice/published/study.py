"""The study of published numbers: from its tables to the side-by-side table, figures and what they rest on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from suffice.comparison.correlation import Bootstrap, mean_rank_table
from suffice.files import read_table, write_table
from suffice.plots.ablation_curves import Ablation, draw_ablation_curves
from suffice.plots.model_graph import draw_model_graph
from suffice.plots.pair_matrix import draw_pair_matrix
from suffice.plots.predictors import draw_predictors
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.rank_scatter import draw_rank_scatter
from suffice.plots.score_against_tasks import Evidence, draw_score_against_tasks
from suffice.plots.style import Drawn, Families, save_figure
from suffice.published.molecules import (
    correlations_of_molecules,
    outcomes_of_molecules,
    rows_of_molecules,
)
from suffice.published.rows import side_by_side
from suffice.published.tables import AVERAGE, PublishedTables
from suffice.published.text import (
    SCORE,
    correlations_of_text,
    curves_of_text,
    outcomes_of_text,
    ranking_of_pairs,
    rows_of_curves,
    rows_of_text,
    score_table,
)
from suffice.settings import Settings
from suffice.study.read import SETTINGS, read_study_settings

TABLES = (
    "side_by_side", "scores", "ranking", "text_correlation", "molecule_correlation",
    "number_of_models", "reference_targets",
)  # fmt: skip
FIGURES = (
    "text_scores", "text_mosaic", "text_ranks", "text_predictors", "text_matrix", "text_graph", "molecule_ranks",
    "ablations",
)  # fmt: skip


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


def write_tables(folder: Path, settings: PublishedSettings, output: Path) -> None:
    """Recompute everything and write the tables of `TABLES` as CSV.

    Args:
        folder: holds the published tables.
        settings: of the study.
        output: folder of the tables.
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
    made = {
        "side_by_side": side_by_side(rows),
        "scores": score_table(tables),
        "ranking": ranking_of_pairs(tables, seed=settings.seed),
        "text_correlation": text,
        "molecule_correlation": molecules,
        **curves,
    }
    for name in TABLES:
        write_table(made[name], output / f"{name}.csv")


def write_figures(folder: Path, tables: Path, seed: int, output: Path) -> None:
    """Draw every figure of `FIGURES`.

    Args:
        folder: holds the published tables.
        tables: folder of the recomputed tables.
        seed: of layouts.
        output: folder of the figures.
    """
    published = PublishedTables.read(folder)
    made = {name: read_table(tables / f"{name}.csv") for name in TABLES}
    for name, drawn in zip(FIGURES, _figures(published, made, seed), strict=True):
        save_figure(drawn, output / name)


def _figures(published: PublishedTables, made: Mapping[str, pd.DataFrame], seed: int) -> list[Drawn]:
    """The figures in the order of `FIGURES`."""
    families = Families.from_table(published.text_models.reset_index())
    outcomes, correlation = outcomes_of_text(published), made["text_correlation"]
    ranking = made["ranking"]
    scores = ranking[["model", "score"]]
    shown = outcomes[outcomes["task"] != "extra_classification"]
    return [
        draw_rank_bars(ranking, families),
        draw_score_against_tasks(ranking, _evidence(outcomes, correlation), families, SCORE),
        draw_rank_scatter(scores, shown, correlation, families, SCORE),
        draw_predictors(correlation[correlation["task"] != "extra_classification"]),
        draw_pair_matrix(published.text_pairs, families),
        draw_model_graph(published.text_pairs, ranking, seed=seed),
        _molecule_ranks(published, made["molecule_correlation"]),
        draw_ablation_curves(_ablations(published, made)),
    ]


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
            "Fewer models", "n_models", "models in the pool", made["number_of_models"], published.number_of_models,
            f"against {AVERAGE}",
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
