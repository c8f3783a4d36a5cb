"""The page of a calibration study: one self-contained HTML file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.calibration.study import CalibrationStudy, load_calibration
from suffice.kinds.calibration.tables import SETTING, common_settings
from suffice.numbers import Column, integer, number, percent
from suffice.page.figures import FigureView, view_figure
from suffice.page.made import write_page
from suffice.page.tables import Table, make_table
from suffice.storage.files import read_table

FIGURE_WORDS = {
    "channel_curves": (
        "Where each estimator follows the truth, and where it fails",
        "Estimate against truth on each channel, with a line for each estimator. A correct estimator follows "
        "the dashed line. The grey wedge is within 10 % of it. A flat line means that the estimator cannot "
        "see what the channel carries. A line that bends down has reached its ceiling.",
    ),
    "estimate_against_truth": (
        "All channels by estimator",
        "Estimate against truth, coloured by the family of the channel. Settings that differ only in their "
        "nats are joined by a line.",
    ),
    "error_by_width": (
        "Error by width",
        "Relative error against the width of both sides, by number of items. The grey band is 10 %. A line "
        "ends at the grid's limit for its estimator.",
    ),
    "independence": (
        "Independent data",
        "Estimates for independent source and target: the truth is 0. The grey band is ±0.005 nats per "
        "dimension. The axis is logarithmic beyond ±0.01.",
    ),
}
SUMMARY = (
    Column("estimator", "Estimator"),
    Column("gaussian_error", "Error, Gaussian channels", percent),
    Column("other_error", "Error, other channels", percent),
    Column("own_error", "Error, own value", percent),
    Column("independent_nats_per_dim", "Largest on independent data", number),
    Column("covered", "Intervals that include the truth", percent),
    Column("own_covered", "Intervals that include the own value", percent),
    Column("in_order", "Chains in order", percent),
    Column("rotations_tied", "Rotated copies tied", percent),
    Column("source_rotation_nats_per_dim", "Change by rotating the source", number),
    Column("seconds", "Seconds per pair", number),
    Column("n_settings", "Settings", integer),
    Column("n_refused", "Refused", integer),
)
ACCURACY = (
    Column("estimator", "Estimator"),
    Column("channel", "Channel"),
    Column("source_dim", "Source width", integer),
    Column("target_dim", "Target width", integer),
    Column("n_items", "Items", integer),
    Column("truth_nats_per_dim", "Truth", number),
    Column("linear_nats_per_dim", "Linear value", number),
    Column("gaussian_nats_per_dim", "Gaussian value", number),
    Column("estimate_nats_per_dim", "Estimate", number),
    Column("error_nats_per_dim", "Bias", number),
    Column("error_spread_nats_per_dim", "Spread", number),
    Column("relative_error", "Relative error", percent),
    Column("covered", "Covered", percent),
    Column("seconds", "Seconds", number),
    Column("n_draws", "Draws", integer),
)
ORDER = (
    Column("estimator", "Estimator"),
    Column("chain", "Chain"),
    Column("aggregate", "Aggregate"),
    Column("n_models", "Models", integer),
    Column("dim", "Width", integer),
    Column("n_items", "Items", integer),
    Column("step_nats_per_dim", "Step", number),
    Column("kendall_tau", "Kendall's tau", number),
    Column("in_order", "In order", percent),
    Column("all_tied", "All tied", percent),
    Column("n_draws", "Draws", integer),
)
INVARIANCE = (
    Column("estimator", "Estimator"),
    Column("side", "Side"),
    Column("change", "Change"),
    Column("largest_difference_nats_per_dim", "Largest difference", number),
    Column("n_draws", "Draws", integer),
)


def page_of_calibration(folder: Path, overrides: Mapping[str, Any], output: Path) -> None:
    """Write the page of a calibration study; its tables and figures are beside it.

    Args:
        folder: the study's folder.
        overrides: values that replaced keys of study.yaml in this run.
        output: the page; the study's results are in the same folder.
    """
    study = load_calibration(folder, overrides)
    write_page(
        output,
        "calibration/page.html.j2",
        study.settings.seed,
        study.settings.model_dump(mode="json"),
        study=study,
        figures=_figures(study, output.parent),
        **_read(study, output.parent),
    )


def _read(study: CalibrationStudy, results: Path) -> dict[str, Any]:
    """Headline, facts and written tables."""
    accuracy = read_table(results / "tables" / "accuracy.csv")
    order = read_table(results / "tables" / "order.csv")
    invariance = read_table(results / "tables" / "invariance.csv")
    summary = read_table(results / "summary.csv")
    return {
        "headline": headline(summary),
        "details": details(summary, accuracy),
        "left_out": _left_out(study),
        "facts": _facts(accuracy),
        "summary": make_table(summary, SUMMARY, _summary_caption(accuracy), file_name="summary.csv"),
        "by_channel": by_channel_table(accuracy),
        "accuracy": make_table(
            accuracy,
            ACCURACY,
            "Every setting, in nats per target dimension",
            name_at=1,
            file_name="accuracy.csv",
        ),
        "order": _unless_empty(order, ORDER, "Known order, shares of draws", "order.csv"),
        "invariance": _unless_empty(
            invariance, INVARIANCE, "Changes without effect on the mutual information", "invariance.csv"
        ),
    }


def _unless_empty(table: pd.DataFrame, columns: tuple[Column, ...], caption: str, name: str) -> Table | None:
    return make_table(table, columns, caption, file_name=name) if len(table) else None


def headline(summary: pd.DataFrame) -> str:
    """The estimators with the smallest error on Gaussian channels and on the others, in a sentence."""
    gaussian, other = (_least(summary, column) for column in ("gaussian_error", "other_error"))
    if not gaussian and not other:
        return "No setting was measured by all estimators."
    if gaussian == other or not other:
        return f"{gaussian} is closest to the truth."
    if not gaussian:
        return f"{other} is closest to the truth."
    return f"{gaussian} is closest to the truth on Gaussian channels, and {other} on the others."


def _least(summary: pd.DataFrame, column: str) -> str:
    """The estimator with the smallest value; empty if no value is known."""
    known = summary[summary[column].notna()]
    return str(known.sort_values(column, kind="stable")["estimator"].iloc[0]) if len(known) else ""


def details(summary: pd.DataFrame, accuracy: pd.DataFrame) -> list[str]:
    """The evidence for the headline."""
    shared = common_settings(accuracy).groupby("estimator").size().max()
    lines = [
        f"Estimators are compared at the {integer(shared if pd.notna(shared) else 0)} settings that all of "
        "them measured. Errors are medians over settings of |estimate − truth| / truth."
    ]
    columns = ("estimator", "gaussian_error", "other_error", "seconds")
    return lines + [
        f"{name}: {percent(gaussian)} on Gaussian channels, {percent(other)} on others, {number(seconds)} s "
        "per pair."
        for name, gaussian, other, seconds in zip(*(summary[key] for key in columns), strict=True)
    ]


def _left_out(study: CalibrationStudy) -> list[str]:
    """Estimators whose limits leave settings out."""
    counts = {name: study.n_settings(name) for name in study.estimators}
    return [f"{name}: {done} of {total}" for name, (done, total) in counts.items() if done < total]


def _facts(accuracy: pd.DataFrame) -> list[dict[str, str]]:
    settings = accuracy.drop_duplicates(SETTING)
    widest = int(accuracy[["source_dim", "target_dim"]].to_numpy().max())
    low, high = accuracy["n_items"].min(), accuracy["n_items"].max()
    items = integer(low) if low == high else f"{integer(low)} to {integer(high)}"
    return [
        _fact("Channels", integer(accuracy["channel"].nunique()), "with known mutual information"),
        _fact("Settings", integer(len(settings)), f"{items} items"),
        _fact("Widest", integer(widest), "dimensions"),
        _fact("Estimates", integer(accuracy["n_draws"].sum()), "by all estimators"),
    ]


def _fact(name: str, value: str, detail: str) -> dict[str, str]:
    return {"name": name, "value": value, "detail": detail}


def _summary_caption(accuracy: pd.DataFrame) -> str:
    return (
        f"{accuracy['estimator'].nunique()} estimators at the settings that all of them measured, in "
        "nats per target dimension"
    )


def by_channel_table(accuracy: pd.DataFrame) -> Table:
    """Median relative error of each estimator on each channel, at the settings that all measured."""
    shared = common_settings(accuracy)
    dependent = shared[shared["truth_nats_per_dim"] > 0]
    names = list(dict.fromkeys(accuracy["estimator"]))
    wide = dependent.pivot_table(
        index=["channel", "family"],
        columns="estimator",
        values="relative_error",
        aggfunc="median",
        sort=False,
    )
    columns = (
        Column("channel", "Channel"),
        Column("family", "Family"),
        *(Column(name, name, percent) for name in names),
    )
    return make_table(wide.reset_index(), columns, "Median relative error by channel")


def _figures(study: CalibrationStudy, results: Path) -> list[FigureView]:
    return [
        view_figure(*FIGURE_WORDS[name], "The tables have the numbers.", results / "figures" / f"{name}.svg")
        for name in study.figures
    ]
