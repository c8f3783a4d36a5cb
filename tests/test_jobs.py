"""The inputs and parameters of each job of a study, by the names in its path."""

import shutil
from types import SimpleNamespace

import pytest
from toy import add_all_stages, add_model, write_toy_study

from suffice.data.made.generators.roster import names as names_of_generators
from suffice.errors import StudyError
from suffice.jobs import (
    AblationJobs,
    AnalysisJobs,
    CorpusJobs,
    EmbeddingJobs,
    PairJobs,
    RankingJobs,
    StandinJobs,
    TaskJobs,
    loader_settings,
)
from suffice.study.read import load_study


def names(**given):
    return SimpleNamespace(**given)


def put(study, row):
    """Add a line to study.yaml."""
    with (study / "study.yaml").open("a") as stream:
        stream.write(row + "\n")


@pytest.fixture
def halves(tmp_path):
    """The folder of a study with halves of texts as looks, a trained model and data for tasks alone."""
    study = write_toy_study(tmp_path / "halves")
    add_all_stages(study)
    return study


def test_a_corpus_is_built_from_the_files_of_its_data_set(toy_study):
    jobs = CorpusJobs(load_study(toy_study))
    toys = names(dataset="toys")
    assert jobs.files(toys) == [str(toy_study / "toys.csv")]
    assert jobs.parts(toys) == [] and jobs.versions(toys) == {}
    assert jobs.settings(toys)["content"] == "text" and "min_items" not in jobs.settings(toys)


def test_a_corpus_of_parts_and_one_of_documentation_have_no_files(toy_study):
    table = (
        "dataset\tsource\tpath\tcontent\tid\tranked\n"
        "toys\tfile\ttoys.csv\ttext\tkey\t\n"
        "both\tdatasets\ttoys,docs\t\t\tfalse\n"
        "docs\tapi-docs\t\t\t\tfalse\n"
    )
    (toy_study / "datasets.tsv").write_text(table)
    (toy_study / "tasks.tsv").unlink()
    jobs = CorpusJobs(load_study(toy_study))
    assert jobs.files(names(dataset="both")) == jobs.files(names(dataset="docs")) == []
    assert jobs.parts(names(dataset="both")) == [
        f"results/toy/corpora/{part}.parquet" for part in ("toys", "docs")
    ]
    assert "numpy" in jobs.versions(names(dataset="docs"))


def test_a_training_is_on_a_corpus_and_on_a_gpu_if_the_study_is(halves):
    jobs = CorpusJobs(load_study(halves))
    bert = names(training="bert")
    assert jobs.training_corpus(bert) == "results/halves/corpora/toys.parquet"
    assert jobs.training_settings(bert)["hidden_size"] == 16 and "dataset" not in jobs.training_settings(bert)
    assert jobs.training_gpus(bert) == 0
    assert CorpusJobs(load_study(halves, {"device": "cuda"})).training_gpus(bert) == 1


def test_looks_are_read_where_source_and_target_see_two(toy_study, halves):
    of_groups, of_halves = EmbeddingJobs(load_study(toy_study)), EmbeddingJobs(load_study(halves))
    made = [f"results/halves/looks/toys.{kind}" for kind in ("parquet", "json")]
    both, one = names(dataset="toys", model="chars-pca"), names(dataset="labelled", model="bert")
    assert of_halves.with_looks == ["toys"] and of_halves.without_looks == ["labelled"]
    assert of_halves.looks(both) == made and of_halves.looks(one) == []
    assert of_halves.looks_of_bases(both) == ["results/halves/looks/toys/chars-8.npy"]
    assert of_groups.looks(names(dataset="toys")) == []  # pairs of items, which nobody embeds again
    assert len(PairJobs(of_groups.study).looks(names(dataset="toys"))) == 2
    pairs = PairJobs(of_halves.study)
    assert pairs.looks_of_model(both) == ["results/halves/looks/toys/chars-pca.npy"]
    assert len(pairs.vectors_of_looks(both)) == len(of_halves.study.models)
    assert pairs.cards_of_looks(both)[0] == "results/halves/looks/toys/words-8.json"
    assert pairs.vectors_of_looks(one) == []
    corpora = CorpusJobs(of_halves.study)
    assert corpora.kind_of_looks(both) == "halves" and corpora.limits_of_looks(both)["is_wish"] is False


def test_a_model_reads_its_file_its_checkpoint_or_the_vectors_it_is_made_from(toy_study, halves):
    own, trained = EmbeddingJobs(load_study(toy_study)), EmbeddingJobs(load_study(halves))
    assert own.files(names(dataset="toys", model="own")) == [str(toy_study / "own.npy")]
    assert own.files(names(dataset="toys", model="own-pca")) == ["results/toy/embeddings/toys/own.npy"]
    bert = names(dataset="toys", model="bert", shard="2")
    assert trained.files(bert) == ["results/halves/checkpoints/bert"]
    assert trained.settings(bert)["checkpoint"] == "results/halves/checkpoints/bert/step-3"
    assert trained.kind(bert) == "hidden_states" and "torch" in trained.versions(bert)
    assert trained.seed(bert) == trained.study.seed_of("bert") != trained.study.seed_of("words-8")
    assert trained.failure(bert) == "results/halves/failed/toys/bert.json"
    assert trained.failure_of_shard(bert) == "results/halves/failed/toys/bert.shard-2.json"


def test_blocks_are_for_models_that_compute_with_torch_and_joining_them_needs_no_gpu(halves):
    table = (halves / "datasets.tsv").read_text().splitlines()
    rows = [line + end for line, end in zip(table, ("\tshards", "\t2", "\t"), strict=True)]
    (halves / "datasets.tsv").write_text("\n".join(rows) + "\n")
    jobs = EmbeddingJobs(load_study(halves, {"device": "cuda"}))
    toys, labelled = (names(dataset=name, model="bert") for name in ("toys", "labelled"))
    blocks = [f"results/halves/shards/toys/bert/{shard}-of-2" for shard in (0, 1)]
    assert jobs.shards(toys) == [f"{block}.npy" for block in blocks]
    assert jobs.facts_of_shards(toys) == [f"{block}.json" for block in blocks]
    assert jobs.shards_of_looks(toys) == [f"{block}.looks.npy" for block in blocks]
    assert jobs.facts_of_look_shards(toys) == [f"{block}.looks.json" for block in blocks]
    assert jobs.shards(labelled) == jobs.shards(names(dataset="toys", model="words-8")) == []
    assert [jobs.gpus(toys), jobs.gpus_of_shard(toys), jobs.gpus(labelled)] == [0, 1, 1]


def test_an_estimator_has_a_gpu_if_it_computes_with_torch(toy_study):
    given = {"device": "cuda", "estimators": {"linear": {}, "wide": {"estimator": "mixture"}}}
    jobs = PairJobs(load_study(toy_study, given))
    linear, wide = (names(dataset="toys", model="own", estimator=name) for name in ("linear", "wide"))
    assert [jobs.gpus(linear), jobs.gpus(wide)] == [0, 1]
    assert jobs.estimator(wide)["kind"] == "mixture"
    assert jobs.failure(wide) == "results/toy/failed/toys/own.wide.json"


def test_a_model_is_tried_on_the_data_sets_that_have_tasks(halves):
    jobs = TaskJobs(load_study(halves))
    assert jobs.corpora == [f"results/halves/corpora/{name}.parquet" for name in ("toys", "labelled")]
    assert jobs.vectors(names(model="bert"))[1] == "results/halves/embeddings/labelled/bert.npy"
    assert (
        jobs.settings["topic-clusters"][0] == "labelled" and jobs.settings["length"][1]["label"] == "n_words"
    )


@pytest.mark.parametrize(("role", "is_baseline"), [("tasks", False), ("baseline", True)])
def test_public_scores_are_read_by_the_names_they_have_there(toy_study, role, is_baseline):
    add_model(toy_study, "words-4\tbag_of_words\twords\t4\t\t\tme/words\n", column="public_name")
    (toy_study / "scores.csv").write_text("model,task,value\nme/words,banking,0.5\n")
    put(toy_study, f"public_scores: {{table: scores.csv, role: {role}}}")
    study = load_study(toy_study)
    assert TaskJobs(study).public_files(names()) == [str(toy_study / "scores.csv")]
    told = TaskJobs(study).public_settings(names())
    assert told["models"] == {"words-4": "me/words"} and told["revisions"] == {}
    expected = ["results/toy/public_scores/tasks.csv"] if is_baseline else []
    assert RankingJobs(study).public_baseline == expected


def test_ablations_are_those_that_the_study_can_have(toy_study):
    put(toy_study, "ablations: {weak: {estimator: linear, setting: penalty, values: [0.1, 1]}}")
    jobs = AblationJobs(load_study(toy_study))
    weak = names(dataset="toys", ablation="weak", estimator="linear")
    assert jobs.values_of_ablation(weak) == ["0.1", "1"]
    rankings = [f"results/toy/ranking/toys/weak-{value}.csv" for value in (0.1, 1)]
    assert jobs.rankings_of_ablation(weak) == rankings
    assert jobs.rankings_of_estimator(weak) == ["results/toy/ranking/toys/linear.csv"]
    made = {path.removeprefix("results/toy/ablations/") for path in jobs.files}
    with_tasks = {"toys/curves.png", "toys/pool.linear.csv"}
    assert made == {"toys/items.csv", "toys/settings.weak.csv"} | with_tasks
    (toy_study / "tasks.tsv").unlink()
    assert set(AblationJobs(load_study(toy_study)).files) == set(jobs.files) - {
        f"results/toy/ablations/{name}" for name in with_tasks
    }
    assert jobs.ranking["estimator"] == {"linear": {}} and jobs.ranking["targets"] == list(jobs.study.models)


def test_stand_ins_are_for_what_comes_from_the_hub(toy_study):
    add_model(toy_study, "hub\tsentence_transformer\thub\t\t\t\tme/tiny\n", column="checkpoint")
    table = (toy_study / "models.tsv").read_text().splitlines()
    rows = [
        line + ("\tarchitecture" if n == 0 else "\tbert" if "me/tiny" in line else "\t")
        for n, line in enumerate(table)
    ]
    (toy_study / "models.tsv").write_text("\n".join(rows) + "\n")
    study = load_study(toy_study, {"offline_standins": True})
    jobs = StandinJobs(study)
    assert jobs.models == [["bert", "sentence_transformer", study.seed_of("hub")]]
    assert jobs.checkpoints == ["results/{study}/standins/checkpoints/hub"]
    assert jobs.tables == jobs.datasets == []
    read = EmbeddingJobs(study).files(names(dataset="toys", model="hub"))
    assert read == [jobs.checkpoints[0].format(study=study.name)]


def test_an_analysis_reads_the_files_of_its_ranking_or_of_all_rankings(toy_study):
    jobs = AnalysisJobs(load_study(toy_study, {"estimators": {"linear": {}, "gaussian": {}}}))
    reads = jobs.read_by([("rankings", "tasks"), ("tasks", "pairs")])
    assert list(reads) == ["rankings", "tasks", "pairs"]
    of_ranking = Wildcards(dataset="toys", estimator="gaussian")
    assert reads["pairs"](of_ranking)[0] == "results/toy/pairs/toys/gaussian/words-8.parquet"
    rankings = [f"results/toy/ranking/toys/{name}.csv" for name in ("linear", "gaussian")]
    assert reads["rankings"](Wildcards(dataset="toys")) == rankings
    assert jobs.models[0] == {"model": "words-8", "family": "words", "training": None}


class Wildcards(dict):
    """Wildcards as Snakemake gives them: attributes, and `get` for those that a job may lack."""

    __getattr__ = dict.__getitem__


def test_vectors_and_scores_of_generators_come_from_the_folder_that_trains_them(project, monkeypatch):
    monkeypatch.setattr("suffice.study.packages.is_installed", lambda package: True)
    study = load_study(project / "config" / "generators")
    folder = "results/generators/made/digit-generators"
    of_flow = names(dataset="digit-versions", model="flow-late")
    assert EmbeddingJobs(study).files(of_flow)[1:] == [folder]
    assert loader_settings(study.models["flow-late"], "digit-versions", "results/generators") == {
        "path": f"{folder}/flow-late.npz"
    }
    assert CorpusJobs(study).folder_of_maker(names(dataset="digit-versions")) == [folder]
    assert TaskJobs(study).public_files(names()) == [folder]
    assert set(study.models) == {*names_of_generators(), "pixels", "edges"}


def test_vectors_that_no_folder_has_are_named_before_any_job(project, tmp_path, monkeypatch):
    monkeypatch.setattr("suffice.study.packages.is_installed", lambda package: True)
    shutil.copytree(project / "config" / "generators", tmp_path / "generators")
    table = tmp_path / "generators" / "models.tsv"
    table.write_text(table.read_text().replace("/flow-late.npz", "/flow-last.npz"))
    with pytest.raises(StudyError, match="'flow-late'.*no such file; did you mean 'flow-late.npz'"):
        load_study(tmp_path / "generators")


def test_models_of_one_checkpoint_share_a_pass_and_others_do_not(toy_study):
    folder = toy_study / "bert"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    rows = ["model\tloader\tfamily\tcheckpoint\tlayer\tn_components"]
    rows += [f"zero\thidden_states\tbert\t{folder}\t0\t", f"one\thidden_states\tbert\t{folder}\t1\t"]
    rows += [f"whole\tsentence_transformer\tbert\t{folder}\t\t", "words-8\tbag_of_words\twords\t\t\t8"]
    rows += ["other\thidden_states\tbert\town/checkpoint\t\t"]
    (toy_study / "models.tsv").write_text("\n".join(rows) + "\n")
    jobs = EmbeddingJobs(load_study(toy_study))
    shared = {
        model: jobs.one_pass(names(dataset="toys", model=model), "code of {}".format)
        for model in ("zero", "one", "whole", "other", "words-8")
    }
    others = {model: [each["model"] for each in found["others"]] for model, found in shared.items()}
    assert others == {
        "zero": ["one", "whole"],
        "one": ["zero", "whole"],
        "whole": ["zero", "one"],
        "other": [],
        "words-8": [],
    }
    assert shared["zero"]["key"] == shared["whole"]["key"] and shared["words-8"]["key"] is None
    one, _ = shared["zero"]["others"]
    assert one["kind"] == "hidden_states" and one["code"] == "code of hidden_states"
    assert one["settings"] == {"checkpoint": str(folder), "layer": "1"}
