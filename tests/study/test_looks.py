"""Which two looks a data set gives: what `auto` comes to, and what cannot be had before the first job."""

import pytest

from suffice.data.look_settings import SAME
from suffice.errors import StudyError
from suffice.study import load_study
from suffice.study.looks import note_on_looks


def rewrite(study, name, *changes):
    table = study / name
    text = table.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    table.write_text(text)


def without_groups(study):
    rewrite(study, "datasets.tsv", ("\tgroup", ""), ("\tdocument", ""))


def of_texts(study):
    """Let all models embed texts."""
    rewrite(study, "models.tsv", ("own\tprecomputed\town\t\t\town.npy\n", ""), ("model:own", "model:words-8"))


def with_views(study, views, limit=""):
    header, row = (study / "datasets.tsv").read_text().splitlines()
    cells = (f"{header}\tviews\tmax_look_pairs", f"{row}\t{views}\t{limit}")
    (study / "datasets.tsv").write_text("\n".join(cells) + "\n")


def with_second_files(study, *models):
    """Leave `own` and what is made from it, and others with vectors from files."""
    header = "model\tloader\tpath\tn_components\tsecond_path"
    rows = ["own\tprecomputed\town.npy\t\town.npy", "own-pca\tprincipal_components\tmodel:own\t2\t", *models]
    (study / "models.tsv").write_text("\n".join([header, *rows, ""]))


def looks_of(study):
    return load_study(study).datasets["toys"].looks


def test_auto_takes_groups_where_there_are_such(toy_study):
    assert (looks_of(toy_study).kind, looks_of(toy_study).is_wish) == ("group", True)


def test_auto_takes_halves_if_all_models_can_embed_them(toy_study):
    without_groups(toy_study)
    note = looks_of(toy_study).note
    assert looks_of(toy_study).kind == SAME
    assert "own, own-pca have vectors of the data set's items alone" in note and "second_path" in note
    of_texts(toy_study)
    assert (looks_of(toy_study).kind, looks_of(toy_study).note) == ("halves", "")


def test_auto_takes_second_files_if_all_models_have_such(toy_study):
    with_second_files(toy_study)
    assert looks_of(toy_study).kind == "files"
    with_second_files(toy_study, "more\tprecomputed\town.npy\t\t")
    with pytest.raises(StudyError, match="row 'own': second_path has no effect because more gives none"):
        looks_of(toy_study)


def test_molecules_have_one_look_unless_groups_are_asked_for(toy_study):
    without_groups(toy_study)
    rewrite(toy_study, "datasets.tsv", ("dataset\t", "dataset\tcontent_type\tscaffolds\t"))
    rewrite(toy_study, "datasets.tsv", ("toys\tfile", "toys\tsmiles\ttrue\tfile"))
    assert looks_of(toy_study).kind == SAME
    assert note_on_looks(load_study(toy_study).datasets["toys"], None) == ""
    with_views(toy_study, "group")
    assert (looks_of(toy_study).kind, looks_of(toy_study).is_wish) == ("group", False)
    rewrite(toy_study, "datasets.tsv", ("group", "halves"))
    with pytest.raises(StudyError, match="views halves: part of a molecule is not a look at it"):
        looks_of(toy_study)


@pytest.mark.parametrize(
    ("views", "change", "message"),
    [
        ("halves", None, "row 'toys': views halves: own, own-pca have vectors of the data set's items alone"),
        (
            "words",
            None,
            "views words: own, own-pca have.*fill in the column group .views group. or second_path",
        ),
        ("group", without_groups, "views group: the row names no groups; fill in the column group"),
        ("files", None, "views files: words-8, words-2, chars-8, own, own-pca has no second vectors"),
        ("strips", None, "key 'views' has the value 'strips'"),
    ],
)
def test_looks_that_cannot_be_had_are_refused_before_the_first_job(toy_study, views, change, message):
    if change is not None:
        change(toy_study)
    with_views(toy_study, views)
    with pytest.raises(StudyError, match=message):
        load_study(toy_study)


def test_a_limit_reaches_the_looks_and_is_refused_without_them(toy_study):
    with_views(toy_study, "group", 250)
    assert looks_of(toy_study).max_pairs == 250
    rewrite(toy_study, "datasets.tsv", ("\tgroup\t250", "\tgroup\t20"))
    with pytest.raises(StudyError, match="max_look_pairs.*20.*greater than or equal to 200"):
        load_study(toy_study)


def test_views_of_a_data_set_that_is_not_ranked_on_are_refused(toy_study):
    more = "more\tfile\ttoys.csv\ttext\tkey\tdocument\tfalse\thalves\n"
    rewrite(toy_study, "datasets.tsv", ("\tgroup\n", "\tgroup\tranked\tviews\n"))
    with (toy_study / "datasets.tsv").open("a") as stream:
        stream.write(more)
    with pytest.raises(StudyError, match="row 'more': views and max_look_pairs are only for data sets with"):
        load_study(toy_study)


def test_looks_stay_what_they_are_when_models_leave(toy_study):
    """Or a study without those that failed would embed all texts anew."""
    without_groups(toy_study)
    study = load_study(toy_study).without({"own"})
    assert study.datasets["toys"].looks.kind == SAME


def test_an_estimator_of_two_looks_needs_them(toy_study):
    own = {"estimators": {"found": {"estimator": "neighbours", "target": "own"}}}
    assert load_study(toy_study, own).datasets["toys"].looks.kind == "group"
    with_views(toy_study, "none")
    with pytest.raises(StudyError, match="row 'toys': the estimator 'found' needs two looks at an item"):
        load_study(toy_study, own)


def test_a_note_says_what_the_looks_are_or_that_one_is_weaker_and_why(toy_study):
    row = load_study(toy_study).datasets["toys"]
    left_out = {"items that are alone in their group": 1200}
    found = {"looks": "group", "n_pairs": 9000, "n_groups": 300, "left_out": left_out}
    assert note_on_looks(row, found) == (
        "Source and target see two looks at an item, two items of one group: 9,000 pairs in 300 groups; "
        "without 1,200 items that are alone in their group."
    )
    note = note_on_looks(row, {"looks": SAME, "note": "too few pairs"})
    assert note.endswith("one look at each item, known to be weaker than one by two looks: too few pairs.")
    with_views(toy_study, "none")
    assert "see `views` in datasets.tsv" in note_on_looks(load_study(toy_study).datasets["toys"], None)


def test_the_old_key_of_self_retrieval_is_named_with_its_remedy(toy_study):
    with pytest.raises(
        StudyError, match="baselines: self_retrieval is computed automatically.*remove the key"
    ):
        load_study(toy_study, {"baselines": {"self_retrieval": True}})


def test_controls_are_marked(toy_study):
    assert load_study(toy_study).controls == []
    rewrite(
        toy_study,
        "models.tsv",
        ("\tpath\n", "\tpath\tcontrol\n"),
        ("words-2\tbag_of_words\twords\t2\t\t", "words-2\tbag_of_words\twords\t2\t\t\ttrue"),
    )
    assert load_study(toy_study).controls == ["words-2"]
    rewrite(toy_study, "models.tsv", ("\ttrue", "\tperhaps"))
    with pytest.raises(StudyError, match="row 'words-2': control is 'perhaps'; write true or false"):
        load_study(toy_study)
