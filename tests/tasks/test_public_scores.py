import json

import pandas as pd
import pytest

from suffice.errors import DataError
from suffice.tasks.public_scores import read_public_scores

COMMIT, LATER = "a" * 40, "b" * 40


@pytest.fixture
def tree(tmp_path):
    def write(revision, task, content, model="owner__m"):
        path = tmp_path / "results" / model / revision / f"{task}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "results"

    return write


def value(folder, task, **more):
    found = read_public_scores({"m": "owner/m"}, [task], folder, **more)
    assert len(found.gaps) == 0, found.gaps["reason"].iloc[0]
    return found.scores["value"].iloc[0]


def reason(folder, task, **more):
    found = read_public_scores({"m": "owner/m"}, [task], folder, **more)
    assert len(found.scores) == 0
    return found.gaps["reason"].iloc[0]


def new(score, subset="default", version="1.18.0", split="test", **more):
    entry = {"main_score": score, "hf_subset": subset, "accuracy": 0.1, **more}
    return {"mteb_version": version, "scores": {split: [entry]}}


def test_every_value_of_the_real_tree(shared_data, tmp_path):
    """Values of eight models on 56 tasks; 18 of them are in no file and come from a table."""
    folder = shared_data / "mteb_results"
    expected = pd.read_csv(folder / "expected_scores.csv")
    no_file = expected[expected["source"] == "leaderboard"]
    table = tmp_path / "table.csv"
    no_file.rename(columns={"score": "value"})[["model", "task", "value"]].to_csv(table, index=False)
    models = {name.rpartition("/")[2]: name for name in expected["model"].unique()}
    tasks = list(expected["task"].unique())
    found = read_public_scores(models, tasks, folder / "results", table)
    assert len(found.scores) == len(expected) == 448 and found.gaps.empty
    both = found.scores.merge(expected, left_on=["public_name", "task"], right_on=["model", "task"])
    assert (both["value"] - both["score"]).abs().max() < 5e-7  # the expected ones have six digits
    without = read_public_scores(models, tasks, folder / "results")
    named = set(zip(without.gaps["public_name"], without.gaps["task"], strict=True))
    assert named == set(zip(no_file["model"], no_file["task"], strict=True))
    assert set(without.gaps["reason"]) == {"the model has no file for this task"}


@pytest.mark.parametrize(
    ("task", "content", "expected"),
    [
        ("Banking77", {"test": {"accuracy": 0.8, "main_score": 0.2}}, 0.8),
        ("Counterfactual", {"test": {"en": {"accuracy": 0.7}, "de": {"accuracy": 0.9}}}, 0.7),
        ("STS17", {"test": {"en-en": {"cos_sim": {"spearman": 0.6, "pearson": 0.9}}, "ar-ar": {}}}, 0.6),
        (
            "Clusters",
            {"test": {"v_measure": 0.3, "v_measure_std": 0.9}, "validation": {"v_measure": 0.9}},
            0.3,
        ),
        ("SciDocs", {"test": {"ndcg_at_10": 0.2, "map_at_10": 0.9, "map": 0.9}}, 0.2),
        ("Rerank", {"test": {"map": 0.5, "mrr": 0.9}}, 0.5),
        ("MSMARCO", {"test": {"ndcg_at_10": 0.9}, "dev": {"ndcg_at_10": 0.4}}, 0.4),
        ("Pairs", {"test": {"cos_sim": {"ap": 0.4, "f1": 0.9}, "manhattan": {"ap": 0.5}}}, 0.5),
        ("Summ", {"test": {"cos_sim": {"spearman": 0.3}, "dot": {"spearman": 0.9}}}, 0.3),
    ],
)
def test_older_layout(tree, task, content, expected):
    assert value(tree(COMMIT, task, {"mteb_version": "0.0.2", **content}), task) == expected


def test_newer_layout_takes_split_subset_and_main_score(tree):
    content = new(0.6, "en")
    content["scores"]["test"].append({"main_score": 0.9, "hf_subset": "de", "accuracy": 0.9})
    content["scores"]["validation"] = [{"main_score": 0.8, "hf_subset": "en"}]
    assert value(tree(COMMIT, "Massive", content), "Massive") == 0.6
    assert value(tree(COMMIT, "MSMARCO", new(0.4, split="dev")), "MSMARCO") == 0.4


def test_which_revision_counts(tree):
    folder = tree("external", "T", new(0.1))
    assert value(folder, "T") == 0.1
    tree("no_revision_available", "T", new(0.2))
    assert value(folder, "T") == 0.1
    tree(COMMIT, "T", new(0.3, version="1.20.0"))
    tree(LATER, "T", new(0.4, version="1.9.0"))
    assert value(folder, "T") == 0.3  # 1.20 is later than 1.9
    assert value(folder, "T", revisions={"m": LATER}) == 0.4
    assert value(folder, "T", revisions={"m": "c" * 40}) == 0.1  # no other commit
    tree(COMMIT, "T", "{damaged")
    assert value(folder, "T") == 0.4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{damaged", "is not a JSON object"),
        ([1, 2], "is not a JSON object"),
        ({"scores": {"validation": []}}, "has no split 'test'"),
        ({"scores": {"test": [{"hf_subset": "de", "main_score": 0.5}]}}, "no English subset; it has de"),
        ({"test": {"loss": 0.5}}, "none of the main metrics; it has loss"),
        (new(None), "has None where a number is expected"),
        ('{"scores": {"test": [{"main_score": NaN, "accuracy": 1}]}}', "has nan"),
    ],
)
def test_a_gap_is_named_with_its_reason(tree, content, message):
    assert message in reason(tree(COMMIT, "T", content), "T")


def test_a_model_without_a_folder_and_a_table_that_fills_gaps(tree, tmp_path):
    folder = tree(COMMIT, "T", new(0.5))
    assert reason(folder, "Other") == "the model has no file for this task"
    assert reason(tmp_path, "T") == "the model has no folder and no row"
    table = tmp_path / "table.csv"
    table.write_text("model,task,value\nowner/m,T,0.9\nowner/m,Other,0.7\n")
    assert value(folder, "T", table=table) == 0.5
    assert value(folder, "Other", table=table) == 0.7


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model,task\nm,T\n", "lacks the column.s. value"),
        ("model,task,value\nm,T,1\nm,T,2\n", "two rows for 'm' and 'T'"),
        ("model,task,value\nm,T,good\n", "has the value 'good'"),
    ],
)
def test_a_wrong_table(tmp_path, content, message):
    table = tmp_path / "table.csv"
    table.write_text(content)
    with pytest.raises(DataError, match=message):
        read_public_scores({"m": "m"}, ["T"], table=table)


def test_where_to_read_must_be_given_and_exist(tmp_path):
    with pytest.raises(DataError, match="need a tree or a table"):
        read_public_scores({"m": "m"}, ["T"])
    with pytest.raises(DataError, match="is not a folder"):
        read_public_scores({"m": "m"}, ["T"], tmp_path / "nowhere")
    with pytest.raises(DataError, match="cannot be read"):
        read_public_scores({"m": "m"}, ["T"], table=tmp_path / "nowhere.csv")
