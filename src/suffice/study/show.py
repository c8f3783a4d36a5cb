"""What a study found, in a terminal."""

from pathlib import Path

import pandas as pd

from suffice.errors import DataError
from suffice.files import read_json, read_table

COLUMNS = ["rank", "model", "score", "score_low", "score_high", "rank_low", "rank_high", "tie_group"]


def show_results(results: Path) -> str:
    """The rankings of a study, the models that failed, and where the page is.

    Raises:
        DataError: the folder holds neither rankings nor failures.
    """
    rankings = sorted(results.glob("ranking/*/*.csv"))
    failures = [read_json(path) for path in sorted(results.glob("failed/*/*.json"))]
    if not rankings and not failures:
        raise DataError(f"{results} holds no ranking; run the study first: make study STUDY={results.name}")
    parts = [_show_ranking(path) for path in rankings]
    parts += [_show_failure(failure) for failure in failures]
    if failures:
        parts.append(f"rank the others without them: make study STUDY={results.name} SKIP_FAILED=yes")
    page = results / "report.html"
    if page.exists():
        parts.append(f"page: {page}")
    return "\n\n".join(parts)


def _show_ranking(path: Path) -> str:
    table = read_table(path)[COLUMNS]
    heading = f"data set {path.parent.name}, estimator {path.stem} (score: nats per target dimension)"
    with pd.option_context("display.width", 120):
        return f"{heading}\n{table.to_string(index=False, float_format='%.3f')}"


def _show_failure(failure: dict[str, str]) -> str:
    return f"failed: model {failure['model']} on data set {failure['dataset']}: {failure['message']}"
