"""What a source lacks is named: known directions and known items."""

import numpy as np
import pandas as pd
import pytest

from suffice import estimate
from suffice.analyses.explain import (
    DIRECTION_COLUMNS,
    ITEM_COLUMNS,
    PAIR_DIRECTIONS,
    PAIR_ITEMS,
    choose_pair,
    explain_pair,
    explain_pairs,
)
from suffice.errors import EstimationError

N_ITEMS = 800


@pytest.fixture(scope="module")
def hidden():
    """Factors without correlation, which would turn the components; the second is large for five items."""
    factors = np.random.default_rng(0).normal(size=(N_ITEMS, 5))
    factors[:5, 1] = 8.0
    return np.linalg.qr(factors - factors.mean(axis=0))[0] * np.sqrt(N_ITEMS)


def mixed(factors, n_copies=(6, 5, 4, 3, 2), noise=0.1):
    """Each factor in so many dimensions: the more, the more variance its component has."""
    columns = np.repeat(factors, n_copies, axis=1)
    return (columns + noise * np.random.default_rng(1).normal(size=columns.shape)).astype(np.float32)


def test_a_direction_that_the_source_lacks_is_named_first(hidden):
    target = mixed(hidden)
    source = hidden[:, [0, 2, 3, 4]] @ np.random.default_rng(2).normal(size=(4, 4))
    found = explain_pair(source, target, n_directions=20)
    first = found.directions.iloc[0]
    assert first["component"] == 2
    assert abs(first["r2"]) < 0.03  # uncorrelated but for the noise: -4 / 800, and what turning adds
    assert first["variance_share"] == pytest.approx(5 / 20, abs=0.02)
    given = found.directions.set_index("component")["r2"].sort_index()
    assert (given.loc[[1, 3, 4, 5]] > 0.99).all()
    assert (given.loc[6:] < 0.01).all()  # noise, orthogonal to the factors in this sample
    ends = [set(first[end].split(" | ")) for end in ("low_items", "high_items")]
    assert any(end <= {"0", "1", "2", "3", "4"} for end in ends)


def test_items_far_out_in_a_direction_that_the_source_lacks_are_lost_most(hidden):
    mixing = np.random.default_rng(5).choice([-1.0, 1.0], size=(5, 30))  # every dimension shows all factors
    found = explain_pair(hidden[:, [0, 2, 3, 4]], hidden @ mixing, n_items=5)
    assert set(found.items.loc[found.items["end"] == "lost", "item"]) == {0, 1, 2, 3, 4}
    assert (np.diff(found.items["nats"]) >= 0).all()


def test_items_that_the_source_misleads_about_are_lost_most(hidden):
    target, source = mixed(hidden), mixed(hidden).astype(np.float64)
    source[10:13] = source[20:23]  # these three are given another's vector
    found = explain_pair(source, target, n_items=3)
    assert set(found.items.loc[found.items["end"] == "lost", "item"]) == {10, 11, 12}
    assert (found.items["nats"].iloc[:3] < 0).all()


def test_of_a_copy_nothing_is_lost(hidden):
    target = mixed(hidden)
    found = explain_pair(target, target)
    assert (found.directions["r2"] > 0.9999).all()
    assert found.directions["lost_share"].max() < 1e-5
    assert (found.items["nats"] > 0).all()


def test_unrelated_embeddings_give_about_nothing(hidden):
    source = np.random.default_rng(3).normal(size=(N_ITEMS, 3))
    found = explain_pair(source, mixed(hidden))
    assert found.directions["r2"].abs().max() < 0.05
    assert abs(found.mean_item_nats) < 20 * 3 / N_ITEMS  # held out, so low by d_v d_u / n


def test_directions_of_a_single_dimension_agree_with_the_estimate(hidden):
    target = mixed(hidden)[:, :1]
    source = hidden + np.random.default_rng(4).normal(size=hidden.shape)
    expected = estimate(source, target).nats
    found = explain_pair(source, target)
    assert found.directions["nats"].tolist() == pytest.approx([expected], abs=1e-5)
    assert found.mean_item_nats == pytest.approx(expected, abs=0.02)


def test_item_nats_agree_with_fits_that_leave_the_item_out(hidden):
    """By 120 ordinary fits, one without each item."""
    target, source = mixed(hidden)[:120].astype(np.float64), hidden[:120, :3]
    lost = explain_pair(source, target, n_items=1, seed=0).items.iloc[0]
    target = (target - target.mean(axis=0)) / target.std(axis=0)
    given, alone = np.empty_like(target), np.empty_like(target)
    for item in range(120):
        others = np.arange(120) != item
        design = np.c_[np.ones(120), source]
        given[item] = target[item] - design[item] @ np.linalg.lstsq(design[others], target[others])[0]
        alone[item] = target[item] - target[others].mean(axis=0)
    s, t = (given**2).mean(axis=0), (alone**2).mean(axis=0)
    nats = 0.5 * (np.log(t / s) + alone**2 / t - given**2 / s).sum(axis=1)
    assert lost["item"] == nats.argmin()
    assert lost["nats"] == pytest.approx(nats.min(), rel=1e-3)


def test_tables_have_their_columns_and_short_texts(hidden):
    texts = [f"item {row}\n" + "x" * 60 for row in range(N_ITEMS)]
    found = explain_pair(hidden[:, :2], mixed(hidden), texts, n_directions=2, n_items=4)
    assert list(found.directions.columns) == list(DIRECTION_COLUMNS)
    assert list(found.items.columns) == list(ITEM_COLUMNS)
    assert len(found.directions) == 2
    assert len(found.items) == 8
    assert found.items["text"].str.len().max() == 40
    assert not found.items["text"].str.contains("\n").any()


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (700, {}, "source has 700 items but target has 800"),
        (800, {"items": ["a"]}, "items has 1 entries but there are 800"),
        (800, {"n_directions": 0}, "n_directions is 0"),
    ],
)
def test_bad_input_is_named(hidden, rows, options, message):
    with pytest.raises(EstimationError, match=message):
        explain_pair(hidden[:rows], mixed(hidden), **options)


def test_the_first_model_is_explained_on_what_it_tells_least_of():
    ranking = pd.DataFrame({"model": ["b", "a", "c"], "score": [0.2, 0.5, 0.4]})
    pairs = pd.DataFrame(
        {
            "source": ["a", "a", "a", "b", "c"],
            "target": ["a", "b", "c", "c", "b"],
            "nats_per_dim": [0.01, 0.6, 0.3, 0.0, 0.1],
        }
    )
    assert choose_pair(ranking, pairs) == ("a", "c")
    with pytest.raises(EstimationError, match="model 'a' has no pair with another target"):
        choose_pair(ranking, pairs[pairs["source"] != "a"])


def test_tables_of_several_pairs_name_them(hidden, tmp_path):
    vectors = {}
    for name, array in {"u": hidden[:, :3], "v": mixed(hidden), "w": hidden}.items():
        np.save(tmp_path / f"{name}.npy", array)
        vectors[name] = str(tmp_path / f"{name}.npy")
    texts, groups = [str(row) for row in range(N_ITEMS)], np.arange(N_ITEMS)
    pairs = [("u", "v"), ("w", "u")]
    directions, items = explain_pairs(pairs, vectors, texts, groups, n_directions=2, n_items=3, seed=1)
    assert tuple(directions.columns) == PAIR_DIRECTIONS and tuple(items.columns) == PAIR_ITEMS
    assert directions.groupby(["source", "target"]).size().to_dict() == dict.fromkeys(pairs, 2)
    alone = explain_pair(hidden[:, :3], mixed(hidden), texts, 2, 3, groups=groups, seed=1)
    pd.testing.assert_frame_equal(directions[:2][list(DIRECTION_COLUMNS)], alone.directions)
    assert items["mean_item_nats"].iloc[0] == alone.mean_item_nats
    with pytest.raises(EstimationError, match="the pair u, v: n_items is 0"):
        explain_pairs(pairs, vectors, texts, groups, n_items=0)
