"""A ranking and an estimate in Python: figures, tables, advice, warnings, and models given as functions."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from suffice import Ranking, estimate, rank
from suffice.cli import main
from suffice.errors import DoubtWarning, EstimationError

TEXTS = [f"text {number} {'even' if number % 2 else 'odd'}" for number in range(300)]


@pytest.fixture(scope="module")
def full():
    return np.random.default_rng(0).normal(size=(300, 6))


@pytest.fixture(scope="module")
def ranking(full):
    return rank({"all": full, "half": full[:, :3], "one": full[:, :1]})


def test_a_ranking_recommends_what_the_command_prints(ranking, full, tmp_path, capsys):
    for name, array in {"all": full, "half": full[:, :3], "one": full[:, :1]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = [str(tmp_path / f"{name}.npy") for name in ("all", "half", "one")]
    assert main(["rank", *files, "--out", str(tmp_path / "out"), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    said = ranking.recommend()
    assert content["recommendation"] == said.as_json()
    assert said.model == "all" and {"embed_dim", "rankme", "consensus"} == set(said.first_choices["way"])
    assert [row["model"] for row in content["models"]] == list(ranking.table["model"])


def test_a_ranking_without_its_vectors_says_so(ranking):
    with pytest.raises(EstimationError, match="has no vectors"):
        Ranking(ranking.table, ranking.pairs).recommend()


def test_tables_are_copies(ranking):
    table = ranking.to_pandas()
    table["rank"] = 0
    assert ranking.table["rank"].iloc[0] == 1 and ranking.to_pandas().equals(ranking.table)


def test_plots_are_figures_of_what_was_found(ranking, full):
    assert isinstance(ranking.plot({"all": "a", "half": "a", "one": "b"}), Figure)
    labels = [label.get_text() for label in ranking.plot().axes[0].get_yticklabels()]
    assert labels == list(ranking.table["model"])
    result = estimate(full, full[:, :3] + np.random.default_rng(1).normal(size=(300, 3)))
    (axes,) = result.plot().axes
    drawn = [line.get_ydata() for line in axes.lines]
    assert drawn[0][0] == result.nats
    assert np.allclose(drawn[1] * result.block_items, result.block_nats)


def test_an_estimate_is_a_table_of_one_row(full):
    result = estimate(full, full[:, :3] + np.random.default_rng(1).normal(size=(300, 3)))
    table = result.to_pandas()
    assert table.shape[0] == 1 and table["nats"][0] == result.nats and "block_nats" not in table
    assert "<table" in result._repr_html_() and "&lt;" not in result._repr_html_()


def test_doubts_are_python_warnings(full):
    with pytest.warns(DoubtWarning, match="of 2 models have warnings: "):
        rank({"all": full, "half": full[:, :3]})
    with pytest.warns(DoubtWarning, match="variance floor"):
        estimate(full, full[:, :3])
    with warnings.catch_warnings():
        warnings.simplefilter("error", DoubtWarning)
        noisy = full + np.random.default_rng(3).normal(size=full.shape)
        assert rank({"all": full, "noisy": noisy}).table["warnings"].fillna("").eq("").all()


def lengths(items):
    return np.random.default_rng(4).normal(size=(len(items), 4)) + [[len(item)] * 4 for item in items]


def test_models_can_be_functions_of_items(full):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DoubtWarning)
        by_function = rank(models={"a": lengths, "b": lambda items: full.tolist()}, items=TEXTS)
        by_vectors = rank({"a": lengths(TEXTS), "b": full})
    pd.testing.assert_frame_equal(by_function.table, by_vectors.table)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": {"a": lengths, "b": lengths}}, "without items"),
        ({"models": {"a": lengths, "b": lengths}, "items": "one text"}, "without items"),
        ({"models": {"a": lengths, "b": "minilm"}, "items": TEXTS}, "model 'b' is str, not a function"),
        ({"models": {"a": lengths, "b": lambda items: 1 / 0}, "items": TEXTS}, "'b' could not embed: Zero"),
        ({"models": {"a": lengths, "b": lambda items: items[:9]}, "items": [[1]] * 300}, "9 vectors for 300"),
        ({"models": {"a": lengths}, "items": TEXTS}, "at least 2 models"),
        ({}, "give either vectors by model, or models"),
        ({"first": {}, "models": {"a": lengths}, "items": TEXTS}, "give either vectors by model, or models"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_used_are_named(arguments, message):
    with pytest.raises(EstimationError, match=message):
        rank(**arguments)
