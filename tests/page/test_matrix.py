"""The interactive matrix of pairs, and the comparison of two models."""

import base64

import pandas as pd
import pytest

from suffice.analyses.base import PairMatrix
from suffice.kinds.embeddings.page import render_page
from suffice.kinds.embeddings.tables import best_tasks
from suffice.page.matrix import shade, view_matrix

MODELS = ["model-a", "model-b", "model-c"]


@pytest.fixture
def view(make_pairs):
    """A function that writes the matrix of pairs whose colours end at some value."""

    def write(high=0.5, **changes):
        data = make_pairs().assign(**{"standard_error": 0.005, **changes})
        return view_matrix(PairMatrix(data, MODELS, 0.0, high), "toys")

    return write


def test_a_cell_has_its_numbers_and_a_pair_without_a_value_has_a_dash(view):
    found = view()
    assert found.columns == MODELS[:-1]
    assert found.caption.endswith("a stronger colour means more, from 0.000 to 0.500")
    cells = dict(found.rows)
    assert [cell.text for cell in cells["model-c"]] == ["0.500", "–"]
    assert [cell.shade for cell in cells["model-c"]] == ["h9", "missing"]
    assert (cells["model-c"][0].error, cells["model-c"][0].nats) == ("0.005", "5.00")
    small = dict(view(standard_error=0.00012345).rows)["model-c"][0]
    assert small.error == "0.00012"
    assert cells["model-a"][0].shade == "own"
    saved = base64.b64decode(found.download.split(",")[1]).decode().splitlines()
    assert saved[0] == "source,target,nats_per_dim,standard_error,nats" and len(saved) == 6


def test_decimals_follow_the_scale_and_minus_signs_are_true(view):
    assert dict(view(high=3.0).rows)["model-c"][0].text == "0.50"
    assert view(high=1.0, nats_per_dim=-0.25).rows[0][1][1].text == "−0.25"


@pytest.mark.parametrize(
    ("value", "name"), [(-1, "h0"), (1, "h0"), (1.31, "h3"), (1.99, "h9"), (2, "h9"), (7, "h9")]
)
def test_colours_grow_with_the_value_and_end_with_the_scale(value, name):
    assert shade(value, PairMatrix(pd.DataFrame(), [], 1.0, 2.0)) == name


def test_the_standard_error_is_per_dimension_like_the_value(make_page, make_pairs):
    html = render_page(make_page(pairs=make_pairs()))
    # 10 nats are one nat per dimension off the diagonal, so that errors of 0.05 nats are 0.005 per dimension.
    assert '<td class="h9" data-error="0.005" data-nats="5.00">0.500</td>' in html
    assert '<td class="h0" data-error="0.005" data-nats="4.00">0.400</td>' in html
    assert 'alt="How well each model predicts the others' not in html


def test_without_pairs_the_matrix_is_a_picture(make_page):
    html = render_page(make_page())
    assert 'class="grid"' not in html and ">How well each model predicts the others" in html


def test_names_in_the_matrix_are_escaped(make_page, make_pairs):
    pairs = make_pairs(["<b>x</b>", "model-b", "model-c"])
    html = render_page(make_page(pairs=pairs))
    assert '<th scope="row">&lt;b&gt;x&lt;/b&gt;</th>' in html and "<b>x" not in html


def test_the_best_task_is_where_a_model_ranks_highest(make_page):
    rows = [
        ("model-a", "one", 0.9),
        ("model-b", "one", 0.8),
        ("model-a", "two", 0.1),
        ("model-b", "two", 0.2),
    ]
    results = pd.DataFrame([*rows, ("other", "one", 1.0)], columns=["model", "task", "value"])
    section = make_page(task_results=results).sections[0]
    assert best_tasks(section) == {"model-a": "one (rank 1)", "model-b": "two (rank 1)"}
    assert best_tasks(make_page().sections[0]) == {}


def test_a_pair_with_explained_directions_is_marked_for_the_matrix(make_page, explained_pair):
    html = render_page(make_page(**explained_pair))
    assert 'data-source="model-a" data-target="model-b"' in html
