"""A browser runs the page's own script and style alone: whatever else got into it does nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from suffice.kinds.embeddings.page import render_page
from suffice.kinds.registry import kind_places

TEMPLATES = [*Path(str(files("suffice"))).rglob("*.j2")]
PAGES = sorted(
    f"{path.parent.name}/{path.name}" for path in TEMPLATES if "<!DOCTYPE html>" in path.read_text()
)


class Inline(HTMLParser):
    """The texts of styles and scripts, the attributes, and the policy of a page."""

    def __init__(self, html):
        super().__init__()
        self.texts, self.attributes, self.policy, self.inside = {"style": [], "script": []}, [], None, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.attributes += [name for name, _ in attrs]
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            assert self.policy is None and not any(self.texts.values())  # it stands before what it is about
            self.policy = dict(attrs)["content"]
        if tag in self.texts:
            self.texts[tag].append("")
            self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.texts[self.inside][-1] += data


def hash_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def allowed(policy, kind):
    return re.search(rf"{kind}-src ([^;]*)", policy)[1].split()


def test_every_script_and_style_is_in_the_policy_by_its_hash_and_no_other(make_page):
    page = Inline(render_page(make_page()))
    assert page.policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in page.policy
    for kind, texts in page.texts.items():
        assert len(texts) == 1
        assert allowed(page.policy, kind) == [hash_of(texts[0])]
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]


def test_what_a_name_would_bring_in_is_not_in_the_policy(make_page):
    html = render_page(make_page()).replace("</main>", "<script>alert(1)</script></main>")
    page = Inline(html)
    assert [hash_of(text) in allowed(page.policy, "script") for text in page.texts["script"]].count(
        False
    ) == 1


def test_each_kind_of_study_has_a_page():
    assert PAGES == [f"{kind}/page.html.j2" for kind in sorted(kind_places())]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_the_policy_and_no_other_script_or_style(name):
    text = files("suffice.kinds").joinpath(name).read_text()
    assert '<meta http-equiv="Content-Security-Policy" content="{{ policy }}">' in text
    assert re.findall(r"<script.*?</script>", text, re.DOTALL) == ["<script>{{ script }}</script>"]
    assert re.findall(r"<style.*?</style>", text, re.DOTALL) == ["<style>{{ style }}</style>"]
