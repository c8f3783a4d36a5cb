"""The experiment on text, from its matrix of pairs: scores, correlations, ablations, decisions."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from suffice.analyses.choice import regret_interval, top_k_interval
from suffice.analyses.correlation import Bootstrap, correlation_table
from suffice.analyses.partial import partial_correlation
from suffice.analyses.pool_curves import Summary, number_of_models_curve, reference_targets_curve
from suffice.kinds.published.rows import BEFORE, ROUNDING, Row, rounding_of
from suffice.kinds.published.tables import AVERAGE, CATEGORIES, WEAKEST, PublishedTables
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings

SCORE = "I_S"
BASELINES = ("embed_dim", "params_million", "max_tokens")
AS_PUBLISHED = Summary("median", self_pairs=True)
DECODED_ERROR = 0.0014  # largest error of a cell that was read off the colours of the heatmap
READING_ERROR = 0.02  # of a curve that was read off a figure
N_DRAWS_PUBLISHED, N_DRAWS_MODELS, N_DRAWS_TARGETS = 100, 100, 300
TOP = 10


def ranking_of_pairs(tables: PublishedTables, self_pairs: bool = True, seed: int = 0) -> pd.DataFrame:
    """The ranking from the published matrix, by the median as in the paper.

    A pair is one number without items, so it is represented by two equal blocks without uncertainty.
    Therefore only the columns for pools like this one have intervals.
    """
    pairs = tables.text_pairs
    nats = pairs["nats_per_dim"] * pairs["target_dim"]
    laid_out = pairs.assign(
        source_dim=pairs["source"].map(tables.text_models["embed_dim"]),
        n_test=1,
        warnings="",
        block_nats=pd.Series([[value, value] for value in nats], index=pairs.index),
        block_items=pd.Series([[1.0, 1.0] for _ in nats], index=pairs.index),
    )
    families = dict(tables.text_models["family"])
    return rank_pairs(laid_out, RankingSettings(aggregate="median", self_pairs=self_pairs), seed, families)


def scores_of_pairs(tables: PublishedTables, self_pairs: bool = True, per_dim: bool = True) -> pd.Series:
    """Median over targets by model, in nats per target dimension or in nats."""
    pairs = tables.text_pairs
    if not self_pairs:
        pairs = pairs[pairs["source"] != pairs["target"]]
    scale = 1 if per_dim else pairs["target_dim"]
    return (pairs["nats_per_dim"] * scale).groupby(pairs["source"]).median().rename_axis("model")


def score_table(tables: PublishedTables) -> pd.DataFrame:
    """The 34 scores and the printed ones: model, published, recomputed, difference, agrees, without_self."""
    table = pd.DataFrame(
        {"published": tables.text_models["score_published"], "recomputed": scores_of_pairs(tables)}
    )
    table["difference"] = table["recomputed"] - table["published"]
    table["agrees"] = table["difference"].abs() <= DECODED_ERROR
    table["without_self"] = scores_of_pairs(tables, self_pairs=False)
    return table.sort_values("published", ascending=False).rename_axis("model").reset_index()


def outcomes_of_text(tables: PublishedTables) -> pd.DataFrame:
    """Values of the leaderboard as rows of task results: model, task, value; missing values are left out."""
    columns = [AVERAGE, *CATEGORIES, "extra_classification"]
    long = tables.text_models[columns].reset_index().melt("model", var_name="task", value_name="value")
    return long.dropna(subset="value").reset_index(drop=True)


def predictors_of_text(tables: PublishedTables) -> pd.DataFrame:
    """Score and baselines as rows: model, predictor, predictor_kind, value."""
    baselines = tables.text_models[list(BASELINES)].reset_index()
    free = baselines.melt("model", var_name="predictor", value_name="value").assign(predictor_kind="baseline")
    score = tables.text_models["score_published"].rename("value").reset_index()
    score = score.assign(predictor=SCORE, predictor_kind="information sufficiency")
    return pd.concat([score, free.dropna(subset="value")], ignore_index=True)


def correlations_of_text(tables: PublishedTables, bootstrap: Bootstrap) -> pd.DataFrame:
    """The correlation table of all predictors with the leaderboard, one outcome at a time."""
    return correlation_table(
        predictors_of_text(tables),
        outcomes_of_text(tables),
        bootstrap.confidence_level,
        bootstrap.n_resamples,
        bootstrap.seed,
    )


def rows_of_text(tables: PublishedTables, correlations: pd.DataFrame, bootstrap: Bootstrap) -> Iterator[Row]:
    """All rows of the experiment on text."""
    yield from _score_rows(tables)
    yield from _correlation_rows(tables, correlations)
    yield from _choice_rows(tables, bootstrap)


def _score_rows(tables: PublishedTables) -> Iterator[Row]:
    scores = score_table(tables)
    yield Row(
        "scores",
        "largest difference of the 34 scores from the medians of the matrix, with self pairs",
        "nats per dimension",
        0.0,
        float(scores["difference"].abs().max()),
        n_models=len(scores),
        tolerance=DECODED_ERROR,
        reason="521 of 1,156 cells were read off the colours of a heatmap",
    )
    average = tables.text_models[AVERAGE]
    yield Row(
        "scores",
        "models with an average on the leaderboard",
        "count",
        29,
        int(average.notna().sum()),
        n_models=len(average),
        tolerance=0,
        reason="no entry for " + ", ".join(sorted(average.index[average.isna()])),
    )
    for per_dim, what, printed in (
        (True, "without self pairs", np.nan),
        (False, "not divided by width", 0.79),
    ):
        scores_now = scores_of_pairs(tables, self_pairs=not per_dim, per_dim=per_dim)
        yield Row(
            "scores",
            f"score {what} against the average",
            "spearman",
            printed,
            float(scores_now.corr(average, method="spearman")),
            n_models=int(average.notna().sum()),
            tolerance=rounding_of(2) if not per_dim else np.nan,
            reason=ROUNDING if not per_dim else "",
        )


def _correlation_rows(tables: PublishedTables, correlations: pd.DataFrame) -> Iterator[Row]:
    ours = correlations[correlations["predictor"] == SCORE].set_index(["task", "statistic"])
    printed = tables.text_correlations.set_index(["outcome", "statistic"])["value"]
    for outcome in (AVERAGE, *CATEGORIES, "extra_classification"):
        for statistic in ("pearson", "spearman", "kendall"):
            cell: Any = ours.loc[(outcome, statistic)]
            extra = outcome == "extra_classification"
            omitted = "omitted from the published table" if (outcome, statistic) not in printed.index else ""
            yield Row(
                "correlations",
                f"score against {outcome}",
                statistic,
                float(printed.get((outcome, statistic), np.nan)),
                np.nan if extra else float(cell["value"]),
                np.nan if extra else float(cell["low"]),
                np.nan if extra else float(cell["high"]),
                int(cell["n_models"]),
                rounding_of(6),
                f"five of 34 accuracies are not printed; over the other 29 it is {cell['value']:.3f}"
                if extra
                else omitted or ROUNDING,
            )


def _choice_rows(tables: PublishedTables, bootstrap: Bootstrap) -> Iterator[Row]:
    """Additional results: partial correlation, the top of the list, regret, leaving models out."""
    models = tables.text_models
    score, average = models["score_published"], models[AVERAGE]
    covariates = models[["params_million", "embed_dim"]].apply(np.log)
    found = {
        ("partial correlation given log parameters and log width", "pearson"): partial_correlation(
            score, average, covariates, bootstrap
        ),
        (f"among the {TOP} best of the leaderboard", "spearman"): top_k_interval(
            score, average, TOP, bootstrap
        ),
        (f"the same for width ({TOP} best)", "spearman"): top_k_interval(
            models["embed_dim"].astype(float), average, TOP, bootstrap
        ),
    }
    for k in (1, 3):
        for name, predictor in {"score": score, "width": models["embed_dim"].astype(float)}.items():
            what = (
                f"regret of trying the {k} best by {name}"
                if k > 1
                else f"regret of taking the best by {name}"
            )
            found[(what, "points of the average")] = regret_interval(predictor, average, k, bootstrap)
    for (what, statistic), each in found.items():
        yield Row(
            "choices",
            what,
            statistic,
            np.nan,
            each.value,
            each.low,
            each.high,
            each.n_models,
            reason=each.note,
        )
    yield from _left_out_rows(models)


def _left_out_rows(models: pd.DataFrame) -> Iterator[Row]:
    judged = models.dropna(subset=AVERAGE)
    without = judged.drop(index=list(WEAKEST))
    for statistic in ("pearson", "spearman"):
        value = without["score_published"].corr(without[AVERAGE], method=statistic)
        yield Row(
            "choices",
            "without SPECTER, GloVe, Komninos and LaBSE",
            statistic,
            recomputed=value,
            n_models=len(without),
        )
    for family in judged["family"].drop_duplicates():
        rest = judged[judged["family"] != family]
        value = rest["score_published"].corr(rest[AVERAGE], method="spearman")
        yield Row("choices", f"without the family {family}", "spearman", recomputed=value, n_models=len(rest))


def curves_of_text(tables: PublishedTables, seed: int) -> dict[str, pd.DataFrame]:
    """Agreement with the average over random pools and targets, at the published sizes and between them."""
    outcome = tables.text_models[AVERAGE]
    n_models = sorted({*range(4, 30, 4), *tables.number_of_models["n_models"]})
    return {
        "number_of_models": number_of_models_curve(
            tables.text_pairs, outcome, n_models, N_DRAWS_MODELS, AS_PUBLISHED, seed
        ),
        "reference_targets": reference_targets_curve(
            tables.text_pairs,
            outcome,
            list(tables.reference_targets["n_targets"]),
            N_DRAWS_TARGETS,
            Summary("median", self_pairs=False),
            seed,
        ),
    }


def rows_of_curves(tables: PublishedTables, curves: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Published points of both curves beside the recomputed ones."""
    models = curves["number_of_models"].set_index(["n_models", "statistic"])
    for point in _records(tables.number_of_models):
        ours: Any = models.loc[(point.n_models, point.statistic)]
        noise = 2 * np.hypot(ours["sd"] / np.sqrt(N_DRAWS_MODELS), ours["sd"] / np.sqrt(N_DRAWS_PUBLISHED))
        yield Row(
            "curves",
            f"random pools of {point.n_models} models, mean",
            point.statistic,
            point.value,
            ours["mean"],
            n_models=point.n_models,
            tolerance=READING_ERROR + noise,
            reason="read off a figure (0.02), and twice the error of both means over 100 draws",
        )
    targets = curves["reference_targets"].set_index(["n_targets", "statistic"])
    for point in _records(tables.reference_targets):
        ours = targets.loc[(point.n_targets, "spearman")]
        noise = 2 * np.hypot(ours["sd"], point.spearman_sd) / np.sqrt(N_DRAWS_TARGETS)
        yield Row(
            "curves",
            f"scores over {point.n_targets} random targets, mean",
            "spearman",
            point.spearman_mean,
            ours["mean"],
            n_models=int(tables.text_models[AVERAGE].notna().sum()),
            tolerance=noise + DECODED_ERROR,
            reason="twice the error of both means over 300 draws",
            origin=BEFORE,
        )


def _records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, their cells as attributes."""
    return iter(table.itertuples())
