"""The captions of Snakemake's report: one for every figure of the page."""

from types import SimpleNamespace

import jinja2
import pytest

from suffice.report.content import FIGURES


def caption(project, figure):
    template = jinja2.Template(
        (project / "report" / "figure.rst").read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined
    )
    wildcards = SimpleNamespace(figure=figure, dataset="toys", estimator="linear")
    return template.render(snakemake=SimpleNamespace(wildcards=wildcards)).split(
        "Data set toys, estimator linear"
    )[0]


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_caption(project, figure):
    assert len(caption(project, figure).split()) > 10


def test_the_captions_differ(project):
    assert len({caption(project, figure) for figure in FIGURES}) == len(FIGURES)
    assert caption(project, "unknown").strip() == ""
