"""The experiment on molecules, from published ranks; scores are printed for only four of 28 models."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from suffice.analyses.correlation import Bootstrap, correlation_table
from suffice.kinds.published.rows import BEFORE, ROUNDING, Row, rounding_of
from suffice.kinds.published.tables import PublishedTables

N_CLASSIFICATION, N_REGRESSION = 20, 11  # tasks in each published mean rank
OUTCOMES = (
    "admet",
    "admet_classification",
    "admet_regression",
    "dti",
    "dti_kd",
    "dti_ki",
    "dti_ic50",
    "dti_kiba",
)
DIGITS = {"admet": 3}
SIZE_BINS = {
    "fewer than 700 molecules": (0, 700),
    "700 to 7,000": (700, 7000),
    "more than 7,000": (7000, np.inf),
}


def outcomes_of_molecules(tables: PublishedTables) -> pd.DataFrame:
    """Mean ranks over tasks by model, lower is better; that of all ADMET tasks is computed from its parts."""
    models = tables.molecule_models
    admet = N_CLASSIFICATION * models["admet_classification"] + N_REGRESSION * models["admet_regression"]
    return models.assign(admet=admet / (N_CLASSIFICATION + N_REGRESSION))[list(OUTCOMES)]


def correlations_of_molecules(tables: PublishedTables, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlation of rank by score, and of width, with the mean rank of each outcome; positive is agreement.

    As in the paper, Pearson's correlation uses the rank by score because the scores are not printed.
    """
    models = tables.molecule_models
    score = pd.DataFrame({"value": -models["score_rank"].astype(float), "predictor": "I_S"})
    width = pd.DataFrame({"value": models["embed_dim"].astype(float), "predictor": "embed_dim"})
    kinds = {"I_S": "information sufficiency", "embed_dim": "baseline"}
    predictors = pd.concat([score, width]).rename_axis("model").reset_index()
    predictors["predictor_kind"] = predictors["predictor"].map(kinds)
    results = (
        (-outcomes_of_molecules(tables))
        .rename_axis("model")
        .reset_index()
        .melt("model", var_name="task", value_name="value")
    )
    return correlation_table(
        predictors, results, bootstrap.confidence_level, bootstrap.n_resamples, bootstrap.seed
    )


def rows_of_molecules(tables: PublishedTables, correlations: pd.DataFrame) -> Iterator[Row]:
    """All rows of the experiment on molecules."""
    printed = tables.molecule_correlations.set_index(["outcome", "statistic"])["value"]
    ours = correlations[correlations["predictor"] == "I_S"].set_index(["task", "statistic"])
    for outcome in OUTCOMES:
        for statistic in ("pearson", "spearman", "kendall"):
            cell: Any = ours.loc[(outcome, statistic)]
            yield Row(
                "molecules",
                f"rank by score against {outcome}",
                statistic,
                float(printed.get((outcome, statistic), np.nan)),
                float(cell["value"]),
                float(cell["low"]),
                float(cell["high"]),
                int(cell["n_models"]),
                rounding_of(DIGITS.get(outcome, 2)),
                ROUNDING if (outcome, statistic) in printed.index else "not printed",
            )
    categories = tables.molecule_correlations[~tables.molecule_correlations["outcome"].isin(OUTCOMES)]
    for outcome, statistic, value in categories[["outcome", "statistic", "value"]].to_numpy():
        yield Row(
            "molecules",
            f"rank by score against {outcome}",
            statistic,
            value,
            n_models=len(tables.molecule_models),
            reason="ranks by category are not printed",
        )
    yield from _size_rows(tables.admet_tasks)


def _size_rows(tasks: pd.DataFrame) -> Iterator[Row]:
    """Agreement on a task against its size, from the correlations printed for each task."""
    yield Row(
        "molecules",
        "agreement on a task against its number of molecules",
        "spearman",
        0.78,
        float(tasks["spearman"].corr(tasks["n_molecules"], method="spearman")),
        tolerance=rounding_of(2),
        reason=f"from 31 printed correlations; {ROUNDING}",
        origin=BEFORE,
    )
    published = dict(zip(SIZE_BINS, (0.54, 0.78, 0.90), strict=True))
    for name, (low, high) in SIZE_BINS.items():
        rows = tasks[(tasks["n_molecules"] >= low) & (tasks["n_molecules"] < high)]
        yield Row(
            "molecules",
            f"mean agreement on {len(rows)} tasks of {name}",
            "mean spearman",
            published[name],
            float(rows["spearman"].mean()),
            tolerance=rounding_of(2),
            reason=f"from printed correlations; {ROUNDING}",
            origin=BEFORE,
        )
