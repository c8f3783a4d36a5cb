"""Terms of a page lead to the glossary, which is that of the documentation."""

import pytest
from markupsafe import Markup

from suffice.kinds.embeddings.page import render_page
from suffice.page.glossary import entries, link_terms, term_in


def test_every_entry_has_a_text_and_an_anchor_of_its_own():
    anchors = [entry.anchor for entry in entries()]
    assert len(set(anchors)) == len(anchors) > 25
    assert all(entry.text.endswith(".") and "](" not in entry.text for entry in entries())


@pytest.mark.parametrize(
    "term",
    ["nats", "I_S", "two looks", "win rate", "tie group", "RankMe", "rank interval", "nats per dimension"],
)
def test_terms_are_linked_with_their_meaning(term):
    linked = link_terms(f"the {term} is it")
    assert linked.count('<a class="term"') == 1
    assert f'data-term="{term_in(term)}"' in linked and term_in(term) in {each.anchor for each in entries()}


def test_only_whole_words_and_only_the_first_use_are_linked_and_the_rest_is_escaped():
    assert link_terms("x-nat nation RankMe-2 <b>") == "x-nat".join(['<span class="word">', "</span>"]) + (
        ' nation <span class="word">RankMe-2</span> &lt;b&gt;'
    )
    assert link_terms("nats, nats & a nat").count("<a ") == 1
    assert link_terms(Markup("<b>nats</b>")) == "<b>nats</b>"


def test_the_page_ends_with_the_glossary_and_its_headings_have_terms(make_page):
    html = render_page(make_page())
    for entry in entries():
        assert f'<div id="{entry.anchor}"><dt>' in html
    assert 'data-term="term-win-rate">Win rate</th>' in html
