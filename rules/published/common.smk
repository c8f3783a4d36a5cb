"""The study of published numbers, and the helpers that tell its rules which files they have."""

import re

from suffice.kinds.published.figures import FIGURES
from suffice.kinds.published.study import TABLES
from suffice.kinds.published.tables import files_of
from suffice.workflow import open_published, overrides_in, stable

PUBLISHED = study_folder(config, ROOT)
try:
    SETTINGS = open_published(config, ROOT)
except SufficeError as error:
    stop_with_message(error)

RESULTS = f"results/{PUBLISHED.name}"


wildcard_constraints:
    study=re.escape(PUBLISHED.name),


def reported_figure(name):
    """The picture of one figure, with its name in Snakemake's report."""
    return report(
        f"results/{{study}}/figures/{name}.png",
        caption="../../report/published_figure.rst",
        category="Figures",
        labels={"figure": name},
    )


def final_files():
    """What a study ends with."""
    return [f"{RESULTS}/report.html"]
