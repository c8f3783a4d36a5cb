"""A small made-up study, of any number of models."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

TASKS = ("topic", "a-long-name-of-a-task-about-sections", "search")


def make_study(n_models: int, seed: int = 0) -> SimpleNamespace:
    generator = np.random.default_rng(seed)
    names = [f"model-{i}" if i % 3 else f"a-model-with-quite-a-long-name-{i}-v1.5" for i in range(n_models)]
    quality = np.linspace(0.6, -0.05, n_models)
    models = pd.DataFrame({"model": names, "family": [f"family {i % 5}" for i in range(n_models)]})
    pairs = pd.DataFrame(
        [
            (source, target, 2.5 if i == j else quality[i] + 0.02 * generator.normal())
            for i, source in enumerate(names)
            for j, target in enumerate(names)
        ],
        columns=["source", "target", "nats_per_dim"],
    )
    places = np.arange(1, n_models + 1)
    ranking = pd.DataFrame(
        {
            "model": names,
            "score": quality,
            "score_low": quality - 0.04,
            "score_high": quality + 0.03,
            "win_rate": quality,
            "win_rate_low": quality - 0.02,
            "win_rate_high": quality + 0.01,
            "aggregate": "ranks",
            "rank": places,
            "rank_low": np.maximum(places - 1, 1),
            "rank_high": np.minimum(places + 2, n_models),
            "rank_low_pools": 1,
            "rank_high_pools": n_models,
            "tie_group": 1 + (places - 1) // 3,
            "warnings": "",
            "embed_dim": 64,
            "n_items": 1000,
            "items_needed": [*(400.0 * 1.5**i for i in range(n_models - 1)), np.nan],
        }
    )
    by_items = pd.DataFrame(
        {
            "n_items": [125, 250, 500, 1000],
            "kendall_tau": [0.8, 0.9, 0.95, 1.0],
            "tau_low": [0.6, 0.8, 0.9, 1.0],
            "tau_high": [0.9, 0.95, 1.0, 1.0],
            "separated": np.minimum([0.5, 0.8, 1.2, 3.0], n_models - 1),
            "n_neighbours": n_models - 1,
        }
    )
    results = pd.DataFrame(
        [
            (task, "accuracy", name, 0.5 + 0.3 * quality[i] + 0.05 * generator.normal(), 0.01)
            for task in TASKS
            for i, name in enumerate(names)
        ],
        columns=["task", "metric", "model", "value", "standard_error"],
    )
    ranks = results.groupby("task")["value"].rank(ascending=False)
    mean_ranks = (
        results.assign(mean_rank=ranks).groupby("model", sort=False)["mean_rank"].mean().reset_index()
    )
    correlation = pd.DataFrame(
        [
            (predictor, kind, task, statistic, 0.8 - 0.1 * i, 0.5 - 0.1 * i, 0.95 - 0.1 * i, n_models)
            for i, (predictor, kind) in enumerate(
                [("linear", "information sufficiency"), ("embed_dim", "baseline"), ("rankme", "baseline")]
            )
            for task in ("mean rank", *TASKS)
            for statistic in ("spearman", "kendall")
        ],
        columns="predictor predictor_kind task statistic value low high n_models".split(),
    )
    steps = [0, *(100 * 2**i for i in range(n_models - 1))]
    checkpoints = ranking.assign(series="trained", step=steps)
    pareto = pd.DataFrame(
        [
            (name, cost, float(value), "win_rate", quality[i], i % 3 == 0)
            for cost in ("cpu_seconds_per_1000_items", "n_parameters_with_parents", "embed_dim")
            for i, (name, value) in enumerate(zip(names, 2.0 ** np.arange(n_models) - 1, strict=True))
        ],
        columns="model cost cost_value measure value on_front".split(),
    )
    sensitivity = pd.DataFrame(
        {
            "change": "without a model",
            "left_out": names,
            "n_left_out": 1,
            "winner": names[0],
            "winner_changes": places % 2 == 0,
            "beyond_ties": places % 4 == 0,
            "kendall_tau": quality,
        }
    )
    dependence = pd.DataFrame(
        {
            "task": names,
            "agreement": quality,
            "n_models": 9,
            "n_classes": [np.nan, *range(2, n_models + 1)],
            "n_items": 100 * places,
            "solvability": np.abs(quality),
        }
    )
    return SimpleNamespace(
        trials=make_trials(),
        explained=make_explained(names),
        pareto=pareto,
        sensitivity=sensitivity,
        dependence=dependence,
        models=models,
        pairs=pairs,
        ranking=ranking,
        by_items=by_items,
        results=results,
        mean_ranks=mean_ranks,
        correlation=correlation,
        checkpoints=checkpoints,
    )


def make_trials() -> pd.DataFrame:
    """Two tasks, of which the second has fewer training items than the largest number of labels."""
    columns = "dataset task n_labels way n_draws spearman spearman_low spearman_high regret_at_1 note".split()
    rows = [
        (
            "toys",
            task,
            n_labels,
            way,
            3,
            rho + n_labels / 1000,
            rho - 0.1,
            rho + 0.15,
            0.05 - n_labels / 1e4,
            "",
        )
        for task in TASKS[:2]
        for n_labels in (50, 100)
        for way, rho in (("score", 0.5), ("logme", 0.3), ("score+logme", 0.6))
    ]
    rows.append(("toys", TASKS[0], 500, "score", 0, np.nan, np.nan, np.nan, np.nan, "too few"))
    return pd.DataFrame(rows, columns=columns)


def make_explained(names: list[str]) -> pd.DataFrame:
    """Three directions of each model for the first, one of which it misleads about."""
    return pd.DataFrame(
        [
            (source, names[0], number, 0.3 / number, r2, 0.1, (1 - r2) * 0.3 / number, "a $x$ | b", "c " * 50)
            for source in names
            for number, r2 in ((1, 0.9), (2, 0.2), (3, -0.05))
        ],
        columns="source target component variance_share r2 nats lost_share low_items high_items".split(),
    )


@pytest.fixture
def study():
    return make_study
