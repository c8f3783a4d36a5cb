"""Reading studies: what is wrong is named with file, key, value and remedy, before any work."""

from pathlib import Path

import numpy as np
import pytest

from suffice.analyses.questions.few_labels import tasks_to_try
from suffice.analyses.questions.lost_directions import explained_pairs
from suffice.analyses.sources import sources
from suffice.errors import StudyError, SufficeError
from suffice.study import load_study
from suffice.study.read import check_sources


def change(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    content = path.read_text()
    assert old in content, f"{file} has no {old!r}"
    path.write_text(content.replace(old, new, 1))


def test_a_study_is_read_as_it_is_written(toy_study):
    study = load_study(toy_study)
    assert study.name == "toy"
    assert list(study.models) == ["words-8", "words-2", "chars-8", "own", "own-pca"]
    assert study.models["own-pca"].base_models == ("own",)
    assert study.datasets["toys"].settings.group == "document"
    assert list(study.tasks) == ["topic", "length", "topic-clusters"]
    assert list(study.estimators) == ["linear"]
    check_sources(study)


def test_tasks_are_optional(toy_study):
    (toy_study / "tasks.tsv").unlink()
    assert load_study(toy_study).tasks == {}


def test_overrides_replace_keys(toy_study):
    assert load_study(toy_study, {"seed": 7}).settings.seed == 7
    with pytest.raises(StudyError, match=r"study\.yaml: unknown key 'sed'; did you mean 'seed'\?"):
        load_study(toy_study, {"sed": 7})


@pytest.mark.parametrize("kind", ["mixture", "knife"])
def test_a_study_for_gpus_is_read_where_there_is_none(toy_study, monkeypatch, kind):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    study = load_study(toy_study, {"device": "cuda", "estimators": {kind: {}}})
    assert study.settings.device == "cuda"


def test_a_device_is_one_of_three(toy_study):
    with pytest.raises(StudyError, match="key 'device' has the value 'cuda:1'.*'cpu', 'cuda' or 'mps'"):
        load_study(toy_study, {"device": "cuda:1"})


def test_variants_of_one_estimator_have_names_of_their_own(toy_study):
    variants = {"strict": {"estimator": "linear", "variance_floor": 0.01}, "linear": None}
    study = load_study(toy_study, {"estimators": variants})
    assert study.estimators["strict"].kind == "linear"
    assert study.estimators["strict"].settings == {"variance_floor": 0.01}


def test_a_failed_model_takes_those_made_from_it_along(toy_study):
    assert list(load_study(toy_study).without({"own"}).models) == ["words-8", "words-2", "chars-8"]


def test_few_labels_are_tried_on_tasks_that_are_fitted(toy_study):
    assert tasks_to_try(load_study(toy_study)) == {}
    assert list(tasks_to_try(load_study(toy_study, {"few_labels": {}}))) == ["topic", "length"]
    named = load_study(toy_study, {"few_labels": {"tasks": ["length"], "n_labels": [20]}})
    assert list(tasks_to_try(named)) == ["length"]
    (toy_study / "tasks.tsv").unlink()
    with pytest.raises(StudyError, match="few_labels needs a task of the kind classification or regression"):
        load_study(toy_study, {"few_labels": {}})


def test_pairs_to_explain_are_models_of_the_study(toy_study):
    assert explained_pairs(load_study(toy_study)) == "auto"
    assert explained_pairs(load_study(toy_study, {"explain": {"pairs": []}})) == []
    study = load_study(toy_study, {"explain": {"pairs": [["words-2", "own"], ["words-2", "words-8"]]}})
    assert explained_pairs(study) == [("words-2", "own"), ("words-2", "words-8")]
    assert explained_pairs(study.without({"own"})) == [("words-2", "words-8")]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"few_labels": {"n_labels": [5]}}, "few_labels.n_labels.0.*5.*greater than or equal to 20"),
        ({"few_labels": {"n_labels": [50, 50]}}, "an entry occurs twice"),
        ({"few_labels": {"tasks": "topic"}}, "write all, or a list of names of tasks"),
        ({"few_labels": {"tasks": ["topics"]}}, "no task 'topics'; did you mean 'topic'"),
        ({"few_labels": {"tasks": ["topic-clusters"]}}, "'topic-clusters' is of the kind clustering"),
        ({"few_labels": {"ways": ["guess"]}}, "few_labels.ways.0"),
        ({"prices": {"owl": 1}}, "prices.*no model 'owl'; did you mean 'own'"),
        ({"prices": {"own": 1}}, "models of kind precomputed count no tokens, so 'own' has no price"),
        ({"prices": {"own": -1}}, "prices.own.*-1"),
        ({"explain": {"pairs": [["own", "own"]]}}, "write auto, or a list of pairs"),
        ({"explain": {"pairs": [["own", "owl"]]}}, "no model 'owl'; did you mean 'own'"),
    ],
)
def test_a_wrong_wish_is_named(toy_study, overrides, message):
    with pytest.raises(StudyError, match=message):
        load_study(toy_study, overrides)


def test_comments_and_blank_lines_are_passed_over(toy_study):
    change(toy_study, "models.tsv", "words-2\t", "# a comment\n\nwords-2\t")
    assert len(load_study(toy_study).models) == 5


def test_targets_of_a_study(toy_study):
    assert load_study(toy_study).targets == ["words-8", "words-2", "chars-8", "own", "own-pca"]
    drawn = load_study(toy_study, {"ranking": {"targets": 2}})
    assert drawn.targets == load_study(toy_study, {"ranking": {"targets": 2}}).targets
    assert len({drawn.families[target] for target in drawn.targets}) == 2
    assert load_study(toy_study, {"ranking": {"targets": ["own", "words-2"]}}).targets == ["own", "words-2"]
    change(toy_study, "models.tsv", "\tpath\n", "\tpath\ttarget\n")
    change(toy_study, "models.tsv", "own.npy\n", "own.npy\tfalse\n")
    study = load_study(toy_study)
    assert study.targets == study.candidates == ["words-8", "words-2", "chars-8", "own-pca"]
    assert list(study.models) == ["words-8", "words-2", "chars-8", "own", "own-pca"]
    assert load_study(toy_study, {"ranking": {"targets": 4}}).targets == study.candidates
    with pytest.raises(
        StudyError, match=r"models\.tsv: row 'own': target is false, but ranking\.targets names it"
    ):
        load_study(toy_study, {"ranking": {"targets": ["own", "words-2"]}})


def test_an_estimator_with_networks_may_have_targets_of_its_own(toy_study):
    asked = {"estimators": {"linear": {}, "knife": {"targets": ["own", "words-2"], "networks": "separate"}}}
    study = load_study(toy_study, asked)
    assert study.targets_of("knife") == ["own", "words-2"]
    assert study.targets_of("linear") == study.targets == list(study.models)
    assert study.estimators["knife"].settings == {"networks": "separate"}
    pairs = sources(study, "results", "toys", "knife")["pairs"]
    assert pairs == [f"results/pairs/toys/knife/{name}.parquet" for name in ("own", "words-2")]
    assert len(sources(study, "results", "toys", "linear")["pairs"]) == 5


@pytest.mark.parametrize(
    ("estimators", "message"),
    [
        ({"linear": {"targets": ["own", "words-2"]}}, "linear takes little longer for all targets"),
        ({"knife": {"targets": ["own", "word-2"]}}, "no model 'word-2'; did you mean 'words-2'"),
        ({"knife": {"targets": "own"}}, "targets must be a list of names of models, not 'own'"),
        ({"knife": {"targets": []}}, "targets must be a list of names of models"),
        ({"knife": {"targets": ["own"]}}, "knife.targets"),
        (
            {
                "both": {"combines": ["linear", "knife"]},
                "linear": {},
                "knife": {"targets": ["own", "words-2"]},
            },
            "knife has targets of its own",
        ),
    ],
)
def test_targets_of_an_estimator_that_cannot_be_are_named(toy_study, estimators, message):
    with pytest.raises(StudyError, match=message):
        load_study(toy_study, {"estimators": estimators})


def test_a_failed_model_is_no_target(toy_study):
    study = load_study(toy_study, {"ranking": {"targets": ["own", "words-2", "words-8"]}})
    assert study.without({"own"}).targets == ["words-2", "words-8"]
    with pytest.raises(SufficeError, match="1 targets are too few"):
        study.without({"own", "words-8"}).check_targets()


TEXT_CHANGES = [
    ("study.yaml", "seed: 1", "sed: 1", r"study\.yaml: unknown key 'sed'; did you mean 'seed'\?"),
    ("study.yaml", "title: Toy\n", "", r"study\.yaml: key 'title' is required"),
    ("study.yaml", "seed: 1", "seed: -4", r"study\.yaml: key 'seed' has the value -4: .* greater than or equal to 0"),
    ("study.yaml", "seed: 1", "seed: [", r"study\.yaml is not valid YAML"),
    ("study.yaml", "estimators: {linear: {}}", "estimators: {linaer: {}}", r"estimators\.linaer.*unknown estimator 'linaer'; did you mean 'linear'"),
    ("study.yaml", "estimators: {linear: {}}", "estimators: {linear: {floor: 1}}", r"estimators\.linear.*unknown key 'floor'"),
    ("study.yaml", "n_resamples: 100", "resamples: 100", r"unknown key 'ranking.resamples'"),
    ("study.yaml", "n_resamples: 100", "targets: owl", r"key 'ranking.targets' has the value 'owl': write all, a number, or a list"),
    ("study.yaml", "n_resamples: 100", "targets: true", r"key 'ranking.targets' has the value True: write all, a number"),
    ("study.yaml", "n_resamples: 100", "targets: [owl, own]", r"ranking\.targets.*no model 'owl'; did you mean 'own'"),
    ("study.yaml", "n_resamples: 100", "targets: [own]", r"ranking\.targets.*1 targets are too few: choose at least 2"),
    ("study.yaml", "n_resamples: 100", "targets: 6", r"6 targets are requested, but only 5 models can be targets"),
    ("study.yaml", "seed: 1", "training: {bert: {dataset: toyz}}", r"training\.bert.*no data set 'toyz'; did you mean 'toys'"),
    ("study.yaml", "estimators: {linear: {}}", "estimators: {Lin/x: {estimator: linear}}", r"estimators\.Lin/x: 'Lin/x' is not a name"),
    ("models.tsv", "words-2\tbag_of_words", "words-8\tbag_of_words", r"models\.tsv: line 3: model 'words-8' occurs twice"),
    ("models.tsv", "words-2\tbag_of_words", "Words 2\tbag_of_words", r"models\.tsv: line 3: model 'Words 2' is not a name"),
    ("models.tsv", "words-2\tbag_of_words", "words-2\tbag_of_word", r"row 'words-2'.*'bag_of_word'.*'bag_of_words'"),
    ("models.tsv", "words-2\tbag_of_words", "words-2\t", r"row 'words-2' has no 'loader'"),
    ("models.tsv", "n_components", "n_component", r"unknown key 'n_component'; did you mean 'n_components'"),
    ("models.tsv", "\t2\t", "\ttwo\t", r"row 'words-2': key 'n_components' has the value 'two'"),
    ("models.tsv", "model:own", "model:owl", r"row 'own-pca': no model 'owl'; did you mean 'own'"),
    ("models.tsv", "own.npy", "trained:x", r"own|does not exist"),
    ("models.tsv", "model\tloader", "model\tloadr", r"the column 'loader' is missing; did you mean 'loadr'"),
    ("models.tsv", "\tfamily", "\tloader", r"column 'loader' occurs twice"),
    ("models.tsv", "words-2\tbag_of_words", "words-2\tbag_of_words\t\t\t\t\t\t", r"line 3 has \d+ cells but there are 6 columns"),
    ("models.tsv", "model\tloader\tfamily", "model\tloader\ttarget", r"row 'words-8': target is 'words'; write true or false"),
    ("models.tsv", "own.npy", "owl.npy", r"row 'own'.*owl\.npy does not exist"),
    ("datasets.tsv", "toys.csv", "toyz.csv", r"row 'toys'.*toyz\.csv does not exist"),
    ("datasets.tsv", "\ttext\t", "\ttexts\t", r"row 'toys'.*texts.*text"),
    ("datasets.tsv", "\tdocument", "\tdokument", r"row 'toys'.*dokument"),
    ("datasets.tsv", "\tfile\t", "\tfiel\t", r"row 'toys': key 'source' has the value 'fiel'"),
    ("datasets.tsv", "\tgroup", "\tgroop", r"unknown key 'groop'; did you mean 'group'"),
    ("tasks.tsv", "topic\n", "topik\n", r"row 'topic'.*'topik'"),
    ("tasks.tsv", "classification", "clasification", r"row 'topic': key 'kind' has the value 'clasification'"),
    ("tasks.tsv", "regression\ttoys", "regression\ttoyz", r"row 'length': no data set 'toyz'; did you mean 'toys'"),
    ("tasks.tsv", "length\t", "topic\t", r"line 3: task 'topic' occurs twice"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), TEXT_CHANGES)
def test_what_is_wrong_is_named_before_any_work(toy_study, file, old, new, message):
    change(toy_study, file, old, new)
    with pytest.raises(SufficeError, match=message):
        check_sources(load_study(toy_study))


def remove(name):
    return lambda folder: (folder / name).unlink()


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def only_rows(name, n_rows):
    def cut(folder):
        path = folder / name
        path.write_text("".join(path.read_text().splitlines(keepends=True)[: n_rows + 1]))

    return cut


FILE_CHANGES = [
    (remove("study.yaml"), r"is not a study: it has no study\.yaml"),
    (remove("models.tsv"), r"models\.tsv does not exist; a study needs this table"),
    (write("models.tsv", b""), r"models\.tsv is empty"),
    (write("models.tsv", b"model\tloader\n\xff\x81\tx\n"), r"models\.tsv is not UTF-8: byte 0xff at position 13"),
    (write("study.yaml", b"- a\n- b\n"), r"study\.yaml must hold keys and values"),
    (only_rows("models.tsv", 1), r"models\.tsv has 1 models; a ranking needs at least 2"),
    (only_rows("toys.csv", 0), r"row 'toys'.*no items"),
    (only_rows("toys.csv", 40), r"row 'toys'.*40 items.*200"),
    (write("toys.csv", b"text,key,document\n\x8ft\xe9,k,d\n"), r"toys\.csv is not UTF-8"),
    (write("datasets.tsv", b"dataset\tsource\tpath\tranked\ntoys\tfile\ttoys.csv\tno\n"), r"no data set to rank models on"),
    (write("datasets.tsv", b"dataset\tsource\tpath\tranked\ntoys\tfile\ttoys.csv\tperhaps\n"), r"ranked is 'perhaps'; write true or false"),
    (write("datasets.tsv", b"dataset\tsource\ntoys\tfile\n"), r"row 'toys': source 'file' needs a path"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), FILE_CHANGES)
def test_broken_files_are_named_before_any_work(toy_study, damage, message):
    damage(toy_study)
    with pytest.raises(SufficeError, match=message):
        check_sources(load_study(toy_study))


CHECKPOINT_ROWS = [
    ("no-such-folder/x.bin", r"row 'neural'.*no-such-folder/x\.bin"),
    ("package:no_such_package/model", r"row 'neural'.*no Python package 'no_such_package' is installed"),
    ("owner/not-in-the-cache", r"row 'neural'.*owner/not-in-the-cache"),
    ("trained:bert/5", r"row 'neural': no training 'bert'"),
    ("trained:bert", r"row 'neural': checkpoint 'trained:bert'; write trained:NAME/STEP"),
]


@pytest.mark.parametrize(("checkpoint", "message"), CHECKPOINT_ROWS)
def test_a_model_that_cannot_be_found_offline_is_named(toy_study, monkeypatch, checkpoint, message):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    table = (toy_study / "models.tsv").read_text().splitlines()
    rows = [f"{table[0]}\tcheckpoint", *table[1:], f"neural\thidden_states\tneural\t\t\t\t{checkpoint}"]
    (toy_study / "models.tsv").write_text("\n".join(rows) + "\n")
    with pytest.raises(SufficeError, match=message):
        check_sources(load_study(toy_study))


def test_a_step_that_is_not_saved_is_named_with_those_that_are(toy_study):
    change(toy_study, "study.yaml", "seed: 1", "training: {bert: {dataset: toys, warmup: 1, steps: [0, 5]}}")
    table = (toy_study / "models.tsv").read_text().splitlines()
    rows = [f"{table[0]}\tcheckpoint", *table[1:], "bert\thidden_states\tbert\t\t\t\ttrained:bert/7"]
    (toy_study / "models.tsv").write_text("\n".join(rows) + "\n")
    with pytest.raises(StudyError, match="row 'bert': training 'bert' saves no step 7; it saves 0, 5"):
        load_study(toy_study)


def test_too_few_items_to_rank_on_are_seen_early_even_if_asked_for(toy_study):
    only_rows("toys.csv", 30)(toy_study)
    change(toy_study, "datasets.tsv", "\tgroup", "\tgroup\tmin_items")
    change(toy_study, "datasets.tsv", "\tdocument", "\tdocument\t20")
    with pytest.raises(StudyError, match="30 items in 15 groups are too few to rank models on"):
        check_sources(load_study(toy_study))


def test_files_beside_the_tables_are_found_from_anywhere(toy_study, monkeypatch):
    monkeypatch.chdir(toy_study.parent)
    table = (toy_study / "models.tsv").read_text().splitlines()
    table[4] += "\tid\tids.txt"
    rows = [f"{table[0]}\tmatch\tids", *table[1:]]
    (toy_study / "models.tsv").write_text("\n".join(rows) + "\n")
    (toy_study / "ids.txt").write_text("".join(f"k{number}\n" for number in range(300)))
    study = load_study(toy_study)
    check_sources(study)
    assert study.models["own"].settings["ids"] == str(toy_study / "ids.txt")


def test_the_placeholder_for_the_data_set_is_filled(toy_study):
    change(toy_study, "models.tsv", "own.npy", "{dataset}.npy")
    np.save(toy_study / "toys.npy", np.zeros((300, 2)))
    study = load_study(toy_study)
    check_sources(study)
    assert study.models["own"].settings_for("toys")["path"] == str(toy_study / "toys.npy")


@pytest.mark.parametrize("name", ["api-docs"])
def test_the_studies_of_the_project_are_sound(project, name):
    study = load_study(project / "config" / name)
    check_sources(study)
    assert len(study.models) >= 14


def test_a_concatenation_names_its_models_and_data_sets_their_parts(toy_study):
    (toy_study / "models.tsv").open("a").write("both\tconcatenation\tboth\t\t\tmodel:own,words-2\n")
    (toy_study / "datasets.tsv").open("a").write("twice\tdatasets\ttoys\t\t\t\n")
    study = load_study(toy_study)
    assert study.models["both"].base_models == ("own", "words-2")
    assert study.datasets["twice"].settings.parts == ["toys"]
    assert "both" not in study.without({"words-2"}).models
    check_sources(study)


@pytest.mark.parametrize(
    ("file", "row", "message"),
    [
        ("models.tsv", "both\tconcatenation\tx\t\t\tmodel:own", "name two or more models"),
        ("models.tsv", "both\tconcatenation\tx\t\t\tmodel:own,own", "each once"),
        ("models.tsv", "both\tconcatenation\tx\t\t\tmodel:own,onw", "no model 'onw'; did you mean 'own'"),
        ("models.tsv", "both\tconcatenation\tx\t\t\tmodel:own,own-pca", "itself made from another model"),
        ("models.tsv", "b\tprincipal_components\tx\t2\t\tmodel:own,words-2", "takes one"),
        ("datasets.tsv", "all\tdatasets\ttoys,tosy\t\t\t", "no data set 'tosy'; did you mean 'toys'"),
        ("datasets.tsv", "all\tdatasets\ttoys,toys\t\t\t", "names 'toys' twice"),
        ("datasets.tsv", "all\tdatasets\t\t\t\t", "needs a path"),
        ("datasets.tsv", "all\tdatasets\ttoys\ttext\t\t", "content: only for source file or hub"),
    ],
)
def test_what_is_wrong_with_rows_made_of_others_is_named(toy_study, file, row, message):
    (toy_study / file).open("a").write(row + "\n")
    with pytest.raises(StudyError, match=message):
        load_study(toy_study)


PUBLIC = "model,task,value\nthe/words,Banking,0.7\nthe/words,Pairs,0.6\nthe/own,Banking,0.5\n"


@pytest.fixture
def public_study(toy_study):
    (toy_study / "public.csv").write_text(PUBLIC)
    change(toy_study, "models.tsv", "path\n", "path\tpublic_name\n")
    change(toy_study, "models.tsv", "words\t8\t\t", "words\t8\t\t\tthe/words")
    (toy_study / "study.yaml").open("a").write("public_scores: {table: public.csv}\n")
    return toy_study


def test_public_scores_are_tasks_or_a_baseline(public_study):
    study = load_study(public_study)
    assert study.settings.public_scores.tasks == ("Banking", "Pairs")
    assert study.settings.public_scores.table == str(public_study / "public.csv")
    assert study.models["words-8"].public_name == "the/words"
    assert study.task_files("r")[-1] == "r/public_scores/tasks.csv"
    (public_study / "tasks.tsv").unlink()
    assert load_study(public_study).has_tasks
    given = {"table": "public.csv", "role": "baseline"}
    assert not load_study(public_study, {"public_scores": given}).has_tasks


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs a tree or a table"),
        ({"table": "pubic.csv"}, "public_scores.table: .*pubic.csv does not exist"),
        ({"tree": "."}, "needs 'tasks', the names of the tasks to read"),
        ({"table": "public.csv", "same_revision": True}, "same_revision needs a tree"),
        ({"table": "public.csv", "tasks": ["topic"]}, "row 'topic' is also a public task"),
        ({"table": "tasks.tsv"}, "public_scores.table': .*lacks the column"),
    ],
)
def test_what_is_wrong_with_public_scores_is_named(public_study, given, message):
    with pytest.raises(StudyError, match=message):
        load_study(public_study, {"public_scores": given})


def test_public_scores_need_a_model_that_has_some(public_study):
    change(public_study, "models.tsv", "the/words", "")
    with pytest.raises(StudyError, match="no model has public scores"):
        load_study(public_study)


def test_stages_and_versions_of_models(toy_study):
    change(toy_study, "models.tsv", "path\n", "path\tseries\tstep\tversion_of\n")
    change(
        toy_study,
        "models.tsv",
        "words-8\tbag_of_words\twords\t8\t\t",
        "words-8\tbag_of_words\twords\t8\t\t\tw\t8\twords-2",
    )
    study = load_study(toy_study)
    assert study.series == {"w": ["words-8"]}
    assert study.versions == {"words-8": "words-2"}
    change(toy_study, "models.tsv", "w\t8\twords-2", "w\t8\twords-3")
    with pytest.raises(StudyError, match="no model 'words-3'"):
        load_study(toy_study)
    change(toy_study, "models.tsv", "w\t8\twords-3", "w\t\t")
    with pytest.raises(StudyError, match="give both, with a number as step"):
        load_study(toy_study)


def test_tables_may_have_other_names(toy_study):
    (toy_study / "models.tsv").rename(toy_study / "others.tsv")
    assert len(load_study(toy_study, {"models": "others.tsv"}).models) == 5
    with pytest.raises(StudyError, match=r"tsks\.tsv does not exist"):
        load_study(toy_study, {"models": "others.tsv", "tasks": "tsks.tsv"})


VARIED = {"floor": {"estimator": "linear", "setting": "variance_floor", "values": [0.1, 0.2]}}


TOGETHER = {"both": {"combines": ["linear", "near"]}, "near": {"estimator": "neighbours"}, "linear": {}}


def test_a_ranking_by_several_estimators_is_an_entry_beside_them(toy_study):
    study = load_study(toy_study, {"estimators": TOGETHER})
    assert study.rankings == {"both": ("linear", "near"), "near": ("near",), "linear": ("linear",)}
    assert list(study.estimators) == ["near", "linear"]
    assert study.shown_rankings == ["both"]
    assert [each.kind for each in study.estimators_of("both")] == ["linear", "neighbours"]
    later = {"linear": {}, "near": TOGETHER["near"], "both": TOGETHER["both"]}
    assert load_study(toy_study, {"estimators": later}).shown_rankings == ["linear", "both"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"combines": ["linear", "neer"]},
            r"estimators\.both\.combines: no estimator 'neer'; did you mean 'near'",
        ),
        ({"combines": ["linear"]}, "at least two estimators"),
        ({"combines": "linear"}, "at least two estimators"),
        ({"combines": [1, 2]}, "at least two estimators"),
        ({"combines": ["linear", "near"], "k": 2}, "the one key combines"),
        ({"combines": ["linear", "linear"]}, "linear, linear must be of different kinds"),
        ({"combines": ["linear", "both"]}, "no estimator 'both'"),
    ],
)
def test_what_cannot_be_combined_is_named(toy_study, entry, message):
    with pytest.raises(StudyError, match=message):
        load_study(toy_study, {"estimators": TOGETHER | {"both": entry}})
    nats = {"estimators": TOGETHER, "ranking": {"aggregate": "median"}}
    with pytest.raises(StudyError, match="not on one scale; set ranking.aggregate to ranks, not median"):
        load_study(toy_study, nats)


def test_where_no_estimator_is_named_looks_and_aggregate_decide(toy_study):
    change(toy_study, "study.yaml", "estimators: {linear: {}}\n", "")
    assert load_study(toy_study).shown_rankings == ["linear-and-neighbours"]
    nats = {"ranking": {"aggregate": "mean"}}
    assert list(load_study(toy_study, nats).rankings) == ["linear"]
    change(toy_study, "datasets.tsv", "\tgroup\n", "\tgroup\tviews\n")
    change(toy_study, "datasets.tsv", "\tdocument\n", "\tdocument\tnone\n")
    assert list(load_study(toy_study).rankings) == ["linear"]


def test_variants_of_an_ablation_are_estimators_of_their_own(toy_study):
    study = load_study(toy_study, {"ablations": VARIED})
    assert list(study.estimators) == ["linear"]
    assert study.variants["floor-0.2"].settings == {"variance_floor": 0.2}
    assert list(study.all_estimators) == ["linear", "floor-0.1", "floor-0.2"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"setting": "variance_flor"}, "variance_flor"),
        ({"values": [0.1]}, "at least 2"),
        ({"estimator": "linaer"}, "linear"),
    ],
)
def test_what_is_wrong_with_an_ablation_is_named(toy_study, changes, message):
    given = {"floor": VARIED["floor"] | changes}
    with pytest.raises(StudyError, match=message):
        load_study(toy_study, {"ablations": given})
    taken = {"estimators": {"linear": {}, "floor-0.1": {"estimator": "linear"}}, "ablations": VARIED}
    with pytest.raises(StudyError, match="'floor-0.1' is taken"):
        load_study(toy_study, taken)


HUB_MODEL = "far\tsentence_transformer\tfar\t\t\t\towner/name\tbert\t" + "a" * 40 + "\n"


def test_stand_ins_take_the_place_of_what_comes_from_the_hub(toy_study):
    change(toy_study, "models.tsv", "path\n", "path\tcheckpoint\tarchitecture\trevision\n")
    (toy_study / "models.tsv").open("a").write(HUB_MODEL)
    (toy_study / "datasets.tsv").write_text(
        "dataset\tsource\tpath\tcontent\tid\tgroup\tfirst_items\n"
        "toys\tfile\ttoys.csv\ttext\tkey\tdocument\t\nfar\thub\towner/data\ta,b\t\t\t1000\n"
        "both\tdatasets\ttoys,far\t\t\t\t\n"
    )
    study = load_study(toy_study, {"offline_standins": True})
    assert study.name == "toy-standins" and "STAND-INS" in study.settings.title
    assert study.models["far"].is_standin and study.models["far"].settings == {}
    assert not study.models["words-8"].is_standin
    far = study.datasets["far"]
    assert far.is_standin and far.settings.source == "file" and far.settings.first_items is None
    assert far.settings.path == "results/toy-standins/standins/data/far.parquet"
    assert study.datasets["toys"].settings.path == str(toy_study / "toys.csv")
    check_sources(study)
    change(toy_study, "models.tsv", "\tbert\t", "\t\t")
    with pytest.raises(StudyError, match="row 'far': offline_standins needs the column architecture"):
        load_study(toy_study, {"offline_standins": True})
    change(toy_study, "models.tsv", "owner/name\t\t", "owner/name\tbrt\t")
    with pytest.raises(StudyError, match="did you mean 'bert'"):
        load_study(toy_study)


def test_a_prompt_keeps_its_last_space(toy_study):
    change(toy_study, "models.tsv", "path\n", "path\tcheckpoint\tprompt\n")
    (toy_study / "models.tsv").open("a").write("far\thidden_states\tfar\t\t\t\towner/name\tquery: \n")
    assert load_study(toy_study).models["far"].settings["prompt"] == "query: "
