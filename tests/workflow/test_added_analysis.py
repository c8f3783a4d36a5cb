"""A question added as CONTRIBUTING says: one new file and its lines in the registry."""

import os
import shutil

import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

QUESTION = '''"""How far is the first model ahead of the second?"""

import pandas as pd

from suffice.analyses.base import Analysis, Figure, Finding, Made, Place, Ranked, ShownTable
from suffice.numbers import Column, number
from suffice.plots.rank_bars import draw_rank_bars
from suffice.plots.style import Families

LEAD = (Column("model", "Model"), Column("lead", "Lead", number))


def _tables(ranked: Ranked) -> dict[str, pd.DataFrame]:
    ranking = ranked["ranking"]
    lead = (ranking["win_rate"] - ranking["win_rate"].shift(-1)) * ranked.settings["scale"]
    return {"lead": ranking[["model"]].assign(lead=lead)}


def _findings(ranked: Ranked) -> list[Finding]:
    if "lead" not in ranked:
        return []
    table = ShownTable(ranked["lead"], LEAD, "Lead over the next model")
    sentence = f"The first model leads by {number(ranked['lead']['lead'].iloc[0])}."
    title = "How far ahead is the first?"
    return [Finding(Place.CHOICE, title, sentence, figures=(FIGURE,), tables=(table,), is_answer=True)]


FIGURE = Figure(
    name="lead",
    title="Leads",
    caption="A picture of leads.",
    draw=lambda ranked: draw_rank_bars(ranked["ranking"], Families.from_table(ranked.models)),
    reads=("ranking", "lead"),
)
LEADS = Analysis(
    name="lead",
    needs=("ranking",),
    makes={"lead": Made("lead/{dataset}/{estimator}.csv", "lead")},
    tables=_tables,
    parameters=lambda study: {"scale": 2.0},
    figures=(FIGURE,),
    findings=_findings,
)
'''


@pytest.fixture
def extended(project, tmp_path):
    """A copy of the project with one question more."""
    copy = tmp_path / "project"
    for name in ("src", "rules", "scripts", "report", "profiles", "envs"):
        shutil.copytree(project / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / "Snakefile", copy)
    analyses = copy / "src" / "suffice" / "analyses"
    (analyses / "questions" / "lead.py").write_text(QUESTION)
    registry = (analyses / "registry.py").read_text()
    importing = "from suffice.analyses.questions.lead import LEADS"
    registry = registry.replace("\nif TYPE_CHECKING:", f"{importing}\n\nif TYPE_CHECKING:", 1)
    (analyses / "registry.py").write_text(registry.replace("    BARS,\n", "    BARS,\n    LEADS,\n", 1))
    return copy


def test_its_table_is_among_the_results_and_its_finding_on_the_page(workflow, extended, monkeypatch):
    (workflow.study / "tasks.tsv").unlink()
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(extended / "src"), os.environ.get("PYTHONPATH", "")])
    )
    copied = type(workflow)(extended, workflow.study, workflow.work)
    copied.run()
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv")
    lead = pd.read_csv(workflow.results / "lead" / "toys" / "linear.csv")
    first, second = ranking["win_rate"].head(2)
    assert lead["lead"].iloc[0] == pytest.approx(2 * (first - second))
    assert (workflow.results / "figures" / "toys" / "linear" / "lead.pdf").exists()
    page = (workflow.results / "report.html").read_text()
    head, rest = page.split("</header>")
    assert "The first model leads by" in head
    for words in ("How far ahead is the first?", "Lead over the next model", "A picture of leads."):
        assert words in rest
    assert "Nothing to be done" in copied.run().output
