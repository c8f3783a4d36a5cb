"""Write the tables and figures of docs/calibration.md from a calibration study that has run.

make study STUDY=calibration
python benchmarks/calibration.py results/calibration
"""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from suffice.kinds.calibration.tables import common_settings
from suffice.numbers import integer, number, percent, text
from suffice.storage.files import read_table, whole_file
from suffice.storage.provenance import machine, versions

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "calibration.md"
MARK = re.compile(r"(<!-- table: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
Columns = dict[str, tuple[str, Callable[..., str]]]

SUMMARY: Columns = {
    "estimator": ("estimator", text),
    "gaussian_error": ("error, Gaussian channels", percent),
    "other_error": ("error, other channels", percent),
    "own_error": ("error, own value", percent),
    "independent_nats_per_dim": ("largest on independent data", number),
    "covered": ("intervals that include the truth", percent),
    "own_covered": ("intervals that include the own value", percent),
    "in_order": ("chains in order", percent),
    "rotations_tied": ("rotated copies tied", percent),
    "seconds": ("seconds per pair", number),
    "n_settings": ("settings", integer),
}
ORDER: Columns = {
    "estimator": ("estimator", text),
    "chain": ("chain", text),
    "aggregate": ("aggregate", text),
    "kendall_tau": ("Kendall's tau", number),
    "in_order": ("in order", percent),
    "all_tied": ("all tied", percent),
    "n_draws": ("draws", integer),
}
INVARIANCE: Columns = {
    "estimator": ("estimator", text),
    "side": ("side", text),
    "change": ("change", text),
    "largest_difference_nats_per_dim": ("largest difference (nats/dim)", number),
}


def markdown(table: pd.DataFrame, columns: Columns) -> str:
    """A table as Markdown, numbers flush right."""
    lines = ["| " + " | ".join(heading for heading, _ in columns.values()) + " |"]
    lines.append("|" + "|".join("---" if write is text else "---:" for _, write in columns.values()) + "|")
    for _, row in table.iterrows():
        lines.append("| " + " | ".join(write(row[key]) for key, (_, write) in columns.items()) + " |")
    return "\n".join(lines) + "\n"


def by_channel(accuracy: pd.DataFrame) -> str:
    """Median relative error of each estimator on each channel, at the settings that all measured."""
    shared = common_settings(accuracy)
    dependent = shared[shared["truth_nats_per_dim"] > 0]
    return _by(dependent, ["family", "channel"], {"family": ("family", text), "channel": ("channel", text)})


def by_width(accuracy: pd.DataFrame) -> str:
    """Median relative error on the Gaussian channel by width and items; a dash where it was not measured."""
    rows = accuracy[(accuracy["channel"] == "gaussian") & (accuracy["truth_nats_per_dim"] > 0)]
    keys = {"source_dim": "d_u", "target_dim": "d_v", "n_items": "items"}
    named = {key: (heading, integer) for key, heading in keys.items()}
    return _by(rows, list(keys), named, sort=True)


def _by(rows: pd.DataFrame, keys: list[str], named: Columns, sort: bool = False) -> str:
    names = list(dict.fromkeys(rows["estimator"]))
    wide = rows.pivot_table(
        index=keys, columns="estimator", values="relative_error", aggfunc="median", sort=sort
    )
    return markdown(wide.reset_index(), named | {name: (name, percent) for name in names})


def about(accuracy: pd.DataFrame) -> str:
    """What was run, where, with which versions."""
    computer, used = machine(), versions()
    n_settings = len(
        accuracy.drop_duplicates(["channel", "source_dim", "target_dim", "n_items", "nats_per_dim"])
    )
    return (
        f"{integer(n_settings)} settings, {integer(accuracy['n_draws'].sum())} estimates; "
        f"{computer['processor']}, one core per job; numpy {used['numpy']}, torch {used.get('torch', '–')}.\n"
    )


def main(results: Path) -> None:
    """Rewrite what stands between the marks, and copy the figures."""
    accuracy, order, invariance = (
        read_table(results / "tables" / f"{name}.csv") for name in ("accuracy", "order", "invariance")
    )
    made = {
        "about": about(accuracy),
        "summary": markdown(read_table(results / "summary.csv"), SUMMARY),
        "channels": by_channel(accuracy),
        "widths": by_width(accuracy),
        "order": markdown(order, ORDER),
        "invariance": markdown(invariance, INVARIANCE),
    }
    page = PAGE.read_text(encoding="utf-8")
    page = MARK.sub(lambda match: match[1] + made[match["name"]] + match[3], page)
    with whole_file(PAGE) as temporary:
        temporary.write_text(page, encoding="utf-8")
    for figure in sorted((results / "figures").glob("*.png")):
        shutil.copyfile(figure, PAGE.parent / "figures" / f"calibration_{figure.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/calibration"))
