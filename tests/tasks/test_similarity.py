import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from suffice.errors import DataError, ModelError
from suffice.tasks.probes import run_probe
from suffice.tasks.settings import TaskSettings
from suffice.tasks.similarity import linked_groups

SETTINGS = TaskSettings(kind="similarity", label="score")


@pytest.fixture
def pairs(rng):
    """200 pairs at angles that follow the score, items in random order, vectors of any length."""
    scores = rng.integers(0, 21, size=200) / 4
    angles = np.pi * (1 - scores / 5) / 2 + rng.normal(size=200) * 0.3
    left = np.column_stack([np.ones(200), np.zeros(200)])
    right = np.column_stack([np.cos(angles), np.sin(angles)])
    embedding = np.vstack([left, right]) * rng.uniform(0.1, 10, size=(400, 1))
    table = pd.DataFrame(
        {
            "pair": np.tile([f"p{i}" for i in range(200)], 2),
            "side": np.repeat(["a", "b"], 200),
            "score": np.tile(scores, 2),
            "group": np.tile(np.arange(200), 2),
        }
    )
    order = rng.permutation(400)
    expected = spearmanr(np.cos(angles), scores).statistic
    return embedding[order], table.iloc[order].reset_index(drop=True), expected


def test_known_rho(pairs):
    embedding, table, expected = pairs
    result = run_probe(SETTINGS, embedding, table, seed=0)
    assert result.metric == "spearman"
    assert result.value == pytest.approx(expected, abs=1e-3)  # float32 vectors swap a few close cosines
    fisher = (1 - expected**2) * np.sqrt((1 + expected**2 / 2) / 197)
    assert result.standard_error == pytest.approx(fisher, rel=0.5)  # normal theory on other margins
    assert (result.n_train, result.n_test, result.n_classes, result.chance) == (0, 200, None, 0.0)


def test_incomplete_pairs_are_left_out(pairs):
    embedding, table, _ = pairs
    table = table.copy()
    table.loc[0, "score"] = np.nan
    result = run_probe(SETTINGS, embedding, table, seed=0)
    assert result.n_test == 199
    assert result.warnings == ("left out 1 pairs with only one item",)


def test_zero_vectors_have_cosine_zero():
    embedding = np.array([[1, 0], [1, 0], [0, 0], [1, 1], [1, 0], [-1, 0], [0, 1], [1, 1]])
    table = pd.DataFrame(
        {"pair": np.repeat(range(4), 2), "side": [0, 1] * 4, "group": np.repeat(range(4), 2)}
    )
    table["score"] = np.repeat([4, 2, 1, 3], 2)  # cosines 1, 0, -1, 0.71
    with pytest.raises(DataError, match="a resample of the groups has only one value"):
        run_probe(SETTINGS, embedding, table, seed=0)  # 4 pairs: some resample is one pair only
    many = pd.concat(
        [table.assign(pair=table["pair"] + 4 * k, group=table["group"] + 4 * k) for k in range(5)]
    )
    assert run_probe(SETTINGS, np.tile(embedding, (5, 1)), many, seed=0).value == pytest.approx(1.0)


def test_pairs_linked_by_a_group_are_one_cluster():
    table = pd.DataFrame({"group": ["x", "y", "y", "z", "u", "v"]})
    clusters = linked_groups(table, np.array([[0, 1], [2, 3], [4, 5]]))
    assert clusters[0] == clusters[1] != clusters[2]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda e, t: (np.ones_like(e), t), ModelError, "all 200 pairs have the cosine 1"),
        (lambda e, t: (e, t.assign(pair="p")), DataError, "pair 'p' has more than one item per side"),
        (lambda e, t: (e, t.assign(side="a")), DataError, "has more than one item per side"),
        (lambda e, t: (e, t.assign(score=np.arange(400))), DataError, "have different 'score'"),
        (lambda e, t: (e, t.assign(score=1.0)), DataError, "all pairs have the same 'score'"),
        (lambda e, t: (e, t.assign(pair=np.arange(400))), DataError, "no pair in 'pair' has two items"),
    ],
)
def test_bad_input(pairs, change, error, message):
    embedding, table = change(*pairs[:2])
    with pytest.raises(error, match=message):
        run_probe(SETTINGS, embedding, table, seed=0)
