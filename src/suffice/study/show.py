"""The results of a study, printed in a terminal."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.cost import note_on_costs, stored_costs
from suffice.analyses.recommendation import Recommendation, recommend
from suffice.baselines.stored import predictor_table
from suffice.data.modalities.registry import modality_of
from suffice.errors import DataError
from suffice.ranking.sample_size import describe_items_needed
from suffice.ranking.targets import describe_targets
from suffice.storage.files import read_json, read_table, whole_files
from suffice.storage.records import check_result

SUMMARY = "summary.csv"
COLUMNS = ["rank", "model", "win_rate", "score", "rank_low", "rank_high", "tie_group", "could_be_first"]


def show_results(results: Path) -> str:
    """The rankings of the page and the warnings about models, or the summary; then the path of the page.

    Raises:
        DataError: the folder holds no ranking and no summary.
    """
    rankings, summary = shown_rankings(results), results / SUMMARY
    parts = [_show_summary(summary)] if summary.exists() else list(map(_show_ranking, rankings))
    page = results / "report.html"
    return "\n\n".join([*parts, f"page: {page}"] if page.exists() else parts)


def shown_rankings(results: Path) -> list[Path]:
    """The rankings on the page, or all rankings if the page shows none; empty in a study with only a summary.

    Raises:
        DataError: the folder holds no ranking and no summary.
    """
    rankings = whole_files(results, "ranking/*/*.csv")
    if not rankings and not (results / SUMMARY).exists():
        raise DataError(f"{results} holds no ranking; run the study first: suffice run STUDY")
    drawn = {path.relative_to(results / "figures") for path in (results / "figures").glob("*/*")}
    on_page = [path for path in rankings if path.relative_to(results / "ranking").with_suffix("") in drawn]
    return on_page or rankings


def results_as_json(results: Path) -> dict[str, Any]:
    """The content of `show_results` with JSON-compatible values; NaN becomes null.

    Raises:
        DataError: the folder holds no ranking and no summary.
    """
    rankings, summary = shown_rankings(results), results / SUMMARY
    page = results / "report.html"
    return {
        "rankings": [_ranking_as_json(path) for path in rankings],
        "summary": json_rows(read_table(summary)) if summary.exists() else None,
        "page": str(page) if page.exists() else None,
    }


def _ranking_as_json(path: Path) -> dict[str, Any]:
    check_result(path.parents[2], path)
    ranking = read_table(path)
    said = _recommended(path, ranking).as_json()
    return {
        "dataset": path.parent.name,
        "ranking": path.stem,
        "recommendation": said,
        "models": json_rows(ranking),
    }


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table with JSON-compatible values; NaN and infinity become null."""
    return list(json.loads(table.to_json(orient="records", double_precision=15)))


def show_failures(results: Path) -> str:
    """The models that failed, and how to continue without them; empty if all succeeded."""
    failures = [read_json(path) for path in whole_files(results, "failed/*/*.json")]
    if not failures:
        return ""
    try:
        lines = [
            f"failed: model {each['model']} on data set {each['dataset']}: {each['message']}"
            for each in failures
        ]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{results}/failed holds a file that is not a record ({error!r}); delete it"
        ) from None
    how = "the same command with --config skip_failed=true (make: SKIP_FAILED=yes)"
    lines.append(f"To rank without these models: {how}")
    return "\n".join(lines)


def _show_summary(path: Path) -> str:
    """The summary of a study of another kind, one line per row."""
    with pd.option_context("display.width", 160, "display.max_columns", None):
        return read_table(path).to_string(index=False, float_format="%.3f", na_rep="–")


def _show_ranking(path: Path) -> str:
    check_result(path.parents[2], path)
    ranking = read_table(path)
    try:
        return _described(path, ranking)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a ranking of this version ({error!r}); run it again") from None


def _recommended(path: Path, ranking: pd.DataFrame) -> Recommendation:
    """Which model to take, from the ranking and the tables beside it."""
    results, dataset = path.parents[2], path.parent.name
    others = {other.stem: read_table(other) for other in sorted(path.parent.glob("*.csv")) if other != path}
    ways = predictor_table(others, read_table(results / "baselines" / f"{dataset}.csv"))
    costs = stored_costs(results, dataset, path.stem)
    controls = list(ranking.loc[ranking["is_control"].astype(bool), "model"].astype(str))
    modality = modality_of(read_json(results / "corpora" / f"{dataset}.json"))
    return recommend(ranking, ways, costs, controls, modality)


def _described(path: Path, ranking: pd.DataFrame) -> str:
    table, warned = ranking[COLUMNS], ranking[ranking["warnings"].notna()]
    warnings = [f"  {row.model}: {row.warnings}" for row in warned.itertuples()]
    heading = f"data set {path.parent.name}, ranked by {path.stem} (score: nats per target dimension)"
    with pd.option_context("display.width", 120):
        shown = table.to_string(index=False, float_format="%.3f")
    advice = [describe_targets(ranking), describe_items_needed(ranking)]
    answer = _recommended(path, ranking).text
    costs = stored_costs(path.parents[2], path.parent.name, path.stem)
    advice += list(filter(None, [note_on_costs(costs)]))
    return "\n".join([answer, "", heading, shown, *advice, *(["warnings:", *warnings] if warnings else [])])
