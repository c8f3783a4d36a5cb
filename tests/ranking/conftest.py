"""Made-up pairs whose truth is known."""

import numpy as np
import pandas as pd
import pytest

N_BLOCKS = 100


def make_pairs(
    strength, noise=0.05, seed=0, shared=0.0, target_spread=0.0, targets=None, own=0.0, in_common=0.0
):
    """Pairs whose nats per dimension are the source's strength plus effects of target, pair and block.

    Noise of blocks is each pair's own (`noise`), the source's (`own`) or that of all pairs (`shared`).
    """
    generator = np.random.default_rng(seed)
    models = list(strength)
    chosen = models if targets is None else targets
    common = generator.normal(size=N_BLOCKS) * shared
    difficulty = dict(zip(models, generator.normal(size=len(models)) * target_spread, strict=True))
    of_source = {source: generator.normal(size=N_BLOCKS) * own for source in models} if own else {}
    rows = []
    for target in chosen:
        for source in models:
            blocks = strength[source] + difficulty[target] + common + generator.normal(size=N_BLOCKS) * noise
            blocks = blocks + (3.0 if source == target else 0.0) + of_source.get(source, 0.0)
            blocks = blocks + (generator.normal() * in_common if in_common else 0.0)
            rows.append(
                {
                    "source": source,
                    "target": target,
                    "source_dim": 8,
                    "target_dim": 2,
                    "n_test": 10 * N_BLOCKS,
                    "warnings": "",
                    "block_nats": blocks * 2 * 10,
                    "block_items": np.full(N_BLOCKS, 10.0),
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture
def made_up_pairs():
    return make_pairs
