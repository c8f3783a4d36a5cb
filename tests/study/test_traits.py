import json

import numpy as np
import pandas as pd
import pytest

from suffice.cli import main
from suffice.errors import DataError
from suffice.study.traits import COLUMNS, agreement_by_trait


def write_results(folder, tasks, rankings=("linear",)):
    """Results of a study with these tasks on the data set docs."""
    for name in rankings:
        (folder / "ranking" / "docs").mkdir(parents=True, exist_ok=True)
        (folder / "dependence" / "docs").mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"model": ["a"], "rank": [1]}).to_csv(
            folder / "ranking" / "docs" / f"{name}.csv", index=False
        )
        tasks.to_csv(folder / "dependence" / "docs" / f"{name}.tasks.csv", index=False)
    return folder


def as_tasks(agreement, information, n_classes=None):
    return pd.DataFrame(
        {
            "task": [f"task-{row}" for row in range(len(agreement))],
            "kind": "classification",
            "agreement": agreement,
            "n_models": 8,
            "n_classes": n_classes if n_classes is not None else np.arange(len(agreement)) + 2,
            "n_items": 1000.0,
            "solvability": 0.5,
            "information": information,
        }
    )


@pytest.fixture
def two_studies(tmp_path):
    """Topic agrees 0.4 better than syntax in each; the second study agrees far less."""
    first = as_tasks([0.9, 0.9, 0.5, 0.5], ["topic", "topic", "syntax", "syntax"])
    second = as_tasks([0.2, 0.2, 0.2, -0.2], ["topic", "topic", "topic", "syntax"])
    return [write_results(tmp_path / "one", first), write_results(tmp_path / "two", second)]


def test_kinds_of_information_are_compared_within_each_study(two_studies):
    table = agreement_by_trait(two_studies).set_index(["trait", "level"])
    topic, syntax = table.loc[("information", "topic")], table.loc[("information", "syntax")]
    assert (topic["n_tasks"], topic["n_studies"], syntax["n_tasks"]) == (5, 2, 3)
    assert topic["agreement"] == pytest.approx((0.9 * 2 + 0.2 * 3) / 5)
    # the other tasks of a topic task: one of its kind and two of syntax; two of its kind and one of syntax
    assert topic["difference"] == pytest.approx((2 * 0.8 / 3 + 3 * 0.4 / 3) / 5)
    assert syntax["difference"] == pytest.approx(-(2 * 0.8 / 3 + 0.4) / 3)
    assert topic["low"] <= topic["difference"] <= topic["high"]
    assert syntax["high"] < 0 < topic["low"]


def test_numbers_are_split_at_the_median_of_their_study(tmp_path):
    few = as_tasks([0.1, 0.2, 0.8, 0.9], "topic", n_classes=[2, 3, 40, 50])
    many = as_tasks([0.1, 0.2, 0.8, 0.9], "topic", n_classes=[200, 300, 4000, 5000])
    results = [write_results(tmp_path / name, tasks) for name, tasks in {"few": few, "many": many}.items()]
    table = agreement_by_trait(results).set_index(["trait", "level"])
    above = table.loc[("n_classes", "above the median")]
    assert above["n_tasks"] == 4
    assert above["agreement"] == pytest.approx(0.85)
    assert above["difference"] > 0 > table.loc[("n_classes", "up to the median"), "difference"]


def test_an_interval_covers_the_difference_of_the_kinds(tmp_path):
    rng, covered = np.random.default_rng(0), []
    for draw in range(60):
        agreement = np.repeat([0.6, 0.4], 20) + rng.normal(scale=0.1, size=40)
        tasks = as_tasks(agreement, ["topic"] * 20 + ["syntax"] * 20)
        table = agreement_by_trait([write_results(tmp_path / str(draw), tasks)]).set_index("level")
        truth = 0.2 * 20 / 39
        covered.append(table.loc["topic", "low"] <= truth <= table.loc["topic", "high"])
    assert np.mean(covered) > 0.85


def test_one_kind_alone_has_nothing_to_differ_from(tmp_path):
    results = write_results(tmp_path / "one", as_tasks([0.5], ["topic"]))
    row = agreement_by_trait([results]).iloc[0]
    assert row["agreement"] == 0.5
    assert row[["difference", "low", "high"]].isna().all()


def test_the_command_prints_the_table_and_json(two_studies, capsys):
    assert main(["traits", *map(str, two_studies)]) == 0
    assert "information" in capsys.readouterr().out
    assert main(["traits", "--json", *map(str, two_studies)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert tuple(rows[0]) == COLUMNS


def test_what_is_refused(two_studies, tmp_path):
    with pytest.raises(DataError, match="given twice"):
        agreement_by_trait([two_studies[0], two_studies[0]])
    with pytest.raises(DataError, match="has no ranking 'knife'; it has docs/linear"):
        agreement_by_trait(two_studies, "knife")
    with pytest.raises(DataError, match="holds no ranking"):
        agreement_by_trait([tmp_path / "nothing"])
    lonely = write_results(tmp_path / "lonely", as_tasks([0.5], ["topic"]))
    (lonely / "dependence" / "docs" / "linear.tasks.csv").unlink()
    with pytest.raises(DataError, match="has no tasks to compare with"):
        agreement_by_trait([lonely])
    unknown = write_results(tmp_path / "unknown", as_tasks([np.nan, np.nan], ["topic", "syntax"]))
    with pytest.raises(DataError, match="at least four models"):
        agreement_by_trait([unknown])


def test_another_ranking_can_be_asked_for(tmp_path):
    tasks = as_tasks([0.5, 0.7], ["topic", "syntax"])
    results = write_results(tmp_path / "one", tasks, ("linear", "neighbours"))
    tasks.assign(agreement=-1.0).to_csv(results / "dependence" / "docs" / "neighbours.tasks.csv", index=False)
    assert agreement_by_trait([results], "linear")["agreement"].iloc[0] == pytest.approx(0.6)
    assert agreement_by_trait([results], "neighbours")["agreement"].iloc[0] == -1
