"""The page in a browser: what a reader can do with it. Skipped where there is no Chromium."""

import base64
import json
import re
import shutil
import subprocess

import pytest

from suffice.kinds.embeddings.page import render_page

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed: apt-get install chromium")
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture
def dump(tmp_path):
    """A function that opens a page in a window of some width and gives the document after its scripts."""

    def run(html, width=1440):
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        done = subprocess.run(
            [*command, profile, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def ask(dump, make_page, make_pairs, explained_pair):
    """A function that runs JavaScript in the page, and gives what it puts into `out`."""
    html = render_page(make_page(pairs=make_pairs(), **explained_pair))

    def run(script, width=1440):
        ending = f"""<pre id="out"></pre><script>
        const out = {{}};
        try {{ {script} }} catch (error) {{ out.error = String(error); }}
        document.getElementById("out").textContent = btoa(JSON.stringify(out).replace(/[^ -~]/g, "?"));
        </script></body>"""
        seen = dump(POLICY.sub("", html).replace("</body>", ending), width)
        return json.loads(base64.b64decode(re.search(r'<pre id="out">(.*?)</pre>', seen)[1]))

    return run


def test_the_script_runs_under_the_policy_of_the_page(dump, make_page):
    seen = dump(render_page(make_page()))
    assert '<th scope="col" class="n"' in seen and '<button type="button"' in seen
    assert seen.count('type="search"') == seen.count('<table class="sortable"') > 4


def test_a_foreign_script_does_not_run_under_the_policy(dump, make_page):
    html = render_page(make_page()).replace("</body>", "<script>document.title = 'taken'</script></body>")
    assert "<title>taken" not in dump(html)


def test_tables_are_sorted_and_searched(ask):
    found = ask("""
        const table = document.querySelector("table.sortable");
        const names = () => [...table.tBodies[0].rows]
            .filter(row => !row.hidden).map(row => row.cells[2].textContent);
        out.before = names();
        const button = table.tHead.querySelector("button");
        button.click(); button.click();
        out.sorted = names();
        out.aria = button.parentElement.getAttribute("aria-sort");
        const box = table.closest(".table").querySelector("input");
        box.value = "LETTERS -b"; box.dispatchEvent(new Event("input"));
        out.searched = names();
        out.count = table.closest(".table").querySelector("output").textContent;
        for (const [key, text] of [["bound", "rank<3 seconds>2.5"], ["none", "nothing<3"], ["all", ""]]) {
            box.value = text; box.dispatchEvent(new Event("input"));
            out[key] = names();
        }
    """)
    assert found == {
        "before": ["model-a", "model-b", "model-c"],
        "sorted": ["model-c", "model-b", "model-a"],
        "aria": "descending",
        "searched": ["model-b"],
        "count": "1 of 3 rows",
        "bound": ["model-a"],
        "none": [],
        "all": ["model-c", "model-b", "model-a"],
    }


def test_a_pair_is_told_by_pointer_and_by_keyboard(ask):
    found = ask("""
        const grid = document.querySelector("table.grid"), panel = document.querySelector(".panel");
        const press = key => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true }));
        const cell = pairCell(grid, "model-a", "model-b");
        cell.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
        out.hover = panel.textContent;
        const first = grid.querySelectorAll("td")[0];
        first.focus();
        press("ArrowUp");
        out.stays = document.activeElement === first;
        press("ArrowRight"); press("ArrowDown");
        const now = document.activeElement;
        out.moved = [now.cellIndex - 1, now.parentElement.rowIndex - 1];
        out.told = panel.textContent.replace("Information that ", "").startsWith(sourceOf(now));
        document.activeElement.click();
        out.pinned = document.querySelectorAll(".pinned").length;
        press("Escape");
        out.free = document.querySelectorAll(".pinned").length;
        out.stops = grid.querySelectorAll("td[tabindex='0']").length;
    """)
    assert "error" not in found
    assert found["stays"] and found["moved"] == [1, 1] and found["told"]
    assert (
        "Information that model-a has about model-b: 0.500 nats per dimension, standard error 0.005"
        in found["hover"]
    )
    assert "information that model-b has about model-a: 0.400" in found["hover"]
    assert "What model-a cannot predict about model-b" in found["hover"] and "low end" in found["hover"]
    assert (found["pinned"], found["free"], found["stops"]) == (1, 0, 1)


def test_two_models_are_set_side_by_side(ask):
    found = ask("""
        const part = document.querySelector(".compare");
        const selects = part.querySelectorAll("select");
        selects[1].value = "model-c"; selects[1].dispatchEvent(new Event("change"));
        out.rows = [...part.querySelectorAll(".beside tr")].map(
            row => [...row.cells].map(cell => cell.textContent));
    """)
    rows = {row[0]: row[1:] for row in found["rows"]}
    assert rows["Model"] == ["model-a", "model-c"]
    assert rows["Rank"] == ["1", "3"] and rows["Width"] == ["64", "64"]
    assert rows["Information about the other model"][0] == "not measured"
    assert rows["Information about the other model"][1].startswith(
        "0.500 nats per dimension, standard error 0.005"
    )


def test_a_term_is_explained_by_focus_until_escape(ask):
    found = ask("""
        const tip = document.getElementById("tip"), term = document.querySelector("a.term");
        term.focus();
        out.shown = !tip.hidden && tip.textContent.length > 20;
        out.by = term.getAttribute("aria-describedby");
        document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
        out.hidden = tip.hidden && !term.hasAttribute("aria-describedby");
    """)
    assert found == {"shown": True, "by": "tip", "hidden": True}


@pytest.mark.parametrize("width", [1440, 500])
def test_nothing_is_wider_than_the_window_and_what_scrolls_can_be_focused(ask, width):
    found = ask(
        """
        document.querySelectorAll("details").forEach(each => { each.open = true; });
        const root = document.documentElement;
        const scrolls = [...document.querySelectorAll("main *")].filter(each =>
            each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === "auto");
        out.over = root.scrollWidth - root.clientWidth;
        out.unreachable = scrolls.filter(each => each.tabIndex < 0 && !each.querySelector("a")).length;
        out.cut = scrolls.filter(each => each.matches(".table .scroll")).length;
        """,
        width,
    )
    assert found["over"] == 0 and found["unreachable"] == 0
    assert (found["cut"] == 0) is (width > 1000)


def test_the_contents_mark_what_is_read(ask):
    found = ask('out.current = [...document.querySelectorAll("nav [aria-current]")].map(each => each.hash);')
    assert found["current"] == ["#answer"]
