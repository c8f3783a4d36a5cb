"""The captions of Snakemake's report: one for every figure of the page."""

import pytest

from suffice.kinds.embeddings.content import FIGURES


def caption(project, figure):
    return (project / "report" / "figures" / f"{figure}.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_caption(project, figure):
    assert len(caption(project, figure).split()) > 18


def test_the_captions_differ_and_none_is_left_over(project):
    assert len({caption(project, figure) for figure in FIGURES}) == len(FIGURES)
    assert {path.stem for path in (project / "report" / "figures").iterdir()} == set(FIGURES)
