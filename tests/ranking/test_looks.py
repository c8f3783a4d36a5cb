"""Of the pairs of a study: which ones models are ranked by, and which the published score is of."""

import numpy as np
import pandas as pd
import pytest

from suffice.ranking.looks import one_look_pairs, ranked_pairs, with_published_score
from suffice.storage.files import write_table


def table(looks, seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        {"source": source, "target": target, "looks": kind, "nats_per_dim": generator.random()}
        for kind in looks
        for source in "abcd"
        for target in "abcd"
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def paths(tmp_path):
    def write(looks):
        pairs = table(looks)
        for target, part in pairs.groupby("target"):
            write_table(part, tmp_path / f"{target}.parquet")
        return [tmp_path / f"{target}.parquet" for target in "abcd"]

    return write


@pytest.mark.parametrize(
    ("looks", "ranked", "one_look"),
    [(["same"], "same", "same"), (["same", "group"], "group", "same"), (["halves"], "halves", "halves")],
)
def test_models_are_ranked_across_two_looks_where_there_are_such(paths, looks, ranked, one_look):
    files = paths(looks)
    for read, kind in ((ranked_pairs, ranked), (one_look_pairs, one_look)):
        assert read(files)["looks"].tolist() == [kind] * 16
        assert not read(files).duplicated(["source", "target"]).any()


@pytest.mark.parametrize(("self_pairs", "of_d"), [(False, list("abc")), (True, list("abcd"))])
def test_the_published_score_is_the_median_over_targets_by_one_look(self_pairs, of_d):
    pairs = table(["same", "group"])
    found = with_published_score(pd.DataFrame({"model": ["d", "a"]}), pairs, self_pairs)
    same = pairs[pairs["looks"] == "same"].pivot(index="source", columns="target", values="nats_per_dim")
    assert found["published_score"][0] == same.loc["d", of_d].median()
    across = pairs[pairs["looks"] == "group"]
    missing = with_published_score(pd.DataFrame({"model": ["d"]}), across, self_pairs)
    assert missing["published_score"].isna().all()
