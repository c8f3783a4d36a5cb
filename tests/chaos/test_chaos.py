"""A short chaos: runs are struck at random moments, and end with the tables of an undisturbed run."""

from pathlib import Path

import pytest
from chaos import ROOT, run_chaos

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds jobs through /proc")
def test_struck_runs_end_like_undisturbed_ones(tmp_path):
    chaos = run_chaos(tmp_path, n_strikes=8, seed=1, profile=ROOT / "profiles" / "default", max_seconds=600)
    assert chaos.n_strikes >= 8
