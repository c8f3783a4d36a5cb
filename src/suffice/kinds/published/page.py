"""The page of recomputed numbers: one self-contained HTML file."""

from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.published.figures import QUESTIONS, ranked_models
from suffice.kinds.published.rows import BEFORE, DIFFERS, IMPOSSIBLE, NEW, REPRODUCED
from suffice.kinds.published.rows import PRINTED as PUBLISHED
from suffice.kinds.published.study import OWN_FIGURES, PublishedSettings
from suffice.numbers import Column, correlation_interval, integer, number, text
from suffice.page.figures import FigureView, view_figure
from suffice.page.findings import FindingView, view_findings
from suffice.page.made import write_page
from suffice.page.tables import make_table
from suffice.storage.files import read_table, whole_files

PRINTED = (
    Column("what", "Number"),
    Column("statistic", "Statistic"),
    Column("published", "Printed", number),
    Column("recomputed", "Recomputed", number),
    Column("status", "Verdict"),
    Column("difference", "Difference", number),
    Column("tolerance", "Tolerance", number),
    Column("low", "95 % interval", correlation_interval, "low", "high"),
    Column("n_models", "Models", integer),
    Column("origin", "From"),
    Column("reason", "Why", text),
)
ADDED = tuple(
    column
    for column in PRINTED
    if column.key not in ("published", "difference", "tolerance", "status", "origin")
)
SCORES = (
    Column("model", "Model"),
    Column("published", "Printed", number),
    Column("recomputed", "Recomputed", number),
    Column("difference", "Difference", number),
    Column("without_self", "Without self pairs", number),
)


def page_of_published(settings: PublishedSettings, output: Path) -> None:
    """Write the page; its tables and figures are in folders beside it."""
    tables = {path.stem: read_table(path) for path in whole_files(output.parent / "tables", "*.csv")}
    write_page(
        output,
        "published/page.html.j2",
        settings.seed,
        settings.model_dump(mode="json"),
        settings=settings,
        **_content(tables),
        figures=_figures(output.parent / "figures"),
        findings=_findings(tables, output.parent / "figures"),
    )


def _content(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    rows = tables["side_by_side"]
    return {
        "headline": headline(rows),
        "facts": _facts(rows),
        "printed": {
            part: make_table(group, PRINTED, f"Printed and recomputed: {part}")
            for part, group in rows[rows["status"] != NEW].groupby("part", sort=False)
        },
        "added": make_table(rows[rows["status"] == NEW], ADDED, "Not printed, from the same tables"),
        "scores": make_table(tables["scores"], SCORES, "The 34 scores of text models, nats per dimension"),
    }


def headline(rows: pd.DataFrame) -> str:
    """A sentence on how many printed numbers are reproduced."""
    tried = rows[(rows["origin"] == PUBLISHED) & rows["status"].isin([REPRODUCED, DIFFERS])]
    again = int((tried["status"] == REPRODUCED).sum())
    return f"{again} of {len(tried)} printed numbers are reproduced."


def _facts(rows: pd.DataFrame) -> list[dict[str, str]]:
    counts = rows["status"].value_counts()
    before = int(((rows["status"] == REPRODUCED) & (rows["origin"] == BEFORE)).sum())
    words = {
        REPRODUCED: f"within tolerance; {before} of them computed before, not printed",
        DIFFERS: "outside tolerance",
        IMPOSSIBLE: "their inputs are not printed",
        NEW: "from the same tables",
    }
    return [
        {"name": status, "value": integer(counts.get(status, 0)), "detail": detail}
        for status, detail in words.items()
    ]


def _findings(tables: dict[str, pd.DataFrame], folder: Path) -> list[FindingView]:
    """The findings of the usual questions on the published numbers."""
    ranked = ranked_models(tables)
    findings = [finding for each in QUESTIONS for finding in each.findings(ranked)]
    figures = {path.stem: path for path in whole_files(folder, "*.svg")}
    return view_findings(findings, figures, "published text models")


def _figures(folder: Path) -> list[FigureView]:
    return [view_figure(*words, "", folder / f"{name}.svg") for name, words in OWN_FIGURES.items()]
