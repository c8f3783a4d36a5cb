"""Published numbers, recomputed; the tables are part of the project."""

import numpy as np
import pandas as pd
import pytest

from suffice.analyses.correlation import Bootstrap
from suffice.errors import StudyError
from suffice.kinds.published.figures import draw_published
from suffice.kinds.published.molecules import correlations_of_molecules, rows_of_molecules
from suffice.kinds.published.page import headline
from suffice.kinds.published.recompute import write_tables
from suffice.kinds.published.rows import DIFFERS, IMPOSSIBLE, NEW, REPRODUCED, Row, side_by_side
from suffice.kinds.published.study import load_published
from suffice.kinds.published.tables import PublishedTables, files_of, short_models
from suffice.kinds.published.text import correlations_of_text, rows_of_text, scores_of_pairs


@pytest.fixture(scope="module")
def folder(project):
    return project / "config" / "published"


@pytest.fixture(scope="module")
def tables(folder):
    return PublishedTables.read(folder)


@pytest.fixture(scope="module")
def bootstrap():
    return Bootstrap(n_resamples=100)


def text_rows(tables, bootstrap):
    return side_by_side(list(rows_of_text(tables, correlations_of_text(tables, bootstrap), bootstrap)))


def test_every_printed_number_on_text_comes_out_again(tables, bootstrap):
    table = text_rows(tables, bootstrap)
    assert set(table["status"]) == {REPRODUCED, NEW, IMPOSSIBLE}
    average = table[table["what"] == "score against mteb_average"].set_index("statistic")["recomputed"]
    assert average["pearson"] == pytest.approx(0.937375, abs=5e-7)
    assert average["spearman"] == pytest.approx(0.896662, abs=5e-7)
    assert average["kendall"] == pytest.approx(0.732430, abs=5e-7)
    assert (table["status"] == REPRODUCED).sum() == 21
    assert not table.loc[table["status"] == IMPOSSIBLE, "reason"].eq("").any()


def test_a_changed_number_is_seen(tables, bootstrap):
    models = tables.text_models.copy()
    models.loc["thenlper/gte-large", "score_published"] += 0.002
    printed = tables.text_correlations.copy()
    printed.loc[0, "value"] += 1e-5
    changed = PublishedTables(**{**vars(tables), "text_models": models, "text_correlations": printed})
    table = text_rows(changed, bootstrap)
    differs = table[table["status"] == DIFFERS]["what"]
    assert any("34 scores" in what for what in differs)
    assert "score against mteb_average" in set(differs)


def test_scores_are_medians_over_all_targets_with_the_model_itself(tables):
    matrix = tables.text_pairs.pivot(index="source", columns="target", values="nats_per_dim")
    assert scores_of_pairs(tables).to_dict() == pytest.approx(matrix.median(axis=1).to_dict())
    without = matrix.mask(np.eye(len(matrix), dtype=bool))
    assert scores_of_pairs(tables, self_pairs=False).to_dict() == pytest.approx(
        without.median(axis=1).to_dict()
    )


def test_molecules_come_out_again_and_categories_cannot(tables, bootstrap):
    rows = side_by_side(list(rows_of_molecules(tables, correlations_of_molecules(tables, bootstrap))))
    assert set(rows["status"]) == {REPRODUCED, NEW, IMPOSSIBLE}
    assert set(rows.loc[rows["status"] == IMPOSSIBLE, "reason"]) == {"ranks by category are not printed"}
    admet = rows[rows["what"] == "rank by score against admet"].set_index("statistic")["recomputed"]
    assert admet.to_dict() == pytest.approx({"pearson": 0.947, "spearman": 0.943, "kendall": 0.799}, abs=5e-4)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (Row("p", "w", "s", 0.79, 0.794, tolerance=0.005), REPRODUCED),
        (Row("p", "w", "s", 0.79, 0.796, tolerance=0.005), DIFFERS),
        (Row("p", "w", "s", 0.79), IMPOSSIBLE),
        (Row("p", "w", "s", recomputed=0.79), NEW),
    ],
)
def test_verdicts(row, status):
    assert row.status == status


def test_the_headline_counts_what_was_printed():
    rows = [
        Row("p", "a", "s", 0.5, 0.5, tolerance=0.1),
        Row("p", "b", "s", 0.5, 0.9, tolerance=0.1),
        Row("p", "c", "s", 0.5, 0.5, tolerance=0.1, origin="computed before"),
        Row("p", "d", "s", recomputed=0.5),
    ]
    assert headline(side_by_side(rows)) == "1 of 2 printed numbers are reproduced."


def test_tables_and_a_figure(folder, tmp_path):
    settings = load_published(folder, {"n_resamples": 100})
    write_tables(folder, settings, tmp_path / "tables", tmp_path / "summary.csv")
    decision = pd.read_csv(tmp_path / "tables" / "decision.csv").set_index("predictor")
    assert decision.loc["I_S", "regret_at_1"] == 0
    sensitivity = pd.read_csv(tmp_path / "tables" / "sensitivity.csv")
    merged = sensitivity[sensitivity["change"] == "near-copies as one"]
    assert merged["n_left_out"].iloc[0] == 6  # two groups of four near-copies
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert NEW not in set(summary["status"])
    ((name, drawn),) = draw_published(["ablations"], folder, tmp_path / "tables", 0)
    assert name == "ablations"
    assert {"curve", "reference"} == set(drawn.points["layer"])


def test_names_without_owners():
    table = pd.DataFrame({"model": ["a/b-c"], "left_out": ["x/y, z"], "score": [1.0]})
    assert short_models(table)["model"].tolist() == ["b-c"]


def test_missing_and_damaged_files_are_named(folder, tmp_path):
    with pytest.raises(StudyError, match="darrin2024_text_models.csv is missing"):
        PublishedTables.read(tmp_path)
    for path in files_of(folder):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "darrin2024_modes.csv").write_text("")
    with pytest.raises(StudyError, match="darrin2024_modes.csv cannot be read"):
        PublishedTables.read(tmp_path)
