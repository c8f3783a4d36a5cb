"""The recommendation: what it names, when it holds back, and what it says to do next."""

import numpy as np
import pandas as pd
import pytest

from suffice.analyses.recommendation import first_choices, recommend
from suffice.data.modalities.molecule import MOLECULE
from suffice.data.modalities.text import TEXT
from suffice.estimators.names import FEW_ITEMS_WARNING


def ranking_of(models, could_be_first, looks="halves", **columns):
    table = pd.DataFrame({"model": models, "rank": range(1, len(models) + 1)})
    table["could_be_first"] = table["model"].isin(could_be_first)
    table["could_be_first_pools"] = pd.array([pd.NA] * len(models), dtype="boolean")
    table["win_rate"] = [1 - place / len(models) for place in range(len(models))]
    table["score"], table["aggregate"], table["looks"] = table["win_rate"], "ranks", looks
    table["embed_dim"], table["warnings"], table["near_copies"] = 64, "", ""
    return table.assign(**columns)


def ways_of(**first_of):
    """Each way gives one model 1 and the others less."""
    rows = [
        (model, way, float(model == first))
        for way, first in first_of.items()
        for model in ("a", "b", "c", "d")
    ]
    return pd.DataFrame(rows, columns=["model", "predictor", "value"])


MODELS = ["a", "b", "c", "d"]


def test_names_a_model_that_alone_could_be_first_and_that_the_witnesses_choose():
    found = recommend(ranking_of(MODELS, ["a"]), ways_of(neighbours="a", self_retrieval="a", consensus="a"))
    assert found.is_settled
    assert found.headline == "Take a."
    assert found.to_label == []


@pytest.mark.parametrize("witness", ["neighbours", "self_retrieval", "consensus"])
def test_one_dissenting_witness_unsettles_the_choice_and_is_to_be_labelled(witness):
    ways = ways_of(**{"neighbours": "a", "self_retrieval": "a", "consensus": "a", witness: "c"})
    found = recommend(ranking_of(MODELS, ["a"]), ways)
    assert not found.is_settled
    assert found.model == "a"
    assert found.to_label == ["a", "c"]
    assert "label about 200 items and compare a and c" in found.text


def test_width_and_rankme_are_named_but_are_no_witnesses():
    found = recommend(ranking_of(MODELS, ["a"]), ways_of(consensus="a", rankme="b", embed_dim="d"))
    assert found.is_settled
    assert "RankMe would take b; width would take d." in found.text


def test_too_few_items_for_regression_settle_nothing_and_neighbours_are_named():
    warned = [f"{FEW_ITEMS_WARNING} (3 of 8 pairs)", "", "", ""]
    ways = ways_of(neighbours="a", self_retrieval="a", consensus="a")
    assert recommend(ranking_of(MODELS, ["a"]), ways).is_settled
    found = recommend(ranking_of(MODELS, ["a"], warnings=warned), ways)
    assert not found.is_settled
    assert "too few items (or groups) for regression on 1 of 4 models, which favours narrow" in found.text
    assert "better with tasks then on texts, but not on images or speech; they would take a." in found.text
    one_look = recommend(ranking_of(MODELS, ["a"], looks="same", warnings=warned), ways)
    assert "they would take" not in one_look.text


def test_one_look_settles_nothing_and_the_next_model_is_to_be_labelled():
    ways = ways_of(neighbours="a", consensus="a")
    assert recommend(ranking_of(MODELS, ["a"]), ways).is_settled
    found = recommend(ranking_of(MODELS, ["a"], looks="same"), ways)
    assert not found.is_settled
    assert found.headline == "Try a first, but this is not settled."
    assert found.to_label == ["a", "b"]
    copies = ranking_of(MODELS, ["a"], looks="same", near_copies=["b", "a", "", ""])
    assert recommend(copies, ways).to_label == ["a", "c"]


def test_several_that_could_be_first_are_not_settled():
    found = recommend(ranking_of(MODELS, ["a", "b"]), ways_of(rankme="a"))
    assert not found.is_settled
    assert "2 of 4 models could be first: a or b." in found.text
    assert found.to_label == ["a", "b"]


def test_one_other_model_is_not_called_all_others():
    found = recommend(ranking_of(["a", "b"], ["a"]), ways_of(rankme="a"))
    assert found.certainty[0] == "On these items a is ahead of the other model (95 % confidence)."


def test_near_copies_are_no_rivals_of_each_other():
    copies = {"near_copies": ["b", "a", "", ""]}
    found = recommend(ranking_of(MODELS, ["a", "b"], **copies), ways_of(rankme="b"))
    assert found.is_settled and found.headline == "Take a."
    assert found.certainty[0] == "On these items a and b are ahead of all 2 other models (95 % confidence)."
    assert "Near-copies of each other, which count once: a, b." in found.certainty
    tied = recommend(ranking_of(MODELS, ["a", "b", "c"], **copies), ways_of(rankme="b"))
    assert not tied.is_settled and tied.to_label == ["a", "c"]
    assert not recommend(ranking_of(MODELS, ["a", "b"], **copies), ways_of(consensus="c")).is_settled


def test_an_untrained_control_is_never_settled_on_and_what_ranks_below_it_is_named():
    top = recommend(ranking_of(MODELS, ["a"]), ways_of(rankme="a"), controls=["a"])
    assert not top.is_settled
    assert "a, which is not trained, could be first" in top.text
    low = recommend(ranking_of(MODELS, ["a"]), ways_of(rankme="a"), controls=["c"])
    assert low.is_settled
    assert "Do not take d: below c, which is not trained." in low.text


def test_the_cheapest_equal_is_named_only_if_it_saves_enough():
    ranking, ways = ranking_of(MODELS, ["a", "b"]), ways_of(rankme="a")
    cards = pd.DataFrame({"model": MODELS, "cpu_seconds_per_1000_items": [10.0, 2.0, 0.1, 0.1]})
    found = recommend(ranking, ways, cards)
    assert found.cheaper == (
        "b is 5 times cheaper in CPU seconds and cannot be told apart from a on these items."
    )
    assert found.cheaper in found.reasons and found.cheaper in found.text
    dear = cards.assign(cpu_seconds_per_1000_items=[3.0, 2.0, 0.1, 0.1])
    assert "b is 1.5 times cheaper" in recommend(ranking, ways, dear).cheaper
    slow = cards.assign(cpu_seconds_per_1000_items=[2500.0, 2.0, 0.1, 0.1])
    assert "b is 1,250 times cheaper" in recommend(ranking, ways, slow).cheaper
    level = cards.assign(cpu_seconds_per_1000_items=[10.0, 9.0, 0.1, 0.1])
    assert recommend(ranking, ways, level).cheaper == ""


def test_a_price_decides_what_is_cheaper_where_two_models_have_one():
    ranking, ways = ranking_of(MODELS, ["a", "b", "c"]), ways_of(rankme="a")
    cards = pd.DataFrame(
        {
            "model": MODELS,
            "cpu_seconds_per_1000_items": [10.0, 2.0, 1.0, 0.1],
            "device_seconds_per_1000_items": [np.nan, 3.0, 1.0, np.nan],
            "price_per_million_items": [8.0, 2.0, np.nan, 1.0],
        }
    )
    assert "b is 4 times cheaper by price" in recommend(ranking, ways, cards).cheaper
    alone = cards.assign(price_per_million_items=[8.0, np.nan, np.nan, 1.0])
    assert "c is 10 times cheaper in CPU seconds" in recommend(ranking, ways, alone).cheaper
    on_gpu = alone.assign(device_seconds_per_1000_items=[9.0, 3.0, np.nan, 1.0])
    assert "b is 3 times cheaper in GPU seconds" in recommend(ranking, ways, on_gpu).cheaper


def test_one_look_is_said_to_be_the_weaker_way():
    ways = ways_of(rankme="a")
    assert "two looks" in recommend(ranking_of(MODELS, ["a"], looks="same"), ways).text
    assert "two looks" not in recommend(ranking_of(MODELS, ["a"]), ways).text


def test_the_record_of_the_modality_is_told_and_molecules_settle_nothing():
    ranking, ways = ranking_of(MODELS, ["a"]), ways_of(consensus="a")
    texts = recommend(ranking, ways, modality=TEXT)
    assert texts.is_settled and TEXT.record in texts.certainty
    molecules = recommend(ranking, ways, modality=MOLECULE)
    assert not molecules.is_settled and MOLECULE.record in molecules.certainty
    assert molecules.to_label == ["a", "b"]


def test_a_ranking_that_follows_width_says_so():
    models = ["a", "b", "c", "d", "e"]
    wide = ranking_of(models, ["a"], embed_dim=[512, 256, 128, 64, 32])
    assert "follows the width" in recommend(wide, ways_of(rankme="a")).text
    narrow = ranking_of(models, ["a"], embed_dim=[32, 64, 128, 256, 512])
    assert "follows the width" not in recommend(narrow, ways_of(rankme="a")).text


def test_other_pools_are_spoken_of_only_where_they_are_known():
    ranking = ranking_of(MODELS, ["a"])
    assert "other models like these" not in recommend(ranking, ways_of(rankme="a")).text
    open_pools = ranking.assign(could_be_first_pools=[True, True, True, False])
    assert "any of 3 models could be first" in recommend(open_pools, ways_of(rankme="a")).text


def test_first_choices_name_all_tied_models_and_leave_out_empty_ways():
    ways = pd.concat([ways_of(rankme="a"), ways_of(none="x").assign(value=float("nan"))])
    tied = ways.assign(value=ways["value"].where(ways["model"] != "b", ways["value"].max()))
    assert first_choices(tied).to_dict("records") == [
        {"way": "rankme", "model": "a, b"},
        {"way": "none", "model": "b"},
    ]
    assert first_choices(ways).to_dict("records") == [{"way": "rankme", "model": "a"}]
