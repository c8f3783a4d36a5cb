"""The page in a browser: what a reader can do with it. Skipped where there is no Chromium."""

import os
import re
import shutil
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from suffice.kinds.embeddings.page import render_page

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
AS_ROOT = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
UNFOLD = 'document.querySelectorAll("details").forEach(each => { each.open = true; })'
NAME = 'each => each.getAttribute("aria-label") ?? each.textContent'


@dataclass
class Opened:
    """An open page, with what the browser said and asked for since."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, script):
        """What a script puts into `out`."""
        return self.page.evaluate(f"() => {{ const out = {{}}; {script}; return out; }}")

    def tab_to(self, selector, most=120):
        """Press Tab until the focus is on what a selector names."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the focus never came to {selector}")


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=BROWSER, args=AS_ROOT)


@pytest.fixture(scope="module")
def place(tmp_path_factory, make_page, make_pairs, explained_pair):
    """The address of a small page with all that pages can have."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_page(make_page(pairs=make_pairs(), **explained_pair)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def visit(browser, place):
    """A function that opens the page, or another; it may say nothing and load nothing but itself."""
    contexts = []

    def go(viewport=DESKTOP, scheme="light", address=place):
        contexts.append(browser.new_context(viewport=viewport, color_scheme=scheme))
        opened = Opened(contexts[-1].new_page())
        opened.page.on("console", lambda message: opened.messages.append(message.text))
        opened.page.on("pageerror", lambda error: opened.messages.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.goto(address)
        return opened

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def opened(visit, place):
    """The page on a desktop."""
    found = visit()
    yield found
    assert found.messages == [] and found.requests == [place]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everyone_can_read_it_and_it_asks_for_nothing(visit, place, viewport, scheme):
    opened = visit(viewport, scheme)
    opened.page.evaluate(UNFOLD)
    opened.page.locator("table.grid td").nth(1).click()
    found = opened.ask("""
        const root = document.documentElement;
        const scrolls = [...document.querySelectorAll("main *")].filter(each =>
            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === "auto");
        out.over = root.scrollWidth - root.clientWidth;
        out.unreachable = scrolls.filter(each => each.tabIndex < 0 && !each.querySelector("a")).length;
        out.cut = scrolls.filter(each => each.matches(".table .scroll")).length;
    """)
    assert found["over"] == 0 and found["unreachable"] == 0
    assert (found["cut"] == 0) is (viewport is DESKTOP)
    violations = Axe().run(opened.page).response["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []
    assert opened.messages == [] and opened.requests == [place]


def test_a_foreign_script_does_not_run_under_the_policy(visit, place, tmp_path, make_page):
    path = tmp_path / "taken.html"
    html = render_page(make_page()).replace("</body>", "<script>document.title = 'taken'</script></body>")
    path.write_text(html, encoding="utf-8")
    opened = visit(address=path.as_uri())
    assert opened.page.title() != "taken"
    assert len(opened.messages) == 1 and "Content Security Policy" in opened.messages[0]


def test_figures_take_the_colours_of_the_scheme_and_print_is_light(visit):
    opened = visit(scheme="dark")
    ask = """
        const style = selector => getComputedStyle(document.querySelector(selector));
        out.ink = style("body").color;
        out.letters = style("figure svg text").fill;
        out.sheet = [style("figure svg path").fill, style("figure .sheet").backgroundColor];
        out.cell = [...document.querySelectorAll("figure svg text")].map(each => getComputedStyle(each).fill);
    """
    dark = opened.ask(ask)
    opened.page.emulate_media(media="print")
    light = opened.ask(ask)
    for found in (dark, light):
        assert found["letters"] == found["ink"] and len(set(found["sheet"])) == 1
        assert "rgb(254, 254, 254)" in found["cell"]  # which stands on a colour that does not change
    assert dark["ink"] != light["ink"] and light["sheet"][0] == "rgb(255, 255, 255)"


def test_tables_fit_on_a_sheet_of_paper(visit):
    opened = visit({"width": 688, "height": 1000})  # A4 less its margins
    opened.page.emulate_media(media="print")
    opened.page.evaluate(UNFOLD)
    found = opened.ask("""
        const width = document.querySelector("main").clientWidth;
        const tables = [...document.querySelectorAll(".table table")];
        out.wide = tables.filter(each => each.offsetWidth > width).map(each => each.caption.textContent);
        out.n_tables = tables.length;
    """)
    assert found["wide"] == [] and found["n_tables"] > 5


def test_the_keyboard_reaches_everything_and_leaves_it(opened):
    seen = []
    while not seen or seen[-1][0] != "BODY":
        opened.page.keyboard.press("Tab")
        seen.append(opened.page.evaluate(f"(at => [at.tagName, ({NAME})(at)])(document.activeElement)"))
        assert len(seen) < 300
    tags, labels = zip(*seen, strict=True)
    controls = "main :is(th button, input, select):visible"
    for selector in ("[tabindex='0'][role=region]:visible", "nav a", controls):
        wanted = opened.page.locator(selector).evaluate_all(f"each => each.map({NAME})")
        assert len(wanted) > 5 and set(wanted) <= set(labels)
    assert tags.count("TD") == 1  # the matrix is one stop
    assert tags.count("SUMMARY") == opened.page.locator("main summary:visible").count()


def test_a_pair_is_told_by_pointer_and_by_keyboard(opened):
    page = opened.page
    panel, pinned = page.locator(".panel"), page.locator(".pinned")
    cell = page.evaluate_handle("pairCell(document.querySelector('table.grid'), 'model-a', 'model-b')")
    cell.as_element().hover()
    told = panel.text_content()
    assert "Information that model-a has about model-b: 0.500 nats per dimension, standard error" in told
    assert "information that model-b has about model-a: 0.400" in told
    assert "What model-a cannot predict about model-b" in told and "low end" in told
    frame, table = panel.bounding_box(), panel.locator(".scroll").bounding_box()
    assert frame["x"] < table["x"] and table["x"] + table["width"] < frame["x"] + frame["width"]
    assert "To see" not in told
    page.evaluate_handle(
        "pairCell(document.querySelector('table.grid'), 'model-b', 'model-a')"
    ).as_element().hover()
    (command,) = panel.locator("code").all_text_contents()
    assert command == """suffice run toy-study --config 'explain={"pairs":[["model-b","model-a"]]}'"""
    opened.tab_to("table.grid td")
    place = "() => [document.activeElement.cellIndex - 1, document.activeElement.parentElement.rowIndex - 1]"
    page.keyboard.press("ArrowUp")
    assert page.evaluate(place) == [0, 0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(place) == [1, 1]
    source = page.evaluate("sourceOf(document.activeElement)")
    assert panel.text_content().startswith(f"Information that {source}")
    page.keyboard.press("Enter")
    assert pinned.count() == 1
    page.keyboard.press("Escape")
    assert pinned.count() == 0
    assert page.locator("table.grid td[tabindex='0']").count() == 1
    assert page.locator("table.grid td.told").count() == 1


def test_the_matrix_says_which_pairs_show_lost_directions(opened):
    panel = opened.page.locator(".matrix .panel")
    assert "Only underlined pairs show which directions are lost." in panel.text_content()


def test_two_models_are_set_side_by_side_by_keyboard(opened):
    opened.tab_to("select[aria-label='Second model']")
    opened.page.keyboard.press("ArrowDown")
    found = opened.ask("""out.rows = [...document.querySelectorAll(".beside tr")].map(
        row => [...row.cells].map(cell => cell.textContent))""")
    rows = {row[0]: row[1:] for row in found["rows"]}
    assert rows["Model"] == ["model-a", "model-c"]
    assert rows["Rank"] == ["1", "3"] and rows["Width"] == ["64", "64"]
    assert rows["Information about the other model"][0] == "not measured"
    assert rows["Information about the other model"][1].startswith(
        "0.500 nats per dimension, standard error 0.005"
    )


def test_tables_are_sorted_and_searched(opened):
    table = opened.page.locator("div.table", has=opened.page.locator("table.sortable")).first
    box, button = table.get_by_role("searchbox"), table.locator("thead button").first

    def names():
        return table.locator("tbody tr:not([hidden])").locator(":scope > :nth-child(3)").all_text_contents()

    assert names() == ["model-a", "model-b", "model-c"]
    button.click()
    button.press("Enter")
    assert names() == ["model-c", "model-b", "model-a"]
    assert table.locator("[aria-sort]").get_attribute("aria-sort") == "descending"
    for words, found in (
        ("LETTERS -b", ["model-b"]),
        ("rank<3 cpu>2.5", ["model-a"]),
        ("nothing<3", []),
        ("", ["model-c", "model-b", "model-a"]),
    ):
        box.fill(words)
        assert names() == found
        assert table.locator("output").text_content() == (f"{len(found)} of 3 rows" if words else "")
    assert (
        opened.page.locator("input[type=search]").count() == opened.page.locator("table.sortable").count() > 4
    )


def test_models_are_chosen_by_family_width_and_cost(opened):
    table = opened.page.locator("div.table", has=opened.page.locator("table.sortable")).first
    names = table.locator("tbody tr:not([hidden]) th")
    table.get_by_label("Seconds per 1,000 items at most").fill("2")
    assert names.all_text_contents() == ["model-b", "model-c"]
    table.get_by_label("Width at most").fill("63.5")
    assert names.count() == 0
    table.get_by_label("Width at most").fill("64")
    table.get_by_label("Seconds per 1,000 items at most").fill("")
    table.get_by_label("Family").select_option("letters")
    assert names.count() == 3 and table.locator("output").text_content() == "3 of 3 rows"


def test_a_term_is_explained_by_focus_until_escape(opened):
    tip, term = opened.page.locator("#tip"), opened.page.locator("a.term").first
    opened.tab_to("a.term")
    assert tip.is_visible() and len(tip.text_content()) > 20
    assert term.get_attribute("aria-describedby") == "tip"
    opened.page.keyboard.press("Escape")
    assert tip.is_hidden() and term.get_attribute("aria-describedby") is None


def test_the_contents_mark_what_is_read(opened):
    marked = opened.page.locator("nav [aria-current]")
    assert marked.get_attribute("href") == "#answer"
    opened.page.locator("nav a", has_text=re.compile("^Method$")).click()
    expect(marked).to_have_attribute("href", "#method")
