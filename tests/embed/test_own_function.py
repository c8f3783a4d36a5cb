"""Functions of the user's own: only with a word of trust, and only if a text has one vector."""

import hashlib
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from suffice.embed.identity import embedding_identity
from suffice.embed.own_function import CallableSettings, OwnFunction
from suffice.embed.write import write_embedding
from suffice.errors import ModelError
from suffice.study.model_files import files_of_settings

GOOD = """
import numpy as np

def embed(texts):
    assert isinstance(texts, list)
    return np.array([[len(text), text.count("e"), text.count(" ")] for text in texts])
"""


def expected(texts):
    return np.array([[len(text), text.count("e"), text.count(" ")] for text in texts], dtype=np.float32)


@pytest.fixture
def write(tmp_path):
    """A function that writes a Python file."""

    def to(source, name="own.py"):
        (tmp_path / name).write_text(source)
        return tmp_path / name

    return to


def loader_of(path, function="embed", **settings):
    given = {"unsafe": True, **settings}
    return OwnFunction(CallableSettings(function=function, path=path and str(path), **given))


@pytest.mark.parametrize("batch_size", [1, 5, 64])
def test_rows_are_the_functions_own(write, corpus, sentences, tmp_path, batch_size):
    loader = loader_of(write(GOOD), batch_size=batch_size)
    card = write_embedding(loader, corpus, tmp_path / "v.npy", model="m", dataset="d")
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), expected(sentences))
    assert card["cost"]["embed_dim"] == 3 and card["cost"]["batch_size"] == batch_size


def test_function_of_an_installed_module(write, window, sentences, tmp_path, monkeypatch):
    path = write(GOOD, "own_package_for_test.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    loader = loader_of(None, "own_package_for_test:embed")
    np.testing.assert_array_equal(loader.open(None).encode(window(sentences)), expected(sentences))
    assert loader.identity() == {"source_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert files_of_settings({"function": "own_package_for_test:embed"}) == [str(path)]
    assert files_of_settings({"function": "no_such_module:embed"}) == []
    sys.modules.pop("own_package_for_test")


def test_nothing_runs_without_a_word_of_trust(write, tmp_path):
    ran = tmp_path / "ran"
    path = write(f"open({str(ran)!r}, 'w')\n{GOOD}")
    for step in ("check", "open"):
        with pytest.raises(
            ModelError, match="would run Python code with all your rights; .*set unsafe to true"
        ):
            getattr(loader_of(path, unsafe=False), step)(*[None][: step == "open"])
    loader_of(path).check()
    assert not ran.exists()
    loader_of(path).open(None)
    assert ran.exists()


def test_another_content_is_another_identity_and_another_place_is_not(write, tmp_path):
    one = embedding_identity(loader_of(write(GOOD)), "0")
    assert embedding_identity(loader_of(write(GOOD, "moved.py"), batch_size=2), "0") == one
    assert embedding_identity(loader_of(write(GOOD + "\n# version 2\n")), "0") != one


def test_function_that_mixes_texts_gets_them_one_by_one(write, corpus, sentences, tmp_path):
    source = (
        GOOD.replace("def embed", "def alone") + "\ndef embed(texts):\n    return alone(texts) + len(texts)\n"
    )
    card = write_embedding(loader_of(write(source)), corpus, tmp_path / "v.npy", model="m", dataset="d")
    np.testing.assert_array_equal(np.load(tmp_path / "v.npy"), expected(sentences) + 1)
    assert any("texts are encoded one by one" in said for said in card["health"]["warnings"])


def test_function_that_is_random_is_refused(write):
    source = "import numpy as np\n"
    source += "rng = np.random.default_rng(0)\ndef embed(texts): return rng.normal(size=(len(texts), 3))"
    with pytest.raises(ModelError, match="it is random or keeps a state"):
        loader_of(write(source)).open(None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return [1.0 for text in texts]", r"shape \(1,\)"),
        ("return [[1.0]] * (len(texts) + 1)", r"shape \(2, 1\) .* for 1 texts"),
        ("return [['a']] * len(texts)", "and type <U1"),
        ("return [[None]] * len(texts)", "and type object"),
        ("raise RuntimeError('no disk')", r"embed failed on 1 texts .RuntimeError: no disk"),
        ("return [[1.0]] if len(texts) == 1 else [[1.0], [2.0, 3.0]]", "embed failed on 2 texts"),
    ],
)
def test_what_is_no_row_per_text_is_refused(write, body, message):
    with pytest.raises(ModelError, match=message):
        loader_of(write(f"def embed(texts):\n    {body}\n")).open(None)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def other(texts): pass", "defines no 'embed'; correct the setting function"),
        ("def embed(texts:", "cannot be read as Python"),
        ("\0", "cannot be read as Python"),
        ("import no_such_module_anywhere\ndef embed(texts): pass", "cannot be imported .ModuleNotFoundError"),
        ("embed = 3", "'embed' in .* is not a function"),
    ],
)
def test_wrong_files_are_named(write, source, message):
    with pytest.raises(ModelError, match=message):
        loader_of(write(source)).open(None)


def test_missing_files_and_modules_are_named(tmp_path):
    with pytest.raises(ModelError, match="there is no file .*no.py; install the package, or correct path"):
        loader_of(tmp_path / "no.py").check()
    for function in ("no_such_module:embed", "os.no_such_module:embed", "sys:exit"):
        with pytest.raises(ModelError, match=f"there is no module of {function}"):
            loader_of(None, function).check()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"function": "embed"}, "write function as module:function"),
        ({"function": "a:embed", "path": "own.py"}, "write only the name of the function"),
        ({"function": "a:embed()"}, "should match pattern"),
        ({"function": "../a:embed"}, "should match pattern"),
    ],
)
def test_settings_that_name_no_function(settings, message):
    with pytest.raises(ValidationError, match=message):
        CallableSettings(**settings)
