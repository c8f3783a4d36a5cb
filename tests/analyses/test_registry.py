"""The analyses that there are: their tables, figures and keys, and which jobs they come to."""

import pytest

from suffice.analyses.base import Finding, Place, Ranked
from suffice.analyses.registry import ANALYSES, analyses_of, figures_of, get_figure, jobs_of, keys_of_analyses
from suffice.analyses.sources import sources, sources_of_page
from suffice.errors import DataError, StudyError
from suffice.page.findings import view_findings
from suffice.study.read import load_study


def names(jobs):
    return {job: [each.name for each in analyses] for job, analyses in jobs.items()}


def test_light_questions_share_a_job_and_a_heavy_one_has_its_own(toy_study):
    light = {
        "data_set": ["correlation", "decision"],
        "ranking": ["cost", "smaller_pools", "task_dependence"],
    }
    with_pairs = {"lost_directions": ["lost_directions"]}
    assert names(jobs_of(load_study(toy_study))) == light | with_pairs
    asked = load_study(toy_study, {"few_labels": {}, "explain": {"pairs": []}})
    assert names(jobs_of(asked)) == light | {"few_labels": ["few_labels"]}
    (toy_study / "tasks.tsv").unlink()
    assert names(jobs_of(load_study(toy_study))) == {
        "ranking": ["cost", "smaller_pools"],
        "lost_directions": ["lost_directions"],
    }


def test_all_that_analyses_read_is_among_the_sources_and_names_are_unique(toy_study):
    study = load_study(toy_study, {"few_labels": {}})
    found = sources(study, "results/toy", "toys", "linear")
    for each in analyses_of(study):
        assert set(each.needs) <= set(found), each.name
        for figure in each.figures:
            assert set(figure.reads) <= set(found), figure.name
    of_data_set = sources(study, "results/toy", "toys")
    for each in ANALYSES:
        assert each.is_per_ranking or set(each.needs) <= set(of_data_set), each.name
        paths = [made.path for made in each.makes.values()]
        assert len({"{estimator}" in path for path in paths}) <= 1, each.name
    made = [name for each in ANALYSES for name in each.makes]
    figures = [figure.name for each in ANALYSES for figure in each.figures]
    for several in (made, figures, [each.name for each in ANALYSES]):
        assert len(set(several)) == len(several)


def test_the_page_reads_every_table_and_figure_once(toy_study):
    study = load_study(toy_study, {"estimators": {"linear": {}, "neighbours": {}}})
    files = sources_of_page(study, "results/toy")
    assert len(set(files)) == len(files)
    assert "results/toy/pareto/toys/neighbours.csv" in files
    assert "results/toy/looks/toys.json" in files
    drawn = [path for path in files if path.startswith("results/toy/figures/toys/linear/")]
    assert len(drawn) == len(figures_of(study))
    assert "checkpoint_curves" not in {figure.name for figure in figures_of(study)}


def test_every_figure_has_a_caption_of_its_own():
    captions = [figure.caption for each in ANALYSES for figure in each.figures]
    assert len(set(captions)) == len(captions) and min(map(len, captions)) > 80


def test_the_keys_of_analyses_are_keys_of_a_study(toy_study):
    settings = load_study(toy_study).settings
    assert {key.name for key in keys_of_analyses()} == {"few_labels", "explain", "ablations"}
    assert all(getattr(settings, key.name) == key.default for key in keys_of_analyses())
    with pytest.raises(StudyError, match="unknown key 'few_label'; did you mean 'few_labels'"):
        load_study(toy_study, {"few_label": {}})


def test_a_table_that_is_not_given_is_named():
    with pytest.raises(DataError, match="there is no 'pairs' to read; add it to `needs` or `reads`"):
        Ranked("toys", "linear")["pairs"]


def test_findings_stand_where_they_say_and_show_what_was_drawn(tmp_path):
    figure = get_figure("pareto_front")
    limits, head = Finding(figures=(figure,)), Finding(place=Place.HEAD, title="first")
    views = view_findings([limits, head], {}, "toys")
    assert [view.finding for view in views] == [head, limits]
    assert [view.is_head for view in views] == [True, False] and views[1].figures == []
    with pytest.raises(DataError, match="cannot be read"):
        view_findings([limits], {figure.name: tmp_path / "lost.svg"}, "toys")
