"""What `rank` and `estimate` take, and how models may be named."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from suffice import estimate, rank
from suffice.errors import EstimationError

FULL = np.random.default_rng(0).normal(size=(120, 4))


def test_rank_and_estimate_take_what_people_have():
    frame = pd.DataFrame(FULL, columns=list("0123")).assign(id=range(120))
    expected = estimate(FULL, FULL[:, :2]).nats
    assert estimate(frame, [list(row) for row in FULL[:, :2]]).nats == pytest.approx(expected, abs=1e-12)
    ranked = rank({"frame": frame, "rows": (row for row in FULL[:, :2])})
    assert set(ranked.table["model"]) == {"frame", "rows"}


def test_a_label_column_is_not_ranked():
    labelled = pd.DataFrame(FULL).assign(label=1)
    with pytest.raises(EstimationError, match="m: the numeric columns 'label'"):
        rank({"m": labelled, "other": FULL})
    with pytest.raises(EstimationError, match="source: the numeric columns 'label'"):
        estimate(labelled, FULL)


def test_twins_of_a_name_are_one_name():
    twins = {unicodedata.normalize(form, "caf\u00e9"): FULL for form in ("NFC", "NFD")}
    assert len(twins) == 2
    with pytest.raises(EstimationError, match="two models are named 'caf\u00e9'"):
        rank(twins)
    decomposed = {unicodedata.normalize("NFD", "caf\u00e9"): FULL, "b": FULL[:, :1]}
    assert "caf\u00e9" in set(rank(decomposed).table["model"])
