"""Try an installed suffice on vectors with a known answer: estimate, rank, and the command."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

import suffice

N_ITEMS, N_DIMS, CORRELATION = 2000, 4, 0.8
NATS = -N_DIMS / 2 * np.log(1 - CORRELATION**2)
TOLERANCE = 0.15  # five standard errors of N_ITEMS pairs

if __name__ == "__main__":
    generator = np.random.default_rng(0)
    target = generator.normal(size=(N_ITEMS, N_DIMS))
    noise = generator.normal(size=(4, N_ITEMS, N_DIMS))
    models = {"near": CORRELATION * target + np.sqrt(1 - CORRELATION**2) * noise[0], "target": target}
    models |= {"far": 0.3 * target + noise[1], "noise": noise[2]}
    found = suffice.estimate(models["near"], target).nats
    assert abs(found - NATS) < TOLERANCE, f"{found:.3f} nats, not {NATS:.3f}"
    ranking = suffice.rank(models)
    assert ranking.table["model"].iloc[-1] == "noise", ranking.table
    for name, vectors in models.items():
        np.save(f"{name}.npy", vectors)
    command = [str(Path(sys.executable).with_name("suffice")), "rank", *(f"{name}.npy" for name in models)]
    done = subprocess.run([*command, "--json", "--out", "out"], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["models"][-1]["model"] == "noise", done.stdout
    print(f"suffice {suffice.__version__} works with Python {platform.python_version()}: {found:.3f} nats")
