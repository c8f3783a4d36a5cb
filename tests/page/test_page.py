"""The page as a file: safe, self-contained, and with everything a reader needs."""

import base64
import dataclasses
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from suffice.data.modalities.registry import MODALITIES
from suffice.errors import DataError
from suffice.kinds.embeddings.page import render_page
from suffice.storage.files import csv_of

pytestmark = pytest.mark.filterwarnings("error")

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of style and script; refuses ill-nested tags."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_loads_nothing_from_elsewhere(make_page):
    html = render_page(make_page())
    page = Page(html)
    for tag, attrs in page.tags:
        assert not {"srcset", "background", "action", "poster"} & set(attrs), tag
        assert attrs.get("src", "data:").startswith("data:")
        assert attrs.get("href", "#").startswith(("#", "data:text/csv", "data:image/png"))
    assert not page.all("link")
    assert not re.search(r"@import|url\((?!#)|https?://", html)
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_links_within_the_page_have_a_place_to_go(make_page):
    content = make_page()
    content.sections[0].ranking.loc[0, "warnings"] = "odd"
    page = Page(render_page(content))
    places = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(places)) == len(places)
    targets = {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")}
    assert targets <= set(places)
    assert {"health", "method", "provenance", "section-1", "section-1-warnings"} <= targets


def test_texts_of_the_user_are_escaped_everywhere(make_page, of_tasks):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    results, correlation = of_tasks["results"], of_tasks["correlation"]
    results.loc[results["task"] == "topic", ["task", "metric"]] = evil
    correlation.loc[correlation["task"] == "topic", ["predictor_kind", "task"]] = evil
    content = make_page(
        **of_tasks,
        description=evil,
        config=evil,
        provenance={evil: evil},
        versions={evil: evil},
        study=evil,
        dataset=evil,
        about_estimator=evil,
        manifest={"n_items": 3, "source": evil},
        failed=pd.DataFrame({"model": [f"{evil}-x"], "stage": [evil], "reason": [evil]}),
        models=pd.DataFrame({"model": [f"model-{x}" for x in "abc"], "family": evil}),
    )
    ranking, cards = content.sections[0].ranking, content.sections[0].cards
    for table in (ranking, cards):
        table["model"] = table["model"].str.replace("model-a", f"{evil}-a")
        table.loc[0, "warnings"] = evil
    html = render_page(content)
    assert html.count("alert(1)") > 15
    assert "<script>alert" not in html
    page = Page(html)
    assert len(page.all("script")) == 1
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert not page.all("img") and len(page.all("svg")) == 2


def test_tables_and_figures_can_be_read_aloud(make_page):
    page = Page(render_page(make_page()))
    assert {image["role"] for image in page.all("svg")} == {"img"}
    assert {head["scope"] for head in page.all("th")} == {"row", "col"}
    assert len(page.all("caption")) == len(page.all("table")) >= 4
    assert page.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_first_screen_comes_before_the_reasons(make_page):
    html = render_page(make_page())
    order = [html.index(f'id="{name}"') for name in ("answer", "section-1", "health", "method", "provenance")]
    assert order == sorted(order)
    text = Page(html).text
    assert "Study toy-study · data set toys, 1,500 items · ranked by linear" in text


def test_every_table_can_be_saved_and_has_a_name_of_its_own(make_page, make_pairs):
    page = Page(render_page(make_page(pairs=make_pairs())))
    links = [attrs for attrs in page.all("a") if "download" in attrs]
    assert len(links) == len(page.all("table")) and all(link["download"].endswith(".csv") for link in links)
    regions = [attrs for _, attrs in page.tags if attrs.get("role") == "region"]
    names = [attrs.get("aria-label") or attrs["aria-labelledby"] for attrs in regions]
    assert len(set(names)) == len(names) > len(links) and {attrs["tabindex"] for attrs in regions} == {"0"}


def test_numbers_and_provenance_are_on_the_page(make_page):
    text = Page(render_page(make_page())).text
    for words in ("0.500 0.450 to 0.550", "1,234", "2.0 %", "40.5", "1,000,000", "–"):
        assert words in text
    for words in ("Base seed 17", "3f9c1d2", "ab12", "numpy 2.4", "seed: 17", "not mutual information"):
        assert words in text


def test_a_figure_of_the_study_is_inside_the_page(make_page):
    html = render_page(make_page())
    image = Page(html).all("svg")[0]
    assert (image["width"], image["height"]) == ("115", "230")  # an inch is 72 points of 1.6 pixels
    name, alt = image["aria-labelledby"].split()
    assert f'<title id="{name}">Scores and ranks: toys, linear, 3 models</title>' in html
    assert re.search(rf'<desc id="{alt}">[^<]*model-a is first', html)


def test_a_manifest_is_written_for_people(make_page):
    dropped = {"too short": 1812, "duplicate": 0}
    manifest = {"n_items": 1500, "dropped": dropped, "license": None, "sources": ["a.csv", "b.csv"]}
    text = Page(render_page(make_page(manifest=manifest))).text
    for words in ("dropped too short: 1,812, duplicate: 0", "license –", "sources a.csv, b.csv"):
        assert words in text


def test_a_task_of_another_data_set_is_not_shown(make_page, of_tasks):
    results = of_tasks["results"]
    other = results[results["task"] == "topic"].assign(task="far-away")
    text = Page(render_page(make_page(results=pd.concat([results, other])))).text
    assert "mean rank over 2 tasks" in text
    assert "far-away" not in text


def test_missing_models_are_named_with_the_reason(make_page):
    failed = pd.DataFrame({"model": ["lost-model"], "stage": ["embed"], "reason": ["no file"]})
    text = Page(render_page(make_page(failed=failed))).text
    assert "1 model is missing from the ranking: lost-model (embed: no file)." in text
    two = pd.concat([failed, failed.assign(model="other")])
    assert "2 models are missing" in Page(render_page(make_page(failed=two))).text
    assert "No model of the study is missing, and none has a warning." in Page(render_page(make_page())).text


def test_warnings_of_ranking_and_card_reach_the_first_screen(make_page):
    content = make_page()
    content.sections[0].ranking.loc[1, "warnings"] = "not converged"
    content.sections[0].cards.loc[1, "warnings"] = "cut short; not converged"
    content.sections[0].cards.loc[2, "warnings"] = "zero rows"
    text = Page(render_page(content)).text
    assert "Warnings on 2 models: model-b and model-c." in text
    assert "model-b: not converged; cut short" in text


def test_without_tasks_their_parts_are_absent_and_it_is_said(make_page):
    text = Page(render_page(make_page(tasks=False))).text.split("Glossary Embedding")[0]
    assert "The study has no tasks" in text
    assert "This study has no labelled tasks" in text
    for words in ("Spearman", "Correlations in numbers", "Results on the tasks"):
        assert words not in text


def test_how_to_give_labels_is_said_where_labels_are_asked_for(make_page):
    def first_screen(**given):
        return Page(render_page(make_page(**given))).text.split("models ranked")[0]

    unsettled = first_screen(groups=(1, 1, 2), tasks=False)
    assert unsettled.index("label about 200 items") < unsettled.index("a row of tasks.tsv, and run the study")
    assert "tasks.tsv" not in first_screen(groups=(1, 1, 2))


def test_the_page_says_which_pairs_show_lost_directions(make_page, explained_pair):
    text = Page(render_page(make_page(**explained_pair))).text
    after = text.split("What can a model not predict about another?")[1]
    assert after.index("Only pairs that the key explain of study.yaml") < after.index("as source of")


def test_no_markdown_is_left_on_the_page(make_page, explained_pair):
    for tasks in (True, False):
        assert "`" not in Page(render_page(make_page(tasks=tasks, **explained_pair))).text
    assert not [kind.name for kind in MODALITIES.values() if "`" in kind.record]


def test_results_on_tasks_are_in_the_order_of_the_ranking(make_page):
    html = render_page(make_page())
    table = html[html.index("Results on the tasks in numbers") :]
    places = [table.index(f">model-{name}<") for name in "abc"]
    assert places == sorted(places)
    assert "topic (accuracy)" in table


def test_several_sections_have_an_overview_and_one_health_table_a_data_set(make_page):
    content = make_page()
    first = content.sections[0]
    knife = dataclasses.replace(first, estimator="knife", held_out=False)
    other = dataclasses.replace(first, dataset="birds")
    html = render_page(dataclasses.replace(content, sections=(first, knife, other)))
    text = Page(html).text
    assert "All rankings of the study" in text
    assert html.count("Health of the embeddings of toys</caption>") == 1
    assert html.count("Health of the embeddings of birds</caption>") == 1
    assert text.count("In-sample : ") + text.count("In-sample: ") == 1
    assert "Data set toys, ranked by knife" in text


def test_the_ranking_can_be_saved_and_holds_no_formula(make_page):
    content = make_page()
    content.sections[0].ranking.loc[0, "warnings"] = "=cmd()"
    link = next(a for a in Page(render_page(content)).all("a") if "download" in a)
    assert link["download"] == "ranking-toys-linear.csv"
    text = base64.b64decode(link["href"].split(",")[1]).decode()
    assert text.startswith("model,score,")
    assert "'=cmd()" in text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_defused_but_numbers_are_not(start):
    text = csv_of(pd.DataFrame({"name": [f"{start}1+1", "plain-name"], "value": [-1.5, 2.0]}))
    assert f"'{start}1+1" in text
    assert "-1.5" in text
    assert "'-1.5" not in text
    assert "plain-name,2.0" in text.replace('"', "")


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"GIF89a", "is not an SVG file"), (b"<svg/>", "is not an SVG file")],
)
def test_a_figure_that_is_no_picture_is_named(make_page, tmp_path, content, message):
    path = tmp_path / "broken.svg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=f"broken.svg.*{message}|broken.svg {message}"):
        render_page(make_page(figures={"rank_bars": path}))


def test_content_that_cannot_be_shown_is_refused(make_page, svg):
    with pytest.raises(
        DataError, match=r"the ranking of the section toys, linear lacks the column\(s\) tie_group"
    ):
        make_page(ranking=make_page().sections[0].ranking.drop(columns="tie_group"))
    with pytest.raises(DataError, match="unknown figure 'pie'"):
        make_page(figures={"pie": svg})
    with pytest.raises(DataError, match="has no sections"):
        make_page(sections=())
    with pytest.raises(DataError, match="lacks n_items"):
        make_page(manifest={})
    with pytest.raises(DataError, match="has no rows"):
        make_page(ranking=make_page().sections[0].ranking.iloc[:0])


def test_the_same_content_gives_the_same_page(make_page):
    assert render_page(make_page()) == render_page(make_page())


EVIL = "<script>alert(3)</script>"


def few_labels(note=""):
    columns = "dataset task n_labels way n_draws spearman spearman_low spearman_high regret_at_1 note".split()
    rows = [
        ("toys", f"topic{EVIL}", n_labels, way, 3, rho, rho - 0.1, rho + 0.1, 0.02, "")
        for n_labels in (50, 500)
        for way, rho in (("score", 0.5), ("logme", 0.4), ("score+logme", 0.62))
    ]
    rows.append(("toys", f"topic{EVIL}", 9000, "score", 0, None, None, None, None, note))
    return pd.DataFrame(rows, columns=columns)


def explained():
    directions = pd.DataFrame(
        [("a", "b", 2, 0.25, -0.1, 0.01, 0.26, f"low {EVIL}", f"high {EVIL}")],
        columns="source target component variance_share r2 nats lost_share low_items high_items".split(),
    )
    items = pd.DataFrame(
        [("a", "b", 7, f"first {EVIL}", -3.5, "lost", 12.25), ("a", "b", 3, "second", 40.0, "gained", 12.25)],
        columns="source target item text nats end mean_item_nats".split(),
    )
    return {"directions": directions, "lost_items": items}


def test_few_labels_and_explained_pairs_are_on_the_page_and_escaped(make_page):
    html = render_page(make_page(few_labels=few_labels("9000 is more than there are"), **explained()))
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert(3)") >= 4
    text = Page(html).text
    assert "mean over 1 task: the score alone 0.50; updated by LogME, 0.62 (50 labels; 0.40 without" in text
    assert "Not tried : topic" in text or "Not tried: topic" in text
    assert "9000 is more than there are" in text
    for words in ("a as source of b : 12.2 nats", "−3.50 lost", "25.0 % 26.0 % −0.10", "score and LogME"):
        assert words.replace(" :", ":") in text.replace(" :", ":")


def test_what_was_not_asked_for_is_absent(make_page):
    text = Page(render_page(make_page())).text
    assert "few labels" not in text
    assert "not predict about another" not in text


def test_numbers_that_are_missing_are_explained(make_page):
    note = f"views auto gives one look: own{EVIL} has vectors of the data set's items alone."
    html = render_page(make_page(notes=[note]))
    assert "views auto gives one look" in Page(html).text
    assert "<script>alert" not in html
