"""A small made-up study's page."""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suffice.analyses.base import Finding, Place, Ranked
from suffice.analyses.registry import findings_of
from suffice.kinds.embeddings.content import PageContent, Section
from suffice.plots.style import COLORS, ON_DARK, Drawn, save_figure, styled

CJK = "\u4e2d\u6587"
TASKS = ("topic", "search")


def make_ranking(groups: list[int]) -> pd.DataFrame:
    """Models a, b, ... with the given tie groups, from first to last."""
    n_models = len(groups)
    scores = np.linspace(0.5, 0.1, n_models)
    places = np.arange(1, n_models + 1)
    return pd.DataFrame(
        {
            "model": [f"model-{chr(97 + i)}" for i in range(n_models)],
            "score": scores,
            "score_low": scores - 0.05,
            "score_high": scores + 0.05,
            "rank": places,
            "rank_low": places,
            "rank_high": places,
            "tie_group": groups,
            "embed_dim": 64,
            "could_be_first": np.array(groups) == 1,
            "win_rate": scores,
            "win_rate_low": scores - 0.05,
            "win_rate_high": scores + 0.05,
            "rank_low_pools": pd.array(places, dtype="Int64"),
            "rank_high_pools": pd.array(np.full(n_models, n_models), dtype="Int64"),
            "could_be_first_pools": pd.array([True] * n_models, dtype="boolean"),
            "relatives": [f"model-{chr(97 + i)}" for i in range(n_models)],
            "near_copies": "",
            "looks": "halves",
            "aggregate": "ranks",
            "is_target": True,
            "n_items": 1500,
            "items_needed": [*[900.0] * (n_models - 1), np.nan],
            "warnings": "",
        }
    )


def make_cards(ranking: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ranking["model"],
            "embed_dim": 64,
            "truncated_share": [None, *[0.02] * (len(ranking) - 1)],
            "n_zero_rows": 0,
            "n_duplicate_rows": 1234,
            "n_constant_dims": 0,
            "effective_rank": 40.5,
            "cpu_seconds_per_1000_items": np.arange(len(ranking), 0, -1.0),
            "n_parameters_with_parents": [None, *[1e6] * (len(ranking) - 1)],
            "bytes_per_vector": 256,
            "device": "cpu",
            "warnings": "",
        }
    )


def make_correlation(n_models: int) -> pd.DataFrame:
    rows = [
        (predictor, kind, task, "spearman", value, value - 0.2, value + 0.05, n_models)
        for predictor, kind, value in (
            ("linear", "information sufficiency", 0.8),
            ("embed_dim", "baseline", 0.3),
            ("rankme", "baseline", 0.45),
        )
        for task in ("mean rank", *TASKS)
    ]
    names = "predictor predictor_kind task statistic value low high n_models".split()
    return pd.DataFrame(rows, columns=names)


def make_results(ranking: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (task, "classification", "toys", model, "accuracy", 0.5, 0.01, 0.1)
            for task in TASKS
            for model in ranking["model"]
        ],
        columns="task kind dataset model metric value standard_error chance".split(),
    )


@pytest.fixture(scope="session")
def svg(tmp_path_factory):
    """A figure with a line, coloured cells, and letters that no font of a small machine has."""

    @styled
    def draw():
        figure = Figure(figsize=(1, 2))
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], "o-", color=COLORS[1], label=CJK)
        axes.imshow([[0, 1], [2, 3]], extent=(0, 1, 0, 1))
        axes.text(0.25, 0.25, "on a cell", color=ON_DARK, fontsize=4)
        axes.set_title(CJK)
        return save_figure(
            Drawn(figure, pd.DataFrame({"x": [0, 1]})), tmp_path_factory.mktemp("svg") / "figure"
        )

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        return draw()[-1]


@pytest.fixture
def of_tasks() -> dict[str, pd.DataFrame]:
    """The correlation table and the tasks' results of three models, to be changed."""
    return {"correlation": make_correlation(3), "results": make_results(make_ranking([1, 2, 3]))}


@pytest.fixture(scope="session")
def make_page(svg) -> Callable[..., PageContent]:
    """A function that makes a page's content.

    Keywords replace fields of the section or of the page; any other is a table that analyses made.
    """

    def make(groups=(1, 2, 3), tasks=True, notes=(), results=None, **changes) -> PageContent:
        of_section = {field.name for field in dataclasses.fields(Section)}
        of_page = {field.name for field in dataclasses.fields(PageContent)}
        made = {key: changes.pop(key) for key in list(changes) if key not in of_section | of_page}
        ranking = make_ranking(list(groups))
        results = make_results(ranking) if results is None else results
        of_tasks = {"correlation": make_correlation(len(groups)), "tasks": results}
        ranked = Ranked("toys", "linear", tables={"ranking": ranking, **(of_tasks if tasks else {}), **made})
        section = Section(
            dataset="toys",
            estimator="linear",
            ranking=ranking,
            manifest={"n_items": 1500, "content_sha256": "ab12", "source": "toys.csv"},
            cards=make_cards(ranking),
            findings=[*findings_of(ranked), Finding(place=Place.NOTES, notes=tuple(notes))],
            figures={"rank_bars": svg} if "pairs" in made else {"rank_bars": svg, "pair_matrix": svg},
        )
        section = dataclasses.replace(section, **{k: v for k, v in changes.items() if k in of_section})
        content = PageContent(
            study="toy-study",
            sections=(section,),
            models=pd.DataFrame({"model": ranking["model"], "family": "letters"}),
            has_tasks=tasks,
            provenance={"Base seed": "17", "Git state": "3f9c1d2"},
            versions={"numpy": "2.4"},
            config="seed: 17",
        )
        return dataclasses.replace(content, **{k: v for k, v in changes.items() if k in of_page})

    return make


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., pd.DataFrame]:
    """A function that makes the pairs of models the last of which is not a target; one is not measured."""

    def make(models=("model-a", "model-b", "model-c")) -> pd.DataFrame:
        rows = [
            (source, target, per_dim + 2.0 * (i == j), 10 * per_dim, 0.05, "linear")
            for i, source in enumerate(models, start=1)
            for j, target in enumerate(models[:-1], start=1)
            for per_dim in [0.1 * i + 0.2 * j]
            if (i, j) != (3, 2)
        ]
        names = "source target nats_per_dim nats standard_error_nats estimator".split()
        return pd.DataFrame(rows, columns=names)

    return make


@pytest.fixture(scope="session")
def explained_pair() -> dict[str, pd.DataFrame]:
    """What model-a cannot predict about model-b."""
    directions = pd.DataFrame(
        [("model-a", "model-b", 2, 0.25, -0.1, 0.01, 0.26, "low end", "high end")],
        columns="source target component variance_share r2 nats lost_share low_items high_items".split(),
    )
    items = pd.DataFrame(
        [("model-a", "model-b", 7, "first", -3.5, "lost", 12.25)],
        columns="source target item text nats end mean_item_nats".split(),
    )
    return {"directions": directions, "lost_items": items}
