"""The version of the code behind a result holds all that the job's script imports, and no page."""

import re

import pytest

from suffice.analyses.registry import ANALYSES
from suffice.kinds.registry import all_kinds
from suffice.storage import provenance, sources
from suffice.storage.provenance import DISPATCH, code_of_script, is_current
from suffice.storage.sources import facts_of

PAGES = {"write_page", "write_calibration_page", "write_published_page", "write_saturation_page"}
ABOVE = ("suffice.plots", "suffice.page", "suffice.study", "suffice.analyses.questions", "suffice.kinds")
SHARED = {"prepare_model": "estimate_pairs", "embed_shard": "embed_items"}
"""Scripts whose results are of the same making as those of another, which imports more."""


def modules_behind(script, *chosen):
    return provenance._imported_modules(code_of_script(script, *chosen).split()[1:])


@pytest.fixture(scope="module")
def scripts():
    root = provenance.ROOT.parent.parent
    folders = {kind.scripts(root) for kind in all_kinds()}
    return {path.stem: path for folder in folders for path in folder.glob("*.py")}


def test_no_script_imports_code_that_its_version_lacks(scripts):
    for name, path in scripts.items():
        named = set(re.findall(r"^from (suffice[\w.]*) import", path.read_text(), re.M))
        assert named - DISPATCH <= modules_behind(scripts[SHARED.get(name, name)]), name


def test_every_rule_names_its_own_script_or_what_depends_on_its_wildcards(project):
    found = 0
    for path in [*(project / "rules").rglob("*.smk"), *(project / "src").rglob("*.smk")]:
        for rule in re.split(r"(?m)^ *rule(?: \w+)?:$", path.read_text())[1:]:
            script = re.search(r'"[./]*scripts/(\w+)\.py"', rule)
            if script is None:
                continue
            code = re.search(r"code=(code_of\(\s*\"(\w+)\"|code_of_\w+)", rule)
            assert code, f"{path}: {rule.splitlines()[0]} has no version of its code"
            assert code[2] in (None, script[1]), f"{path}: {rule.splitlines()[0]}"
            found += 1
    assert found > 35


def test_a_change_of_a_page_makes_pages_anew_and_no_number(scripts):
    for name in scripts.keys() - PAGES:
        on_page = {module for module in modules_behind(scripts[name]) if ".page" in module}
        assert not on_page, name


def test_the_numbers_of_an_analysis_rest_on_no_figure_page_or_study(scripts):
    for each in filter(lambda each: each.tables, ANALYSES):
        behind = modules_behind(scripts["analyse_ranking"], each.tables.__module__)
        odd = [name for name in behind if name.startswith(ABOVE) and name != each.tables.__module__]
        assert not odd, f"{each.name}: {odd}"
        assert each.tables.__module__ in behind


def test_a_figure_rests_on_no_page_and_no_other_question(scripts):
    for figure in (figure for each in ANALYSES for figure in each.figures):
        behind = modules_behind(scripts["plot_figures"], figure.draw.__module__)
        questions = {name for name in behind if name.startswith("suffice.analyses.questions.")}
        assert questions <= {figure.draw.__module__}, figure.name
        assert not [name for name in behind if name.startswith(("suffice.page", "suffice.study"))], (
            figure.name
        )


def test_an_import_for_types_alone_is_not_behind_a_number():
    source = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import suffice.page.render\nelse:\n"
        "    import suffice.names\nimport suffice.seeds\n"
    )
    assert provenance._of_library(facts_of(source).imports) == {"suffice.names", "suffice.seeds"}


def test_a_job_depends_on_its_own_estimator_and_loader_alone(scripts):
    pairs = modules_behind(scripts["estimate_pairs"], "suffice.estimators.gaussian")
    assert "suffice.estimators.gaussian" in pairs and "suffice.estimators.knife" not in pairs
    vectors = modules_behind(scripts["embed_items"], "suffice.embed.bag_of_words")
    assert "suffice.embed.bag_of_words" in vectors and "suffice.embed.graph_network" not in vectors


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    """Facts are kept in a file of this test; gives a function that forgets what this process knows."""
    monkeypatch.setattr(sources, "_file", lambda: tmp_path / "cache" / "facts.json")
    monkeypatch.setattr(sources.atexit, "register", lambda keep: None)

    def forget():
        sources._kept.cache_clear()
        sources._new.cache_clear()

    forget()
    yield forget
    forget()


def test_what_is_known_of_a_text_is_kept_for_the_next_process(kept_in, tmp_path, monkeypatch):
    source = '"""What it is."""\nimport suffice.names\n\ndef double(x):\n    return 2 * x  # twice\n'
    found = facts_of(source)
    assert found.imports == ("suffice.names",)
    assert facts_of(source.replace("What", "Who").replace("twice", "2")).code_sha256 == found.code_sha256
    assert facts_of(source.replace("2 *", "3 *")).code_sha256 != found.code_sha256
    sources._keep()
    with monkeypatch.context() as patch:
        patch.setattr(sources, "_find", None)
        kept_in()
        assert facts_of(source) == found
    for damage in ("{", "[1]", '{"key": 1}', (tmp_path / "cache" / "facts.json").read_text()[:-9]):
        (tmp_path / "cache" / "facts.json").write_text(damage)
        kept_in()
        assert facts_of(source) == found


def test_costs_that_are_counted_otherwise_make_the_tables_of_cost_anew(scripts, monkeypatch):
    before = {
        name: code_of_script(scripts[name]) for name in ("analyse_ranking", "plot_figures", "rank_models")
    }
    assert all(map(is_current, before.values()))
    read = provenance._source_of
    changed = {"suffice.embed.cards": "def cards_table(cards):\n    return 2 * cards\n"}
    monkeypatch.setattr(provenance, "_source_of", lambda module: changed.get(module) or read(module))
    for kept in (provenance.code_digest, provenance._code_of, provenance._library_imports):
        kept.cache_clear()
    try:
        assert [is_current(version) for version in before.values()] == [False, False, True]
    finally:
        monkeypatch.undo()
        for kept in (provenance.code_digest, provenance._code_of, provenance._library_imports):
            kept.cache_clear()
