"""Recompute published numbers: from the printed tables to the side-by-side and additional tables."""

from pathlib import Path

import pandas as pd

from suffice.analyses.correlation import Bootstrap
from suffice.analyses.cost import pareto_table, quotient_table
from suffice.analyses.decision import decision_table
from suffice.analyses.smaller_pools import pool_sensitivity
from suffice.kinds.published.molecules import correlations_of_molecules, rows_of_molecules
from suffice.kinds.published.rows import NEW, side_by_side
from suffice.kinds.published.study import TABLES, PublishedSettings
from suffice.kinds.published.tables import AVERAGE, PublishedTables
from suffice.kinds.published.text import (
    correlations_of_text,
    curves_of_text,
    outcomes_of_text,
    predictors_of_text,
    ranking_of_pairs,
    rows_of_curves,
    rows_of_text,
    score_table,
)
from suffice.storage.files import write_table

NEAR_COPY = 0.86  # the colours that most cells were read from end at 1 nat per dimension: 1 - exp(-2)
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


def write_tables(folder: Path, settings: PublishedSettings, output: Path, summary: Path) -> None:
    """Recompute everything and write the tables of `TABLES` as CSV.

    Args:
        folder: folder of the published tables.
        settings: settings of the study.
        output: folder of the tables.
        summary: file of a short side-by-side table with only the printed numbers.
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
    """The tables on decisions, as in every study."""
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
