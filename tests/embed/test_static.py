"""Static embeddings: equal to sentence-transformers, and to the mean that model2vec's format means."""

import json

import numpy as np
import pytest
from loopback_hub import loopback_hub
from safetensors.numpy import save_file

from suffice.embed.identity import embedding_identity
from suffice.embed.static import Static, StaticSettings
from suffice.embed.write import write_embedding
from suffice.errors import ModelError, NotFetchedError

WIDTH = 12
TOLERANCE = 1e-6  # float32 sums in another order


def loader_of(folder, **settings):
    return Static(StaticSettings(checkpoint=str(folder), **settings))


def embed(folder, window, **settings):
    return loader_of(folder, **settings).open(None).encode(window)


@pytest.fixture
def tokenizer(tokenizer_of):
    return tokenizer_of("bert").backend_tokenizer


@pytest.fixture
def folder(tmp_path, tokenizer, rng):
    """A folder as model2vec saves it."""
    path = tmp_path / "static"
    path.mkdir()
    tokenizer.enable_padding(length=40)  # as some published ones have it; it must not count
    tokenizer.save(str(path / "tokenizer.json"))
    table = rng.standard_normal((tokenizer.get_vocab_size(), WIDTH)).astype(np.float32)
    save_file({"embeddings": table}, path / "model.safetensors")
    (path / "config.json").write_text(json.dumps({"normalize": False, "max_length": 512}))
    return path


@pytest.fixture
def tokens(tokenizer):
    """A function from a text to the ids of its known tokens."""

    def ids(text):
        tokenizer.no_padding()
        found = tokenizer.encode(text, add_special_tokens=False).ids
        return [each for each in found if each != tokenizer.token_to_id("[UNK]")]

    return ids


def table_of(folder):
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


def test_vectors_are_means_of_known_tokens(folder, tokens, sentences, window):
    texts = [*sentences, "rain \u4e2d\u6587 fell", "\u4e2d"]  # the last ones have tokens that are not known
    table = table_of(folder)["embeddings"]
    expected = [table[tokens(text)].mean(axis=0) if tokens(text) else np.zeros(WIDTH) for text in texts]
    vectors = embed(folder, window(texts))
    assert vectors.dtype == np.float32 and not vectors[-1].any()
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


@pytest.mark.parametrize("setting", [None, True, False])
def test_normalisation_by_config_or_setting(folder, sentences, window, edit_json, setting):
    plain = embed(folder, window(sentences))
    edit_json(folder / "config.json", normalize=True)
    vectors = embed(folder, window(sentences), normalize=setting)
    expected = plain if setting is False else plain / np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


def test_tokens_that_share_rows_and_weights(folder, tokens, sentences, window, rng):
    n = len(table_of(folder)["embeddings"])
    rows, weights = rng.integers(0, 9, n), rng.random(n).astype(np.float32)
    table = rng.standard_normal((9, WIDTH)).astype(np.float32)
    save_file({"embeddings": table, "mapping": rows, "weights": weights}, folder / "model.safetensors")
    expected = [(table[rows[ids]] * weights[ids, None]).mean(axis=0) for ids in map(tokens, sentences)]
    np.testing.assert_allclose(embed(folder, window(sentences)), expected, atol=TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_small_types_of_weights(folder, tokens, sentences, window, dtype):
    table = (10 * table_of(folder)["embeddings"]).astype(dtype)
    save_file({"embeddings": table}, folder / "model.safetensors")
    expected = [table[tokens(text)].astype(float).mean(axis=0) for text in sentences]
    np.testing.assert_allclose(embed(folder, window(sentences)), expected, atol=1e-5)


def test_long_texts_are_cut_and_counted(folder, tokens, tokenizer, window, make_corpus, tmp_path):
    long = "rain fell at the weir " * 4
    ids, median = tokens(long), int(np.median([len(token) for token in tokenizer.get_vocab()]))
    assert len(ids) > 6
    table = table_of(folder)["embeddings"]
    kept = tokens(long[: 6 * median])[:6]
    vectors = embed(folder, window([long]), max_length=6)
    np.testing.assert_allclose(vectors[0], table[kept].mean(axis=0), atol=TOLERANCE)
    corpus = make_corpus([long, "no", "rain fell"])
    card = write_embedding(
        loader_of(folder, max_length=6), corpus, tmp_path / "v.npy", model="m", dataset="d"
    )
    assert card["health"]["n_truncated"] == 1
    assert card["cost"]["n_parameters"] == table.size


def test_config_without_a_length_reads_all(folder, tokens, window, edit_json):
    edit_json(folder / "config.json", max_length=None)
    long = "rain fell at the weir " * 400
    expected = table_of(folder)["embeddings"][tokens(long)].mean(axis=0, dtype=float)
    np.testing.assert_allclose(embed(folder, window([long]))[0], expected, atol=TOLERANCE)


@pytest.mark.parametrize("normalised", [False, True])
def test_equal_to_sentence_transformers(tmp_path, tokenizer_of, sentences, window, normalised):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    torch.manual_seed(0)
    modules = [StaticEmbedding(tokenizer_of("bert"), embedding_dim=WIDTH), *([Normalize()] * normalised)]
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path / "model"))
    texts = [*sentences, "rain \u4e2d\u6587 fell", "rain fell at the weir " * 400]
    expected = model.encode(texts, prompt="q: ")
    vectors = embed(tmp_path / "model", window(texts), prompt="q: ")
    np.testing.assert_allclose(vectors[:-1], expected[:-1], atol=TOLERANCE)
    np.testing.assert_allclose(
        vectors[-1], expected[-1], atol=2e-5
    )  # the library adds 2,000 tokens in float32


def test_neither_neighbours_nor_windows_change_a_vector(folder, sentences, window):
    together = embed(folder, window(sentences))
    alone = np.concatenate([embed(folder, window([text])) for text in sentences])
    np.testing.assert_array_equal(together, alone)


def test_identity_is_of_the_files_and_not_of_their_place(folder, tmp_path, edit_json):
    one = embedding_identity(loader_of(folder), "0")
    moved = folder.rename(tmp_path / "moved")
    (moved / "README.md").write_text("not read")
    assert embedding_identity(loader_of(moved), "0") == one
    edit_json(moved / "config.json", normalize=True)
    assert embedding_identity(loader_of(moved), "0") != one


def test_model_of_the_hub_is_fetched_and_then_read_without_network(
    folder, sentences, window, tmp_path, monkeypatch
):
    from huggingface_hub import constants

    (folder / "README.md").write_text("not read")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE")
    loader = loader_of("owner/static")
    with pytest.raises(NotFetchedError, match="fetch"):
        loader.check()
    with loopback_hub({"owner/static": folder}) as (address, _):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", address)
        assert "3 files" in loader.fetch()
    loader.check()
    vectors = loader.open(None).encode(window(sentences))
    np.testing.assert_array_equal(vectors, embed(folder, window(sentences)))
    assert set(loader.identity()) == {"commit"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"damaged", "model.safetensors cannot be read"),
        ("tokenizer.json", b"{}", "tokenizer.json is not a tokenizer"),
        ("config.json", b"[1]", "config.json must contain keys and values"),
        ("config.json", b"{", "config.json is not valid JSON"),
        ("config.json", b'{"max_length": "x"}', "has max_length 'x'; set max_length"),
        ("modules.json", b'[{"type": "a.StaticEmbedding"}, {"type": "a.Dense"}]', "has the module Dense"),
        ("modules.json", b'["x"]', "modules.json must be a list of modules"),
    ],
)
def test_damaged_files_are_named(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        loader_of(folder).open(None)


def test_table_must_fit_the_tokenizer(folder, rng):
    table = table_of(folder)["embeddings"]
    cases = [
        ({"other": table}, "neither embeddings nor embedding.weight, only other"),
        ({"embeddings": table[:-1]}, "belong to different models"),
        ({"embeddings": table[0]}, "not one row per token"),
        ({"embeddings": np.where(table > 2, np.nan, table)}, "vectors are not finite"),
        ({"embeddings": table, "mapping": np.full(len(table), len(table))}, "mapping names the row"),
    ]
    for arrays, message in cases:
        save_file(arrays, folder / "model.safetensors")
        with pytest.raises(ModelError, match=message):
            loader_of(folder).open(None)


def test_missing_file_is_named(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="has no model.safetensors beside a tokenizer.json"):
        loader_of(folder).check()


def test_revision_of_a_local_folder_is_refused(folder):
    with pytest.raises(ModelError, match="revision 'main' is for hub names"):
        loader_of(folder, revision="main").check()
