"""A small labelled data set with a known structure."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def blobs(rng):
    """Three well separated classes in 6 dimensions: 240 items in 80 groups, 60 % of the groups in train."""
    classes = np.repeat(np.arange(80) % 3, 3)  # a group has one class
    centres = 4 * np.eye(3, 6)
    embedding = (centres[classes] + rng.normal(size=(240, 6))).astype(np.float32)
    groups = np.repeat(np.arange(80), 3)
    table = pd.DataFrame(
        {
            "label": np.array(["red", "green", "blue"])[classes],
            "group": [f"g{group}" for group in groups],
            "split": np.where(groups % 5 < 3, "train", "test"),
        }
    )
    return embedding, table
