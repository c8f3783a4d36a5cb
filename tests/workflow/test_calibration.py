"""The workflow on a small calibration study: end to end, and what a change makes anew."""

import pandas as pd
import pytest

from suffice.study.show import show_results

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

STUDY = """title: Toy calibration
kind: calibration
estimators: {linear: {}, coarse: {estimator: linear, variance_floor: 0.95}}
grid: toy
grids:
  toy:
    channels:
      few: {channels: [gaussian, mixture], widths: [4, 8], n_items: [300], nats_per_dim: [0, 1]}
    chains:
      three: {chains: [noise], n_models: 3, dim: 8, n_items: 300, step_nats_per_dim: 0.3}
    limits:
      coarse: {max_dim: 4, max_items: 1000}
"""


@pytest.fixture
def calibration(workflow, tmp_path):
    workflow.study = tmp_path / "known"
    workflow.study.mkdir()
    (workflow.study / "study.yaml").write_text(STUDY)
    return workflow


def test_a_calibration_study_runs_to_its_page(calibration):
    calibration.run()
    accuracy = pd.read_csv(calibration.results / "tables" / "accuracy.csv")
    counts = accuracy.groupby("estimator").size()
    assert counts["linear"] == 8 and counts["coarse"] == 4  # within its limit
    error = accuracy[accuracy["truth_nats_per_dim"] > 0].set_index(["estimator", "channel", "source_dim"])
    assert error.loc[("linear", "gaussian", 4), "relative_error"] < 0.3
    # Half of the components of the mixture are uncorrelated; a penalty of 100 leaves nothing of any.
    assert error.loc[("linear", "mixture", 4), "relative_error"] > 0.3
    assert error.loc[("coarse", "gaussian", 4), "relative_error"] > 0.9
    order = pd.read_csv(calibration.results / "tables" / "order.csv")
    assert set(order["estimator"]) == {"linear"}
    assert order.set_index("aggregate").loc["mean", "in_order"] == 1
    page = (calibration.results / "report.html").read_text()
    assert "linear" in page and "coarse: 4 of 8" in page
    assert "Traceback" not in page
    shown = show_results(calibration.results)
    assert "gaussian_error" in shown and "report.html" in shown
    assert "Nothing to be done" in calibration.run().output


def test_a_wrong_grid_stops_before_the_first_job_with_its_message(calibration):
    done = calibration.run(check=False, grid="toyy")
    assert done.returncode != 0
    assert "unknown grid 'toyy'; did you mean 'toy'" in done.output
    assert not (calibration.work / "results").exists()
