"""Published: printed numbers -> recomputed numbers -> side by side, figures and page."""

import re

from suffice.kinds.published.figures import FIGURES
from suffice.kinds.published.study import TABLES
from suffice.kinds.published.tables import files_of
from suffice.workflow import stable

SETTINGS = opened_study()
RESULTS = f"results/{FOLDER.name}"


wildcard_constraints:
    study=re.escape(FOLDER.name),


def reported_figure(name):
    """The image of one figure, with its name in Snakemake's report."""
    return report(
        f"results/{{study}}/figures/{name}.png",
        caption=str(ROOT / "report" / "figure.rst"),
        category="Figures",
        labels={"figure": name},
    )


def final_files():
    """The final files of a study."""
    return [f"{RESULTS}/report.html"]


include: "recompute.smk"


report: "workflow.rst"
