import random

import pandas as pd
import pytest

from suffice.data import docstrings
from suffice.data.build import build_corpus
from suffice.data.corpus import Corpus
from suffice.data.dataset_settings import DatasetSettings
from suffice.errors import DataError

LONG = "This is the text of {} and it says that something is done to what it was given."

SOURCE = '''
"""{module}"""

def public():
    """{function}"""

def _private():
    """Never seen."""

class Thing:
    """{cls}"""

    def method(self):
        """{method}"""

class _Hidden:
    def method(self):
        """Never seen."""

add_newdoc("package._core", "flat", """{added}""")
add_newdoc("package._core", "flat", ("copy", """{added_method}"""))
add_newdoc("ufunc", """{ufunc}""")
add_newdoc("_private", """Never seen.""")
add_newdoc("computed", "a" + "b")
'''


def test_the_docstrings_of_public_objects_are_found_with_their_kind():
    names = ["module", "function", "cls", "method", "added", "added_method", "ufunc"]
    source = SOURCE.format(**{name: name for name in names})
    found = {d.text: (d.object, d.kind, d.group) for d in docstrings.file_docstrings(source.encode(), "a.b")}
    assert found == {
        "module": ("a.b", "module", "a.b"),
        "function": ("a.b.public", "function", "a.b.public"),
        "cls": ("a.b.Thing", "class", "a.b.Thing"),
        "method": ("a.b.Thing.method", "method", "a.b.Thing"),
        "added": ("a.b.flat", "class", "a.b.flat"),
        "added_method": ("a.b.flat.copy", "method", "a.b.flat"),
        "ufunc": ("a.b.ufunc", "function", "a.b.ufunc"),
    }


@pytest.mark.parametrize(
    ("parts", "module", "label"),
    [
        (("scipy", "fft", "_basic"), "scipy.fft", "scipy.fft"),
        (("numpy", "_core", "fromnumeric"), "numpy", "numpy"),
        (("numpy", "__init__"), "numpy", "numpy"),
        (("pandas", "core", "arrays", "base"), "pandas.core.arrays.base", "pandas.core.arrays"),
        (("pandas", "io", "sql"), "pandas.io.sql", "pandas.io"),
    ],
)
def test_modules_have_public_names(parts, module, label):
    assert docstrings.public_module(parts) == module
    assert docstrings.module_label(module) == label


def test_quotas_share_out_what_the_small_ones_leave():
    assert docstrings.equal_quotas({"a": 10, "b": 100, "c": 100}, 90) == {"a": 10, "b": 40, "c": 40}
    assert sum(docstrings.equal_quotas({"a": 5, "b": 5}, 90).values()) == 10


def test_objects_and_groups_are_capped_and_single_paragraphs_come_last():
    rows = [("large", f"large.m{i}") for i in range(10) for _ in range(12)] + [
        ("f", "f"),
        ("g", "g"),
        ("g", "g"),
    ]
    items = pd.DataFrame(rows, columns=["group", "object"])
    drawn = items.loc[docstrings.drawn_rows(items, random.Random(0))]
    assert drawn.groupby("object").size().max() == 8
    assert drawn.groupby("group").size().to_dict() == {"f": 1, "g": 2, "large": 40}
    assert drawn["object"].iloc[-1] == "f"


def test_roles_modules_and_sections_follow_the_counts():
    items = pd.DataFrame(
        [("f", "summary"), ("f", "notes"), ("g", "summary"), ("h", "notes")], columns=["object", "section"]
    ).assign(group=["f", "f", "g", "h"], module=["m", "m", "n", "m"])
    labelled = docstrings.with_labels(items)
    assert labelled["role"].fillna("none").tolist() == ["query", "document", "none", "document"]
    assert labelled["section"].isna().all()  # fewer than 100 of each
    assert labelled["module"].isna().all()  # one group holds more than half of each


def test_a_missing_package_is_named():
    with pytest.raises(DataError, match="'no_such_package' is not installed"):
        docstrings.package_folder("no_such_package")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "api-docs.parquet"
    build_corpus(DatasetSettings(source="api-docs"), 0, path)
    return Corpus(path)


@pytest.mark.slow
def test_the_real_corpus_is_large_balanced_and_split_by_group(corpus):
    items = corpus.table()
    assert 8_000 <= len(items) <= 12_000
    assert items["id"].is_unique
    assert items["content"].is_unique
    assert items["content"].str.len().between(60, 600).all()
    counts = items["package"].value_counts()
    assert set(counts.index) == set(docstrings.PACKAGES)
    assert counts.max() - counts.min() <= 1  # every package has more paragraphs than its share
    assert (items.groupby("group")["split"].nunique() == 1).all()
    assert items["module"].nunique() == 40
    assert (items["role"] == "query").sum() >= 500
    share = (items["split"] == "test").groupby(items["module"]).mean()
    # a group holds at most half a module, so a share is off by at most a quarter
    assert share.between(0.4 - 0.25, 0.4 + 0.25).all()


@pytest.mark.slow
def test_every_query_of_the_real_corpus_has_a_document(corpus):
    items = corpus.table()
    documents = set(items.loc[items["role"] == "document", "object"])
    assert set(items.loc[items["role"] == "query", "object"]) <= documents


@pytest.mark.slow
def test_the_manifest_of_the_real_corpus_accounts_for_every_paragraph(corpus):
    manifest = corpus.manifest
    assert manifest["n_read"] == manifest["n_items"] + sum(manifest["dropped"].values())
    assert set(docstrings.PACKAGES) <= set(manifest["versions"])
