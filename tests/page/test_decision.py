"""What the page says about decisions."""

import re

import pandas as pd
import pytest

from suffice.analyses.smaller_pools import FAMILY, MODEL, SENSITIVITY_COLUMNS, WHOLE
from suffice.kinds.embeddings.page import render_page

DECISION = pd.DataFrame(
    {
        "predictor": ["linear", "embed_dim", "random choice"],
        "predictor_kind": ["information sufficiency", "baseline", "reference"],
        "picks": ["model-a", "model-b, model-c", None],
        "regret_at_1": [0.0, 0.21, 0.345],
        "regret_at_1_low": [0.0, 0.0, 0.1],
        "regret_at_1_high": [0.1, 0.3, 0.4],
        "spearman": [0.8, -0.3, None],
        "top_k": [2, 2, None],
        "beats_widest": [0.75, 0.5, None],
    }
)


def sensitivity(beyond):
    rows = [
        (WHOLE, None, 0, 3, "model-a", False, False, 1.0),
        (MODEL, "model-c", 1, 2, "model-b" if beyond else "model-a", beyond, beyond, -1.0 if beyond else 1.0),
        (FAMILY, "model-b, model-c", 2, 2, "model-a", False, False, 1.0),
    ]
    return pd.DataFrame(rows, columns=list(SENSITIVITY_COLUMNS))


PARETO = pd.DataFrame(
    [
        ("model-a", "embed_dim", 64.0, "win_rate", 0.5, True, 0.0078),
        ("model-b", "embed_dim", 64.0, "win_rate", 0.3, False, 0.0047),
    ],
    columns="model cost cost_value measure value on_front value_per_cost".split(),
)


def test_the_first_screen_says_what_the_choice_would_have_lost(make_page):
    page = render_page(make_page(decision=DECISION))
    first_screen = re.sub("<[^>]*>", "", page.split("</header>")[0])
    assert "Choosing by linear (model-a) loses nothing of the best model" in first_screen
    assert "taking the widest model 0.210 and choosing at random 0.345" in first_screen
    assert "Which way of choosing would have been right?" in page
    assert "−0.30" in page and "75.0 %" in page


def test_of_many_picks_some_are_named_so_that_the_regret_is_in_sight(make_page):
    tied = ", ".join(f"model-{letter}" for letter in "abcdef")
    page = render_page(make_page(decision=DECISION.assign(picks=["model-a", tied, None])))
    table = page.split("<caption>Ways to choose")[1].split("</table>")[0].replace('<span class="word">', "")
    assert "and 3 more" in table and "model-f" not in table
    assert table.index("Picks") < table.index("Regret") < table.index("Kind")


@pytest.mark.parametrize("beyond", [True, False])
def test_a_winner_that_depends_on_the_pool_is_a_warning_of_the_ranking(make_page, beyond):
    page = re.sub("<[^>]*>", "", render_page(make_page(sensitivity=sensitivity(beyond))))
    assert ("the winner depends on the pool: model-b is first without a model (model-c)" in page) is beyond
    assert ("The winner stays the same in all 2 smaller pools" in page) is not beyond
    assert "Does the pool decide?" in page


def test_the_front_is_shown_and_the_quotient_not_recommended(make_page):
    page = render_page(make_page(pareto=PARETO))
    cost = page.split("The fronts in numbers")[1].split("</table>")[0]
    assert "model-a" in cost and "model-b" not in cost
    assert "not\nrecommended" in page


def test_a_study_without_these_tables_has_no_headings_of_them(make_page):
    page = render_page(make_page(tasks=False))
    for heading in (
        "Which way of choosing",
        "Does the pool decide",
        "The fronts in numbers",
        "On which tasks",
    ):
        assert heading not in page
