"""`rank` and `estimate` show of vectors what a study's page shows of its embeddings."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from suffice import estimate, rank
from suffice.health import measure_health
from suffice.storage.verify import verify_results

N = 300


def models():
    generator = np.random.default_rng(0)
    dense = generator.normal(size=(N, 6))
    zeros, doubled, constant = dense.copy(), dense.copy(), np.hstack([dense, np.full((N, 2), 3.0)])
    zeros[5] = 0
    doubled[: N // 4] = doubled[N // 4 : N // 2]
    return {"dense": dense, "zeros": zeros, "doubled": doubled, "constant": constant}


ODD = {
    "zeros": "1 of 300 items have a zero vector",
    "doubled": "75 of 300 vectors repeat another vector",
    "constant": "2 of 8 dimensions are constant",
}


def test_rank_has_the_health_card_of_a_study():
    arrays = models()
    ranking = rank(arrays)
    rows = ranking.health.set_index("model")
    for name, array in arrays.items():
        for key, value in vars(measure_health(array)).items():
            assert rows.loc[name, key] == pytest.approx(value)


@pytest.mark.parametrize("name", ODD)
def test_rank_and_estimate_warn_of_what_is_odd(name):
    arrays = models()
    ranking = rank({"dense": arrays["dense"], name: arrays[name]})
    (said,) = (said for said in ranking.warnings if said.startswith(f"{name}: "))
    assert ODD[name] in said
    assert any(
        each.startswith(f"target: {ODD[name]}") for each in estimate(arrays["dense"], arrays[name]).warnings
    )
    result = estimate(arrays[name], arrays["dense"])
    assert any(each.startswith(f"source: {ODD[name]}") for each in result.warnings)
    assert f"source: {ODD[name]}" in repr(result)


def test_sound_vectors_have_no_warning():
    arrays = models()
    other = arrays["dense"] @ np.diag(np.arange(1.0, 7.0)) + np.random.default_rng(1).normal(size=(N, 6))
    assert rank({"a": arrays["dense"], "b": other}).warnings == []
    assert estimate(arrays["dense"], other).warnings == ()


def test_the_command_prints_and_writes_health_and_warnings(tmp_path):
    for name, array in models().items():
        np.save(tmp_path / f"{name}.npy", array)
    files = sorted(map(str, tmp_path.glob("*.npy")))
    command = [sys.executable, "-m", "suffice.cli", "rank", *files, "--out", str(tmp_path / "out")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "health of the vectors" in said
    for name, odd in ODD.items():
        assert re.search(rf"^warning: {name}: .*{odd}", said, re.MULTILINE)
    health = pd.read_csv(tmp_path / "out" / "health.csv")
    assert set(health["model"]) == set(models())
    assert "out/health.csv" in said
    assert verify_results(tmp_path / "out").is_good
