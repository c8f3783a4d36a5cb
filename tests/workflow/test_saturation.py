"""The workflow on the study of equal test loss at its quick scale: end to end, and what a change redoes."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from suffice.kinds.saturation.figures import FIGURES
from suffice.kinds.saturation.network_files import load_network
from suffice.kinds.saturation.tables import TABLES
from suffice.study.show import show_results

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def folder(project, tmp_path_factory):
    copied = tmp_path_factory.mktemp("study") / "equal"
    shutil.copytree(project / "config" / "saturation", copied)
    return copied


@pytest.fixture
def saturation(workflow, folder):
    workflow.study = folder
    return workflow


def test_the_quick_scale_runs_to_its_page_and_shows_what_it_can(saturation):
    saturation.run(scale="quick")
    results = saturation.results
    assert {path.stem for path in (results / "tables").glob("*.csv")} == set(TABLES)
    assert {path.stem for path in (results / "figures").glob("*.png")} == set(FIGURES)

    runs = pd.read_csv(results / "runs.csv")
    assert len(runs) == 4 * 2 and runs["reached"].all() and runs["excess_nats"].max() <= 0.004
    one = results / "models" / "anbn" / "transformer-learned" / "oracle" / "1.safetensors"
    assert load_network(one).size.width == 32

    cloud = pd.read_csv(results / "tables" / "cloud.csv")
    assert (cloud["id_rule_1"] == 1).all()
    behaviour = cloud.groupby("arm")["ood_rule_1"].mean()
    assert behaviour["oracle"] > behaviour["likelihood"] > behaviour["adversarial"]

    verdict = pd.read_csv(results / "summary.csv")
    shown = verdict.set_index("asked")["shown"]
    assert shown.filter(like="losses of arms differ by less than").all()
    assert shown.filter(like="losses of architectures differ by less than").all()
    assert shown.filter(like="logits of twins").all() and shown.filter(like="gap with 16").all()
    few = shown.filter(like="intervals of arms for rule 1")
    assert len(few) == 1 and not few.any()  # two seeds are fewer than are asked

    areas = pd.read_csv(results / "tables" / "bridge_auc.csv")
    assert set(areas["contrast"]) == {"arms", "read-out", "in context"} and areas["auc"].between(0, 1).all()
    kinds = pd.read_csv(results / "tables" / "generalisation.csv")
    assert len(kinds) == (2 + 2) * 2 * 2 and kinds["reached"].all()  # parts, architectures, seeds
    assert kinds.loc[kinds["part"] == "in distribution", "accuracy"].min() >= 0.95
    assert kinds.loc[kinds["part"] != "in distribution", "accuracy"].min() < 0.5

    pairs = pd.read_csv(results / "tables" / "generalisation_pairs.csv")
    assert set(pairs["kind"]) == {"systematic", "rule"} and pairs["value"].notna().all()
    relations = pd.read_csv(results / "tables" / "generalisation_bridge.csv")
    assert set(relations["part"]) == {"new role", "new order"}
    assert relations["spearman"].isna().all()  # two seeds are one pair

    models = pd.read_csv(results / "tables" / "practice_models.csv")
    assert len(models) == 2 * 2 and models["reached"].all() and np.ptp(models["check_nats"]) < 0.001
    differences = pd.read_csv(results / "tables" / "practice_differences.csv")
    pairs = differences[(differences["domain"] == "test") & (differences["differing"] == "any")]
    asked = pairs.set_index("question")["mean"]
    assert asked["held-out loss, relative"] < 0.03 < asked["first choice"] < asked["greedy continuation"]

    page = (results / "report.html").read_text()
    assert "The threshold is an excess of 2.0 nats" in page and "in 60 steps" in page
    assert "Separation of trained pairs" in page and "requirements were met" in page
    assert "Shares of seeds by their behaviour" in page and "Do kinds order networks alike?" in page
    assert "It therefore shows no relation" in page
    assert "What to do about it" in page and "Functions before training" in page
    assert "Meszaros" in page and "http-equiv" in page
    assert "report.html" in show_results(results) and "asked" in show_results(results)

    changed = json.dumps({"excess_nats": 0.02})
    planned = saturation.run("--dry-run", scale="quick", acceptance=changed).output
    assert "tabulate_saturation" in planned
    assert not any(f"{verb}_" in planned for verb in ("train", "tune", "compare", "collect"))


def test_a_wrong_scale_stops_with_its_message(saturation):
    done = saturation.run(check=False, scale="quik")
    assert done.returncode != 0 and "unknown scale 'quik'; did you mean 'quick'" in done.output
    assert "Traceback" not in done.output
