"""Averages of word vectors: every file format, tokenisation, unknown words, and files that are wrong."""

import gzip

import numpy as np
import pytest
from safetensors.numpy import save_file

from suffice.embed.word_vectors import WordVectors, WordVectorsSettings, read_word_vectors
from suffice.embed.write import write_embedding
from suffice.errors import ModelError

WORDS = ["rain", "fell", "it's", "wind", "Rain"]
VECTORS = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 2, 2], [9, 9, 9]], dtype=np.float32)


def text_lines(header=False):
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(WORDS, VECTORS, strict=True)]
    return "\n".join([f"{len(WORDS)} 3", *lines] if header else lines) + "\n"


def save(folder, form):
    """Write the vectors in one format; returns the settings."""
    path, vocabulary = folder / f"v.{form.split()[0]}", folder / "words.txt"
    match form:
        case "txt" | "vec header":
            path.write_text(text_lines(header="header" in form))
        case "txt.gz" | "vec.gz header":
            path.write_bytes(gzip.compress(text_lines(header="header" in form).encode()))
        case "npz":
            np.savez(path, words=np.array(WORDS), vectors=VECTORS)
        case "npy":
            np.save(path, VECTORS)
        case "safetensors":
            save_file({"embedding": VECTORS}, path)
    if form in ("npy", "safetensors"):
        vocabulary.write_text("\n".join(WORDS) + "\n")
        return {"path": str(path), "vocabulary": str(vocabulary)}
    return {"path": str(path)}


FORMS = ["txt", "txt.gz", "vec header", "vec.gz header", "npz", "npy", "safetensors"]


def loader_of(**settings):
    loader = WordVectors(WordVectorsSettings(**settings))
    loader.check()
    return loader


@pytest.mark.parametrize("form", FORMS)
def test_every_format(form, tmp_path, window):
    loader = loader_of(**save(tmp_path, form))
    encoder = loader.open(None)
    assert (encoder.embed_dim, encoder.n_parameters, encoder.n_truncated) == (3, 15, None)
    vectors = encoder.encode(window(["RAIN fell.", "It's rain, rain!", "wind", "nothing known", ""]))
    expected = [[0.5, 0.5, 0], [2 / 3, 0, 1 / 3], [2, 2, 2], [0, 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(vectors, expected, atol=1e-7)
    assert vectors.dtype == np.float32
    assert loader.warnings() == ["25.0% of the items' words have no vector"]


@pytest.mark.parametrize(
    "settings, text, expected",
    [
        ({"lowercase": False}, "Rain", [9, 9, 9]),
        ({"tokenization": "whitespace"}, "rain fell.", [1, 0, 0]),
        ({"normalize": True}, "rain fell", [2**-0.5, 2**-0.5, 0]),
        ({"normalize": True}, "unknown", [0, 0, 0]),
        ({"tokenization": "character"}, "rain", [0, 0, 0]),
    ],
)
def test_settings(settings, text, expected, tmp_path, window):
    encoder = loader_of(**save(tmp_path, "npz"), **settings).open(None)
    np.testing.assert_allclose(encoder.encode(window([text]))[0], expected, atol=1e-7)


def test_words_that_hold_spaces_or_stand_twice(tmp_path):
    (tmp_path / "v.txt").write_text("a 1 2\n. . . 3 4\na 5 6\n")
    words, vectors = read_word_vectors(tmp_path / "v.txt")
    assert words == ["a", ". . .", "a"]
    assert vectors.tolist() == [[1, 2], [3, 4], [5, 6]]
    encoder = loader_of(path=str(tmp_path / "v.txt")).open(None)
    assert encoder.vectors[encoder.rows["a"]].tolist() == [1, 2]


def test_zero_rows_reach_the_card(make_corpus, tmp_path):
    corpus = make_corpus(["rain", "fell", "unheard of", "wind"])
    loader = loader_of(**save(tmp_path, "npz"))
    card = write_embedding(loader, corpus, tmp_path / "m.npy", model="words", dataset="toy")
    assert card["health"]["n_zero_rows"] == 1
    assert card["health"]["warnings"] == [
        "1 of 4 items have a zero vector (25.0%)",
        "40.0% of the items' words have no vector",
    ]


BAD_TEXT = {
    "missing number": ("a 1 2\nb 3\n", "line 2: 1 numbers after the word, expected 2"),
    "no dimensions": ("2 0\na\nb\n", r"2 words do not match vectors of shape \(2, 0\)"),
    "not a number": ("a 1 2\nb 3 x\n", "line 2: could not convert"),
    "truncated": ("3 2\na 1 2\nb 3 4\n", "announces 3 words but has 2"),
    "empty": ("", "does not start with a word and its numbers"),
    "words alone": ("a\nb\n", "does not start with a word and its numbers"),
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_bad_text(case, tmp_path):
    content, message = BAD_TEXT[case]
    (tmp_path / "v.txt").write_text(content)
    with pytest.raises(ModelError, match=message):
        read_word_vectors(tmp_path / "v.txt")


@pytest.mark.parametrize("form", FORMS[1:])
def test_damaged_file(form, tmp_path):
    settings = save(tmp_path, form)
    path = tmp_path / settings["path"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match=r"cannot be read|numbers after the word|announces|do not match"):
        loader_of(**settings).open(None)


def test_not_utf8(tmp_path):
    (tmp_path / "v.txt").write_bytes(b"caf\xe9 1 2\n")
    with pytest.raises(ModelError, match="cannot be read"):
        read_word_vectors(tmp_path / "v.txt")


def test_vocabulary_of_another_size(tmp_path):
    settings = save(tmp_path, "npy")
    (tmp_path / "words.txt").write_text("rain\nfell\n")
    with pytest.raises(ModelError, match=r"2 words do not match vectors of shape \(5, 3\)"):
        loader_of(**settings).open(None)


@pytest.mark.parametrize(
    "name, settings, message",
    [
        ("v.csv", {}, "not a file of word vectors"),
        ("v.npy", {}, "needs a vocabulary"),
        ("v.npz", {"vocabulary": "v.csv"}, "needs no vocabulary"),
        ("v.npz", {"array": "a"}, "works only with .safetensors"),
        ("nowhere.npz", {}, "does not exist|is not a file"),
    ],
)
def test_check(name, settings, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for existing in ("v.csv", "v.npy", "v.npz"):
        (tmp_path / existing).touch()
    with pytest.raises(ModelError, match=message):
        loader_of(path=f"./{name}", **settings)


def test_one_of_several_arrays(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb")
    save_file({"x": VECTORS[:2], "y": VECTORS[2:4]}, tmp_path / "v.safetensors")
    settings = {"path": str(tmp_path / "v.safetensors"), "vocabulary": str(tmp_path / "words.txt")}
    assert loader_of(**settings, array="y").open(None).vectors.tolist() == VECTORS[2:4].tolist()
    with pytest.raises(ModelError, match="has x, y; name one"):
        loader_of(**settings).open(None)
    with pytest.raises(ModelError, match="no array 'z', only x, y"):
        loader_of(**settings, array="z").open(None)


def test_identity_follows_contents(tmp_path):
    settings = save(tmp_path, "npy")
    before = loader_of(**settings).identity()
    assert set(before["files_sha256"]) == {"path", "vocabulary"}
    (tmp_path / "words.txt").write_text("\n".join(reversed(WORDS)))
    assert loader_of(**settings).identity() != before


@pytest.mark.parametrize(
    "name, tokenization, width",
    [
        ("wv_glove_twitter_11925x25", "word", 25),
        ("wv_softmaxreg_12853x20", "word", 20),
        ("char_glove840B_x300", "character", 300),
    ],
)
def test_real_vectors(name, tokenization, width, shared_data, sentences, window):
    path = shared_data / "models" / "text" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the real test data")
    loader = loader_of(path=str(path), tokenization=tokenization)
    vectors = loader.open(None).encode(window(sentences))
    assert vectors.shape == (len(sentences), width)
    assert np.isfinite(vectors).all()
    assert np.abs(vectors).sum(axis=1).min() > 0
