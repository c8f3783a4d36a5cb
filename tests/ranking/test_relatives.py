"""Which models count once."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.ranking.relatives import (
    alone,
    describe_copies,
    linear_cka,
    names_of_copies,
    near_copies,
    shared_space,
    with_families,
)


def test_similarity_is_one_for_a_rotation_and_nought_for_strangers_of_any_width():
    generator = np.random.default_rng(0)
    base = generator.normal(size=(300, 5))
    base /= base.std(axis=0)
    rotation = np.linalg.qr(generator.normal(size=(5, 5)))[0]
    wide = generator.normal(size=(300, 500))
    cka = linear_cka([base, 3 * base + 1, base @ rotation, wide])
    assert cka[0, 1] == pytest.approx(1, abs=1e-5)
    assert cka[0, 2] > 0.95  # dimensions are scaled anew after the rotation
    assert abs(cka[0, 3]) < 0.05  # the biased form is 0.12 here
    np.testing.assert_allclose(np.diag(cka), 1, atol=1e-5)


def test_similarity_is_exactly_that_of_centred_rows_and_columns():
    """Székely and Rizzo's centring, written out: rows, columns and the whole, without the diagonal."""
    generator = np.random.default_rng(1)
    one, other = generator.normal(size=(2, 12, 3))

    def centred(values):
        values = (values - values.mean(axis=0)) / values.std(axis=0)
        gram = values @ values.T
        np.fill_diagonal(gram, 0.0)
        n = len(gram)
        rows = gram.sum(axis=1, keepdims=True) / (n - 2)
        gram = gram - rows - rows.T + gram.sum() / ((n - 1) * (n - 2))
        np.fill_diagonal(gram, 0.0)
        assert np.abs(gram.sum(axis=0)).max() < 1e-9
        return gram

    first, second = centred(one), centred(other)
    expected = (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())
    assert linear_cka([one, other])[0, 1] == pytest.approx(expected, abs=1e-5)


def test_similarity_of_strangers_has_no_bias_at_any_width():
    values = [
        linear_cka(list(np.random.default_rng(seed).normal(size=(2, 40, 200))))[0, 1] for seed in range(60)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(60)


def test_a_constant_dimension_and_a_constant_embedding_have_no_similarity():
    base = np.random.default_rng(0).normal(size=(100, 3))
    with_constant = np.c_[base, np.full(100, 7.0)]
    cka = linear_cka([base, with_constant, np.ones((100, 2))])
    assert cka[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.isfinite(cka).all()
    assert cka[0, 2] == 0


def test_near_copies_are_found_and_relatives_are_not():
    generator = np.random.default_rng(0)
    base = generator.normal(size=(400, 6))
    near = base + 0.05 * generator.normal(size=base.shape)
    related = base + 1.0 * generator.normal(size=base.shape)
    found = near_copies({"a": base, "b": near, "c": related, "d": generator.normal(size=(400, 3))})
    assert found == {"a": "a", "b": "a", "c": "c", "d": "d"}


@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_a_model_that_is_scaled_rotated_or_a_little_noisy_is_a_near_copy(spread):
    generator = np.random.default_rng(1)
    base = generator.normal(size=(600, 12)) * np.geomspace(1, spread, 12)
    turned = base @ np.linalg.qr(generator.normal(size=(12, 12)))[0]
    noise = 1e-3 * base.std() * generator.normal(size=base.shape)
    copies = {"exact": base, "scaled": -7 * base, "rotated": turned + 5, "noisy": turned + noise}
    copies["wide"] = np.c_[base, noise[:, :6]]
    others = {"other": generator.normal(size=(600, 12)), "half": base[:, :6]}
    found = near_copies({"base": base} | copies | others)
    assert {name for name, group in found.items() if group == "base"} == {"base", *copies}
    ranking = pd.DataFrame({"model": list(found), "near_copies": names_of_copies(found).values()})
    assert describe_copies(ranking) == (
        "Near-copies of each other, which count once: base, exact, noisy, rotated, scaled, wide."
    )
    assert describe_copies(ranking.iloc[-2:]) == ""


def test_the_share_of_a_space_is_that_of_its_components():
    base = np.random.default_rng(1).normal(size=(600, 12))
    assert shared_space([base, base[:, :6]])[0, 1] == pytest.approx(1 / 2, abs=0.01)


def test_families_and_near_copies_link_to_groups():
    copies = {**alone("abcdef"), "b": "a", "e": "d"}
    assert with_families(copies, None) == copies
    # b and c are of one family, so that a, b and c are relatives; f has no family.
    groups = with_families(copies, {"b": "one", "c": "one", "d": "two"})
    assert groups == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "d", "f": "f"}


@pytest.mark.parametrize("copied", ["m0", "m3", "m6"])
def test_a_near_copy_in_the_pool_leaves_the_ranking_of_the_others(copied):
    generator = np.random.default_rng(5)
    signal = generator.normal(size=(600, 8))
    models = {
        f"m{place}": signal + (0.3 + 0.15 * place) * generator.normal(size=signal.shape) for place in range(7)
    }
    before = rank(models).table.set_index("model")
    more = models | {"copy": models[copied] + 1e-3 * generator.normal(size=signal.shape)}
    after = rank(more).table.set_index("model")
    assert after.loc["copy", "relatives"] == after.loc[copied, "relatives"] == copied
    others = [name for name in before.index if name != copied]
    assert after.loc[others, "win_rate"].to_dict() == pytest.approx(before.loc[others, "win_rate"].to_dict())
    assert (
        abs(after.loc[copied, "win_rate"] - before.loc[copied, "win_rate"]) * 6 < 0.5
    )  # of a rank: the two tie
