"""The available memory: the smallest limit of the machine, the container and the queue."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from suffice import estimate, memory
from suffice.data.readers import read_file
from suffice.embed.encode import encode_to
from suffice.errors import SufficeError
from suffice.estimators import get_estimator
from suffice.estimators.items import divide_items
from suffice.memory import check_memory, memory_limit
from suffice.storage.untrusted import read_parquet_table
from suffice.tasks.inputs import vectors_of

GIGABYTE = 1 << 30


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that lays out control groups, and gives the limit within them."""
    monkeypatch.setattr(memory, "_of_machine", lambda: 64 * GIGABYTE)

    def limit(own, environment=(), **limits):
        (tmp_path / "own").write_text(own)
        for name, value in limits.items():
            file = tmp_path / "groups" / name.replace("__", "/").replace("memory_in_", "memory.")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{value}\n")
        return memory_limit(dict(environment), tmp_path / "groups", tmp_path / "own") / GIGABYTE

    return limit


def test_without_limits_it_is_the_machines(groups):
    assert groups("0::/\n") == 64
    assert groups("0::/a/b\n", memory_in_max="max") == 64


@pytest.mark.parametrize("name", ["memory_in_max", "a__memory_in_max", "a__b__memory_in_max"])
def test_a_limit_of_any_group_above_counts(name, groups):
    assert groups("0::/a/b\n", **{name: 3 * GIGABYTE}) == 3


def test_the_least_of_several_limits_counts(groups):
    assert groups("0::/a/b\n", a__memory_in_max=5 * GIGABYTE, a__b__memory_in_max=2 * GIGABYTE) == 2


def test_a_limit_beside_the_own_group_does_not_count(groups):
    assert groups("0::/a/b\n", c__memory_in_max=GIGABYTE) == 64


def test_groups_of_the_first_version(groups):
    own = "5:cpu,cpuacct:/x\n4:memory:/a\n"
    assert groups(own, memory__a__memory_in_limit_in_bytes=4 * GIGABYTE) == 4


SLURM = [
    ({"SLURM_MEM_PER_NODE": "2048"}, 2),
    ({"SLURM_MEM_PER_CPU": "1024", "SLURM_CPUS_ON_NODE": "4"}, 4),
    ({"SLURM_MEM_PER_CPU": "1024"}, 1),
    ({"SLURM_MEM_PER_NODE": "0"}, 64),
    ({"SLURM_MEM_PER_NODE": "999999999"}, 64),
]


@pytest.mark.parametrize(("environment", "limit"), SLURM)
def test_limits_of_slurm(environment, limit, groups):
    assert groups("0::/\n", environment.items()) == limit


def test_more_than_there_is_is_refused():
    check_memory(memory_limit(), "an array", "")
    with pytest.raises(
        SufficeError, match=r"an array would need 9,0.* GB of memory, and there are .*; ask less"
    ):
        check_memory(9e15 + memory_limit(), "an array", "ask less")


def test_a_model_of_too_many_dimensions_is_refused_before_it_encodes(tmp_path):
    class Wide:
        embed_dim, role_column = 10**9, None

    with pytest.raises(SufficeError, match="window of 4096 vectors of 1,000,000,000 dimensions would need"):
        encode_to(tmp_path / "x.npy", Wide(), None, range(10), "wide")


@pytest.mark.parametrize(
    "settings", [{"hidden_dim": 10**7}, {"hidden_dim": 10**8}, {"n_hidden_layers": 10**12}]
)
def test_a_network_that_does_not_fit_is_refused(settings):
    vectors = np.random.default_rng(0).normal(size=(60, 3))
    given = {"marginal_epochs": 1, "hidden_dim": 1000} | settings
    with pytest.raises(SufficeError, match="lower hidden_dim, n_hidden_layers or n_components"):
        estimate(vectors, vectors, estimator="knife", **given)


@pytest.fixture
def little(monkeypatch):
    """A machine with half a megabyte of memory."""
    monkeypatch.setattr(memory, "memory_limit", lambda: 1 << 19)


@pytest.mark.parametrize("name", ["linear", "gaussian", "copula", "neighbours", "mixture", "knife"])
def test_an_estimator_that_does_not_fit_is_refused(name, little):
    vectors = np.random.default_rng(0).normal(size=(500, 300))
    with pytest.raises(SufficeError, match=f"estimator {name} with 500 vectors of 300 .* reduce the dimens"):
        estimate(vectors, vectors, estimator=name)


@pytest.mark.parametrize("name", ["linear", "gaussian", "copula", "neighbours"])
@pytest.mark.parametrize("shape", [(1500, 600), (4000, 200)])
def test_no_estimator_is_refused_for_more_than_it_takes(name, shape):
    vectors, estimator = np.random.default_rng(0).normal(size=shape).astype("f4"), get_estimator(name)(seed=0)
    tracemalloc.start()
    estimator.prepare(vectors, divide_items(len(vectors), None, 0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.1 * peak < estimator.memory_bytes(*shape) < peak


def test_tables_and_probes_that_do_not_fit_are_refused(little, tmp_path):
    (tmp_path / "t.csv").write_text("text\n" + "a word\n" * 100_000)
    with pytest.raises(SufficeError, match=r"reading .*t.csv would need .* GB of memory.*split the file"):
        read_file(tmp_path / "t.csv")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(1000, 200))).add_prefix("d")
    table.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(SufficeError, match=r"reading .*t.parquet would need"):
        read_parquet_table(tmp_path / "t.parquet")
    with pytest.raises(SufficeError, match="a probe of 1,000 vectors of 200 dimensions would need"):
        vectors_of(np.zeros((1000, 200), np.float32), np.arange(1000))


def test_a_command_prints_it():
    said = subprocess.run(
        [sys.executable, "-m", "suffice.memory"], capture_output=True, text=True, check=True
    )
    assert int(said.stdout) == memory_limit() >> 20
