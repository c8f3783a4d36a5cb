"""The answer in words."""

import numpy as np
import pandas as pd
import pytest

from suffice.analyses.questions.correlation import UNCONFIRMED
from suffice.analyses.recommendation import headline, listed
from suffice.kinds.embeddings.answer import NO_DOUBT, UNSETTLED, answer
from suffice.numbers import correlation, integer, interval, number, percent, ranks


@pytest.mark.parametrize(
    ("tied", "n_models", "sentence"),
    [
        (["a"], 1, "a is the only model with a score."),
        (["a"], 2, "a is first, ahead of the other model."),
        (["a"], 9, "a is first, ahead of the other 8."),
        (["a", "b"], 9, "2 of 9 models could be first: a and b."),
        (["a", "b", "c"], 9, "3 of 9 models could be first: a, b and c."),
        (list("abcdef"), 9, "6 of 9 models could be first: a, b, c and 3 more."),
        (["a", "b"], 2, "The data cannot tell these 2 models apart."),
    ],
)
def test_headline(tied, n_models, sentence):
    assert headline(tied, n_models) == sentence


def test_names_in_a_sentence():
    assert [listed(list(names)) for names in ("a", "ab", "abcd")] == ["a", "a and b", "a, b, c and d"]


def test_a_clear_first_is_to_be_taken(make_page):
    found = answer(make_page(groups=[1, 2, 3]))
    assert found.headline == "Take model-a."
    assert found.certainty[0] == "On these items model-a is ahead of all 2 other models (95 % confidence)."
    assert [fact.value for fact in found.facts] == ["3", "1", "1,500", "0.80"]


def test_a_tie_is_not_settled_and_names_what_is_cheaper(make_page):
    found = answer(make_page(groups=[1, 1, 2]))
    assert found.headline == "Try model-a first, but this is not settled."
    assert found.cheaper == (
        "model-b is 1.5 times cheaper in CPU seconds and cannot be told apart from model-a on these items."
    )


def test_what_is_cheaper_is_not_named_where_the_cost_of_the_first_is_unknown(make_page):
    content = make_page(groups=[1, 1, 2])
    content.sections[0].cards.loc[0, "cpu_seconds_per_1000_items"] = np.nan
    assert answer(content).cheaper == ""


def test_agreement_is_set_beside_the_best_baseline(make_page):
    assert answer(make_page()).evidence[-1] == (
        "Against the mean rank over 2 tasks, the score has a Spearman correlation of 0.80 (95 % interval "
        "0.60 to 0.85, 3 models); the best of 2 baselines has 0.45 "
        "(0.25 to 0.50)."
    )


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.6, ", and the score is the better guide (difference 0.35, 0.10 to 0.60)."),
        (-0.6, -0.1, ", and the baseline is the better guide (difference 0.35, −0.60 to −0.10)."),
        (-0.2, 0.6, ", and the data do not show which is the better guide (difference 0.35, −0.20 to 0.60)."),
        (np.nan, np.nan, "(0.25 to 0.50)."),
    ],
)
def test_the_verdict_follows_the_interval_of_the_difference(make_page, low, high, words):
    names = "predictor baseline task statistic difference low high n_models".split()
    rows = [
        ("linear", "rankme", "mean rank", "spearman", 0.35, low, high, 3),
        ("linear", "embed_dim", "mean rank", "spearman", 0.5, 0.4, 0.6, 3),
    ]
    assert answer(make_page(differences=pd.DataFrame(rows, columns=names))).evidence[-1].endswith(words)


def test_agreement_without_an_interval_or_a_value(make_page, of_tasks):
    table = of_tasks["correlation"].assign(low=np.nan, high=np.nan)
    said = answer(make_page(correlation=table)).evidence[-1]
    assert "of 0.80 (3 models); the best of 2 baselines" in said
    said = answer(make_page(correlation=table.assign(value=np.nan))).evidence[-1]
    assert "is not defined" in said


def test_without_tasks_it_is_said(make_page):
    found = answer(make_page(tasks=False))
    assert found.doubts[-1].startswith("The study has no tasks")
    assert not [line for line in found.evidence if "tasks" in line]
    assert found.facts[-1].value == "none"


def test_numbers_as_people_read_them():
    values = (0.41666, 1.23456, 12.345, 1240.4, -0.5, 0, 0.00042, 5.69e15, None)
    assert [number(v) for v in values] == [
        "0.417",
        "1.23",
        "12.3",
        "1,240",
        "−0.500",
        "0.000",
        "4.2e−04",
        "5.7e15",
        "–",
    ]
    assert [integer(v) for v in (12345, np.nan)] == ["12,345", "–"]
    assert [percent(v) for v in (0.034, None)] == ["3.4 %", "–"]
    assert [interval(0.1, 0.2), interval(np.nan, 0.2)] == ["0.100 to 0.200", ""]
    assert [ranks(2, 5), ranks(3, 3), ranks(None, 3)] == ["2–5", "3", "–"]
    assert [correlation(v) for v in (-0.021, np.nan)] == ["−0.02", "–"]


def test_there_is_always_a_doubt_and_tasks_that_do_not_confirm_the_ranking_are_one(make_page, of_tasks):
    assert answer(make_page()).doubts == [NO_DOUBT]
    assert answer(make_page(groups=[1, 1, 2])).doubts == [UNSETTLED]
    assert answer(make_page(correlation=of_tasks["correlation"].assign(low=-0.1))).doubts == [UNCONFIRMED]
