"""The whole workflow on a toy study: end to end, additions, failures, kills."""

import re

import numpy as np
import pandas as pd
import pytest
from toy import EXTRAS, add_all_stages, add_model, toy_texts

from suffice.baselines.registry import OF_LOOKS, OF_POOL, ONE_MODEL
from suffice.embed.standin import write_standin
from suffice.storage.files import read_json
from suffice.storage.verify import verify_results
from suffice.study.read import load_study

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def pairs_made(workflow):
    """Pairs that the last runs of the estimation jobs made, from their logs."""
    logs = (workflow.work / "logs").rglob("estimate_*pairs/**/*.log")
    return sum(int(log.read_text().split(" pairs estimated")[0].split()[-1]) for log in logs)


def n_stored(workflow, what):
    return len(list((workflow.results / "store" / what).rglob("*.json")))


def test_a_study_for_gpus_is_planned_where_there_is_none(workflow, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    planned = workflow.run("--dry-run", device="cuda", estimators="{linear: {}, mixture: {}}").output
    # For each of five models the preparation and the pairs of `mixture`. No model here computes with torch,
    # and one job makes all pairs of `linear`.
    assert planned.count("gpu=1") == 2 * 5
    assert planned.count("gpu=0") == 5 + 1


def with_seeds(table, seeds):
    """A table of models with the column `seed`."""
    header, *rows = table.splitlines()
    cells = [[*row.split("\t"), str(seeds.get(row.split("\t")[0], ""))] for row in rows]
    return "".join("\t".join(each) + "\n" for each in [[header, "seed"], *cells])


def test_a_study_runs_to_its_page_and_one_more_model_costs_only_itself(workflow):
    workflow.run()
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")
    assert len(ranking) == 5
    # Vectors that have nothing to do with the texts tell nothing of the other models.
    assert set(ranking["model"].tail(2)) == {"own", "own-pca"}
    page = (workflow.results / "report.html").read_text()
    assert ranking["model"].iloc[0] in page
    tasks = pd.read_csv(workflow.results / "tasks" / "words-8.csv").set_index("task")
    # Three topics with words of their own; 120 test items.
    assert tasks.loc["topic", "value"] > 0.8
    correlation = pd.read_csv(workflow.results / "correlation" / "toys.csv")
    assert set(correlation["predictor"]) == {"linear", *ONE_MODEL, *OF_POOL, *OF_LOOKS}
    decision = pd.read_csv(workflow.results / "decision" / "toys.csv")
    assert {"linear", "embed_dim", "rankme", "random choice"} <= set(decision["predictor"])
    assert "Which way of choosing would have been right?" in page and "Does the pool decide?" in page
    assert "What can a model not predict about another?" in page and "few labels" not in page
    assert not (workflow.results / "few_labels").exists()
    # Source and target see two texts of one document, and no text is embedded for that.
    pairs = pd.read_parquet(workflow.results / "pairs" / "toys" / "linear" / "words-8.parquet")
    assert pairs["looks"].value_counts().to_dict() == {"same": 5, "group": 5}
    assert set(ranking["n_items"]) == {300} and ranking["published_score"].notna().all()
    assert not (workflow.results / "looks" / "toys").exists()
    assert "two items of one group: 300 pairs in 150 groups" in page
    assert (workflow.results / "figures" / "toys" / "linear" / "pair_matrix.pdf").stat().st_size > 1000
    assert "Nothing to be done" in workflow.run().output
    another_split = workflow.run("--dry-run", seed=9).output
    assert "rule probe_model:" in another_split and "rule embed_items" not in another_split
    table = (workflow.study / "models.tsv").read_text()
    (workflow.study / "models.tsv").write_text(with_seeds(table, {"words-8": 9}))
    planned = workflow.run("--dry-run").output
    embedded = [part.split("\n\n")[0] for part in planned.split("rule embed_items")[1:]]
    assert len(embedded) == 1 and "model=words-8" in embedded[0]
    (workflow.study / "models.tsv").write_text(table)

    vectors = {path: path.stat().st_mtime_ns for path in workflow.results.glob("embeddings/toys/*.npy")}
    assert pairs_made(workflow) == n_stored(workflow, "pairs") == 2 * 25  # by one look, and by two
    assert n_stored(workflow, "tasks") == 15
    add_model(workflow.study, "chars-3\tbag_of_words\tcharacters\t3\tchar_wb\t\n")
    workflow.run()
    assert pairs_made(workflow) == 2 * (2 * 5 + 1)
    assert n_stored(workflow, "pairs") == 2 * 36
    assert n_stored(workflow, "tasks") == 18
    assert {path: path.stat().st_mtime_ns for path in vectors} == vectors
    assert len(pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")) == 6


def test_a_model_that_fails_is_named_and_the_rest_goes_on(workflow):
    vectors = np.load(workflow.study / "own.npy")
    vectors[7, 2] = np.nan
    np.save(workflow.study / "own.npy", vectors)
    done = workflow.run(check=False)
    assert done.returncode != 0
    (failure,) = [read_json(path) for path in workflow.results.glob("failed/toys/*.json")]
    assert failure["model"] == "own"
    assert "NaN" in failure["message"]
    assert failure["message"] in done.output
    assert {path.stem for path in workflow.results.glob("embeddings/toys/*.npy")} == {
        "words-8",
        "words-2",
        "chars-8",
    }
    before = {path: path.stat().st_mtime_ns for path in workflow.results.glob("embeddings/toys/*.npy")}

    workflow.run(skip_failed="true")
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")
    assert set(ranking["model"]) == {"words-8", "words-2", "chars-8"}
    page = (workflow.results / "report.html").read_text()
    assert "2 models are missing" in page and "NaN" in page and "made from own" in page
    assert {path: path.stat().st_mtime_ns for path in before} == before

    np.save(workflow.study / "own.npy", np.nan_to_num(vectors))
    workflow.run()
    assert len(pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")) == 5
    assert not list(workflow.results.glob("failed/toys/*.json"))


def test_a_model_that_estimators_cannot_use_fails_alone(workflow):
    """Four models, of which one hardly varies, and estimators that make all pairs in one job."""

    def run(**options):
        return workflow.run(
            "--until", "estimate_all_pairs", estimators="{linear: {}, neighbours: {}}", **options
        )

    table = (workflow.study / "models.tsv").read_text().splitlines(keepends=True)
    (workflow.study / "models.tsv").write_text("".join(row for row in table if "own-pca" not in row))
    vectors = np.load(workflow.study / "own.npy")
    almost_constant = np.ones_like(vectors)
    almost_constant[0] += 1e-5
    np.save(workflow.study / "own.npy", almost_constant)
    done = run(check=False)
    assert done.returncode != 0
    records = sorted(workflow.results.glob("failed/toys/*.json"))
    assert [record.name for record in records] == ["own.linear.json", "own.neighbours.json"]
    for failure in map(read_json, records):
        assert failure["model"] == "own" and "are constant" in failure["message"]
        assert failure["message"] in done.output and "1 of 4 models failed: own" in done.output
    assert n_stored(workflow, "pairs") == 2 * 2 * 9  # by each estimator, by one look and by two

    run(skip_failed="true")
    assert pairs_made(workflow) == 0
    assert {path.stem for path in workflow.results.glob("pairs/toys/linear/*.parquet")} == {
        "words-8",
        "words-2",
        "chars-8",
    }

    np.save(workflow.study / "own.npy", vectors)
    run()
    assert pairs_made(workflow) == 2 * 2 * (16 - 9)
    for path in workflow.results.glob("pairs/toys/*/own.parquet"):
        assert len(pd.read_parquet(path)) == 2 * 4
    assert not list(workflow.results.glob("failed/toys/*.json"))


def test_without_tasks_the_study_ends_at_the_ranking(workflow):
    """With the split of the user's own; and with one look: no groups, and `own` cannot embed halves."""
    (workflow.study / "tasks.tsv").unlink()
    items = pd.read_csv(workflow.study / "toys.csv")
    own_split = items["document"].str[1:].astype(int).mod(3).map({0: "test", 1: "train", 2: "dev"})
    items.assign(split=own_split).to_csv(workflow.study / "toys.csv", index=False)
    table = (workflow.study / "datasets.tsv").read_text().splitlines()
    header, row = (line.replace("\tgroup", "").replace("\tdocument", "") for line in table)
    (workflow.study / "datasets.tsv").write_text(f"{header}\tsplit\n{row}\tsplit\n")
    workflow.run()
    assert len(pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")) == 5
    assert not (workflow.results / "tasks").exists()
    assert not (workflow.results / "decision").exists()
    assert (workflow.results / "pareto" / "toys" / "linear.csv").exists()
    corpus = pd.read_parquet(workflow.results / "corpora" / "toys.parquet")
    assert corpus["split"].value_counts().to_dict() == {"train": 200, "test": 100}
    page = re.sub("<[^>]*>", "", (workflow.results / "report.html").read_text())
    assert "no tasks" in page
    assert not (workflow.results / "looks").exists()
    assert "uses one look at each item, known to be weaker" in page
    assert "own, own-pca have vectors of the data set" in page


def test_few_labels_and_explained_pairs_are_made_if_asked_for(workflow):
    items = pd.read_csv(workflow.study / "toys.csv")
    items["text"] = "<b>R&D</b> " + items["text"]
    items.to_csv(workflow.study / "toys.csv", index=False)
    pairs = "explain: {pairs: [[words-2, words-8], [own, words-8]], n_directions: 8, n_items: 3}\n"
    (workflow.study / "study.yaml").open("a").write(EXTRAS + pairs)
    workflow.run()
    few_labels = pd.read_csv(workflow.results / "few_labels" / "toys" / "linear.csv")
    assert set(few_labels["task"]) == {"topic", "length"}
    assert set(few_labels["n_labels"]) == {30, 100}
    explained = pd.read_csv(workflow.results / "explained" / "toys" / "linear.directions.csv")
    explained["given_share"] = explained["variance_share"] - explained["lost_share"]
    given = explained.groupby("source")["given_share"].sum()
    assert given["words-2"] > 0.23  # two of the eight dimensions
    assert given["own"] < 0.05  # noise
    page = (workflow.results / "report.html").read_text()
    assert "What would a few labels add?" in page and "&lt;b&gt;R&amp;D&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "Nothing to be done" in workflow.run().output


def test_chosen_targets_alone_have_pairs(workflow):
    (workflow.study / "tasks.tsv").unlink()
    study = workflow.study / "study.yaml"
    study.write_text(study.read_text().replace("ranking: {", "ranking: {targets: 3, "))
    table = workflow.study / "models.tsv"
    header, *rows = table.read_text().splitlines()
    rows = [f"{row}\tfalse" if row.startswith("chars-8") else row for row in rows]
    table.write_text("\n".join([f"{header}\ttarget", *rows, ""]))
    workflow.run()
    chosen = load_study(workflow.study).targets
    assert len(chosen) == 3
    assert "chars-8" not in chosen
    assert {path.stem for path in workflow.results.glob("pairs/toys/linear/*.parquet")} == set(chosen)
    assert n_stored(workflow, "pairs") == 2 * 3 * 5
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")
    assert len(ranking) == 5
    assert set(ranking.loc[ranking["is_target"], "model"]) == set(chosen)
    assert "3 of 5 models are targets" in (workflow.results / "report.html").read_text()
    assert "Nothing to be done" in workflow.run().output


def test_a_wrong_study_stops_before_the_first_job_with_its_message(workflow):
    table = workflow.study / "models.tsv"
    table.write_text(table.read_text().replace("bag_of_words", "bag_of_wrods", 1))
    done = workflow.run(check=False)
    assert done.returncode != 0
    assert "row 'words-8'" in done.output
    assert "Traceback" not in done.output
    assert not (workflow.work / "results").exists()


def test_shards_change_how_many_jobs_embed_and_no_vector(workflow, project, tmp_path):
    add_all_stages(workflow.study)
    whole = type(workflow)(project, workflow.study, tmp_path / "whole")
    whole.work.mkdir()
    made = "results/toy/embeddings/toys/{}.npy"
    whole.run(made.format("bert"), made.format("words-8"))
    table = workflow.study / "datasets.tsv"
    header, row, other = table.read_text().splitlines()
    table.write_text(f"{header}\tshards\n{row}\t3\n{other}\t\n")
    workflow.run(made.format("bert"), made.format("words-8"))
    logs = workflow.work / "logs" / "toy" / "embed_shard_with_looks" / "toys"
    assert sorted(str(path.relative_to(logs)) for path in logs.rglob("*.log")) == [
        f"bert/{shard}/3.log" for shard in range(3)
    ]
    assert workflow.tables() == whole.tables()
    assert {path.name for path in workflow.results.glob("looks/toys/*.npy")} == {"bert.npy", "words-8.npy"}
    assert not list((workflow.results / "shards").rglob("*.npy"))
    assert verify_results(workflow.results).lines()[:-1] == []


def test_layers_of_one_checkpoint_share_a_pass_and_one_more_costs_only_itself(workflow):
    folder = workflow.study / "bert"
    write_standin(folder, "bert", "hidden_states", toy_texts()["text"].tolist(), seed=0)
    (workflow.study / "models.tsv").write_text("model\tloader\tfamily\tcheckpoint\tlayer\n")
    add_model(workflow.study, f"whole\thidden_states\tbert\t{folder}\t\n")
    add_model(workflow.study, f"zero\thidden_states\tbert\t{folder}\t0\n")
    made = "results/toy/embeddings/toys/{}.npy"
    workflow.run(made.format("whole"), made.format("zero"))
    logs = [path.read_text() for path in (workflow.work / "logs").rglob("embed_items/**/*.log")]
    assert len(logs) == 2 and sum("one forward pass for" in log for log in logs) == 1
    assert not (workflow.results / "store" / "passes").exists()
    assert verify_results(workflow.results).lines()[:-1] == []
    add_model(workflow.study, f"one\thidden_states\tbert\t{folder}\t1\n")
    planned = workflow.run("--dry-run", *map(made.format, ("whole", "zero", "one"))).output
    embedded = [part.split("\n\n")[0] for part in planned.split("rule embed_items")[1:]]
    assert len(embedded) == 1 and "model=one" in embedded[0]
