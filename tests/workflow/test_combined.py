"""A study whose models are ranked by two estimators together."""

import pandas as pd
import pytest

from suffice.ranking.looks import ranked_pairs
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def test_two_estimators_make_one_ranking_with_page_and_ablations(workflow):
    settings = workflow.study / "study.yaml"
    settings.write_text(settings.read_text().replace("estimators: {linear: {}}\n", ""))
    workflow.run()
    rankings = workflow.results / "ranking" / "toys"
    assert {path.stem for path in rankings.glob("*.csv")} == {"linear-and-neighbours", "linear", "neighbours"}
    ranking = pd.read_csv(rankings / "linear-and-neighbours.csv").set_index("model")

    folders = [workflow.results / "pairs" / "toys" / each for each in ("linear", "neighbours")]
    pairs = [path for folder in folders for path in sorted(folder.glob("*"))]
    families = {name: "words" for name in ("words-8", "words-2")} | {"own": "own", "own-pca": "own"}
    same = rank_pairs(ranked_pairs(pairs), RankingSettings(n_resamples=100), 1, families)
    pd.testing.assert_series_equal(ranking["win_rate"], same.set_index("model")["win_rate"][ranking.index])
    alone = pd.read_csv(rankings / "linear.csv").set_index("model")
    for nats in ("score", "published_score"):
        pd.testing.assert_series_equal(ranking[nats].sort_index(), alone[nats].sort_index())

    page = (workflow.results / "report.html").read_text()
    assert "Ranked by linear and neighbours together" in page and "shared neighbours" in page
    drawn = {path.name for path in (workflow.results / "figures" / "toys").iterdir()}
    assert drawn == {"linear-and-neighbours"}
    correlation = pd.read_csv(workflow.results / "correlation" / "toys.csv")
    kinds = correlation[correlation["predictor_kind"] != "baseline"]["predictor"]
    assert set(kinds) == {"linear-and-neighbours", "linear", "neighbours"}

    workflow.run("ablations")
    folder = workflow.results / "ablations" / "toys"
    assert pd.read_csv(folder / "pool.linear-and-neighbours.csv")["mean"].notna().any()
    assert set(pd.read_csv(folder / "items.csv")["n_items"]) == {300}
    assert "Nothing to be done" in workflow.run().output
