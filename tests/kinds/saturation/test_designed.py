"""The designed experiment: its settings, and effects with known size."""

import itertools

import numpy as np
import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.kinds.saturation.designed import (
    BATCH,
    DECAY,
    FACTORS,
    LAYERS,
    RATE,
    design,
    effect_table,
    train_design,
)
from suffice.kinds.saturation.fitting import FittingSettings
from suffice.kinds.saturation.settings import DesignSettings, FastFitting

ARCHITECTURES = ("transformer", "transformer-learned", "transformer-rotary")


def test_every_two_and_every_three_factors_are_balanced():
    rows = pd.DataFrame(design())
    assert len(rows) == 16 and len(rows.drop_duplicates()) == 16
    for n in (1, 2, 3, 4):
        for factors in itertools.combinations(FACTORS, n):
            assert (rows.groupby(list(factors)).size() == 16 // 2**n).all()


def networks(noise):
    """Two networks per setting: depth adds 0.2, learned positions 0.3, and the rest nothing."""
    rng = np.random.default_rng(0)
    rows = [
        {**row, "architecture": name, "seed": seed, "reached": True, "excess_nats": 0.03,
         "accuracy": 0.2 * row[LAYERS] + 0.3 * (name == ARCHITECTURES[1]) + rng.normal(scale=noise)}
        for name in ARCHITECTURES
        for row in design()
        for seed in range(2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_main_effects_are_found_with_their_intervals():
    table = effect_table(networks(0.1))
    found = table[table["quantity"] == "accuracy"].set_index(["factor", "level"])
    truth = {(LAYERS, 2): 0.2, ("positions", ARCHITECTURES[1]): 0.3, ("positions", ARCHITECTURES[2]): 0.0}
    for key in found.index:
        assert found.loc[key, "low"] <= truth.get(key, 0.0) <= found.loc[key, "high"]
    width = found.loc[(LAYERS, 2), "high"] - found.loc[(LAYERS, 2), "low"]
    assert width == pytest.approx(2 * 1.99 * 0.1 * np.sqrt(2 / 48), rel=0.25)  # two means of 48 networks
    assert found["eta_squared"].idxmax()[0] == "positions" and found.loc[(RATE, 0.006), "eta_squared"] < 0.1
    exact = effect_table(networks(0.0)).set_index(["quantity", "factor"])["effect"]
    assert exact["accuracy", LAYERS] == pytest.approx(0.2)
    assert exact["accuracy", DECAY] == pytest.approx(0)


def test_networks_that_missed_the_loss_are_left_out():
    table = networks(0.1)
    table.loc[table[BATCH] == 4, "reached"] = table.index[table[BATCH] == 4] % 4 == 0
    assert effect_table(table)["n_networks"].iloc[0] == table["reached"].sum() < 96
    with pytest.raises(DataError, match=r"0 networks .* reached the target loss; raise design"):
        effect_table(table.assign(reached=False))


def test_the_design_trains_networks_with_its_settings(monkeypatch):
    chosen = [row for row in design() if row[BATCH] == 8][:1]
    monkeypatch.setattr("suffice.kinds.saturation.designed.design", lambda: iter(chosen))
    settings = DesignSettings(width=8, fitting=FastFitting(max_steps=10, target_excess_nats=30))
    found = train_design("transformer-learned", settings, 0)
    assert len(found) == 2 and set(found["part"]) == {"new order"} and found["accuracy"].between(0, 1).all()
    assert (found[LAYERS] == chosen[0][LAYERS]).all() and found["reached"].all()


def test_fits_name_their_optimiser():
    with pytest.raises(ValueError, match="adamw"):
        FittingSettings(optimiser="sgd")
