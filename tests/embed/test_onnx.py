"""ONNX encoders: equal to the torch model they were exported from, whatever the batch."""

import json
import shutil

import numpy as np
import pytest
import torch

from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.identity import embedding_identity
from suffice.embed.onnx_checkpoint import Onnx, OnnxSettings
from suffice.embed.write import write_embedding
from suffice.errors import ModelError

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
onnx = pytest.importorskip("onnx", reason="the development extra is not installed")
TOLERANCE = 1e-4  # of vectors with entries of about 1
INPUTS = {
    "bert": ["input_ids", "attention_mask", "token_type_ids"],
    "roberta": ["input_ids", "attention_mask"],
}
MODULES = [{"type": "a.models.Transformer", "path": ""}, {"type": "a.models.Pooling", "path": "1_Pooling"}]


class States(torch.nn.Module):
    """A model that gives its last hidden states and, if asked for, one vector per text made from them."""

    def __init__(self, model, names, pooled):
        super().__init__()
        self.model, self.names, self.pooled = model, names, pooled

    def forward(self, *inputs):
        states = self.model(**dict(zip(self.names, inputs, strict=True))).last_hidden_state
        return (states, states[:, 0] * 2) if self.pooled else states


def export(model, path, names, pooled=False):
    outputs = ["last_hidden_state", *(["sentence_embedding"] * pooled)]
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "last_hidden_state"]}
    axes |= {"sentence_embedding": {0: "batch"}} if pooled else {}
    ids = torch.full((2, 7), 5)
    given = tuple(torch.ones_like(ids) if "mask" in name else ids * ("input" in name) for name in names)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        States(model, names, pooled), given, str(path), dynamo=False, opset_version=17,
        input_names=names, output_names=outputs, dynamic_axes=axes,
    )  # fmt: skip


@pytest.fixture(scope="session")
def exported(tmp_path_factory, checkpoint):
    """A function from a family to a folder with `onnx/model.onnx`, the tokenizer and the configuration."""
    from transformers import AutoModel

    made = {}

    def get(family, pooled=False):
        if (family, pooled) not in made:
            folder = tmp_path_factory.mktemp("onnx") / family
            shutil.copytree(checkpoint(family), folder, ignore=shutil.ignore_patterns("*.safetensors"))
            model = AutoModel.from_pretrained(checkpoint(family), attn_implementation="eager").eval()
            export(model, folder / "onnx/model.onnx", INPUTS[family], pooled)
            made[family, pooled] = folder
        return made[family, pooled]

    return get


@pytest.fixture
def fresh(exported, tmp_path):
    """A copy of an exported folder, for a test that changes it."""

    def make(family="bert", **options):
        return shutil.copytree(exported(family, **options), tmp_path / f"fresh-{family}")

    return make


def loader_of(folder, **settings):
    return Onnx(OnnxSettings(checkpoint=str(folder), **settings))


def embed(folder, window, **settings):
    return loader_of(folder, **settings).open(None).encode(window)


def torch_vectors(folder, window, **settings):
    return HiddenStates(HiddenStatesSettings(checkpoint=str(folder), **settings)).open(None).encode(window)


def add_pooling(folder, mode, *more):
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 32, **mode}))
    (folder / "modules.json").write_text(json.dumps([*MODULES, *more]))


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("pooling", ["mean", "cls", "last_token"])
def test_equal_to_torch(family, pooling, exported, checkpoint, sentences, window):
    expected = torch_vectors(checkpoint(family), window(sentences), pooling=pooling)
    vectors = embed(exported(family), window(sentences), pooling=pooling, batch_size=4)
    assert vectors.dtype == np.float32 and np.abs(expected).max() > 0.5
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_neither_batch_size_nor_neighbours_change_a_vector(family, exported, sentences, window):
    alone = embed(exported(family), window(sentences), pooling="mean", batch_size=1)
    together = embed(exported(family), window(sentences[::-1]), pooling="mean", batch_size=16)
    np.testing.assert_allclose(together[::-1], alone, atol=TOLERANCE)


def test_prompt_normalisation_and_length(exported, checkpoint, sentences, window):
    given = {"prompt": "no rain ", "max_length": 9, "normalize": True, "pooling": "mean"}
    expected = torch_vectors(checkpoint("bert"), window(sentences), **given)
    np.testing.assert_allclose(embed(exported("bert"), window(sentences), **given), expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("mode", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_lasttoken": True}, "last_token"),
        ({"pooling_mode": "lasttoken"}, "last_token"),
    ],
)
def test_pooling_and_normalisation_from_the_files(mode, pooling, fresh, sentences, window):
    folder = fresh()
    expected = embed(folder, window(sentences), pooling=pooling, normalize=True)
    add_pooling(folder, mode, {"type": "a.models.Normalize", "path": "2_Normalize"})
    np.testing.assert_array_equal(embed(folder, window(sentences)), expected)
    plain = embed(folder, window(sentences), normalize=False)
    assert np.abs(np.linalg.norm(plain, axis=1) - 1).min() > 0.1


def test_output_with_one_vector_per_text_is_used_as_it_is(fresh, sentences, window, checkpoint):
    folder = fresh("bert", pooled=True)
    add_pooling(folder, {"pooling_mode_mean_tokens": True}, {"type": "a.models.Dense", "path": "2_Dense"})
    expected = 2 * torch_vectors(checkpoint("bert"), window(sentences), pooling="cls")
    np.testing.assert_allclose(embed(folder, window(sentences)), expected, atol=2 * TOLERANCE)
    with pytest.raises(ModelError, match="has the module Dense after the encoder"):
        embed(folder, window(sentences), output="last_hidden_state")


def test_layout_of_fastembed(fresh, checkpoint, sentences, window):
    folder = fresh()
    shutil.move(folder / "onnx/model.onnx", folder / "model_optimized.onnx")
    expected = torch_vectors(checkpoint("bert"), window(sentences), pooling="cls")
    np.testing.assert_allclose(embed(folder, window(sentences), pooling="cls"), expected, atol=TOLERANCE)


def test_model_of_int8_is_encoded_so_that_a_text_has_one_vector(
    fresh, sentences, window, tmp_path, make_corpus
):
    from onnxruntime.quantization import quantize_dynamic

    folder = fresh()
    quantize_dynamic(folder / "onnx/model.onnx", folder / "onnx/model_int8.onnx")
    loader = loader_of(folder, onnx_file="onnx/model_int8.onnx", pooling="mean")
    card = write_embedding(loader, make_corpus(sentences), tmp_path / "v.npy", model="m", dataset="d")
    assert any("depend on the other texts in a batch" in said for said in card["health"]["warnings"])
    vectors = np.load(tmp_path / "v.npy")
    backwards = embed(folder, window(sentences[::-1]), onnx_file="onnx/model_int8.onnx", pooling="mean")
    np.testing.assert_allclose(backwards[::-1], vectors, atol=TOLERANCE)
    whole = embed(folder, window(sentences), pooling="mean")
    cosines = (vectors * whole).sum(axis=1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(whole, axis=1)
    assert 0.9 < cosines.min() < 0.99999


def test_long_texts_are_cut_at_the_models_positions_and_counted(exported, make_corpus, sentences, tmp_path):
    corpus = make_corpus([*sentences, "rain fell " * 100])
    card = write_embedding(
        loader_of(exported("bert"), pooling="mean"), corpus, tmp_path / "v.npy", model="m", dataset="d"
    )
    assert card["health"]["n_truncated"] == 1
    with pytest.raises(ModelError, match="max_length 65 is more than the 64 positions"):
        loader_of(exported("roberta"), pooling="mean", max_length=65).open(None)


@pytest.mark.parametrize(
    ("file", "key", "value", "length"),
    [
        ("sentence_bert_config.json", "max_seq_length", 7, 7),
        ("tokenizer_config.json", "model_max_length", 8, 8),
        ("tokenizer_config.json", "model_max_length", 10**30, 64),
        ("tokenizer.json", "truncation", {"max_length": 9}, 9),
    ],
)
def test_length_from_the_files(fresh, file, key, value, length):
    folder = fresh()
    content = json.loads((folder / file).read_text()) if (folder / file).exists() else {}
    if key == "truncation":
        value = {"direction": "Right", "strategy": "LongestFirst", "stride": 0} | value
    (folder / file).write_text(json.dumps(content | {key: value}))
    assert loader_of(folder, pooling="mean").open(None).reading.max_length == length


def test_small_letters_where_the_files_ask_for_them(fresh, window):
    folder = fresh("roberta")
    upper, lower = (embed(folder, window([text]), pooling="mean") for text in ("RAIN", "rain"))
    assert np.abs(upper - lower).max() > 0.01
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    np.testing.assert_array_equal(embed(folder, window(["RAIN"]), pooling="mean"), lower)


def test_identity_is_of_the_files_that_are_read(fresh, tmp_path):
    folder = fresh()
    one = embedding_identity(loader_of(folder, pooling="mean"), "0")
    assert set(one["versions"]) == {"onnxruntime", "tokenizers"}
    (folder / "onnx/other.onnx").write_bytes(b"not read")
    moved = folder.rename(tmp_path / "moved")
    assert embedding_identity(loader_of(moved, pooling="mean", batch_size=3), "0") == one
    (moved / "onnx/model.onnx_data").write_bytes(b"weights beside it")
    assert embedding_identity(loader_of(moved, pooling="mean"), "0") != one


def test_what_is_unknown_or_wrong_is_told_at_the_check(fresh):
    folder = fresh()
    cases = [
        ({"sha256": "0" * 64}, "has SHA-256 .* but the setting sha256 is 0000"),
        ({"onnx_file": "onnx/no.onnx"}, "no onnx/no.onnx; it has onnx/model.onnx: name one in onnx_file"),
        ({"revision": "main"}, "revision 'main' is for hub names"),
        ({"provider": "cuda"}, "does not compute on 'cuda' .*set provider to cpu"),
    ]
    for settings, message in cases:
        with pytest.raises(ModelError, match=message):
            loader_of(folder, **settings).check()
    with pytest.raises(ModelError, match="does not compute on 'mps'"):
        Onnx(OnnxSettings(checkpoint=str(folder)), device="mps").check()
    Onnx(OnnxSettings(checkpoint=str(folder), provider="cpu"), device="mps").check()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="has no tokenizer.json"):
        loader_of(folder).check()
    (folder / "onnx/model.onnx").unlink()
    with pytest.raises(ModelError, match="it has no .onnx file"):
        loader_of(folder).check()


def test_pooling_that_nobody_names_is_no_guess(exported):
    with pytest.raises(ModelError, match="set pooling as in the model's card"):
        loader_of(exported("bert")).open(None)


@pytest.mark.parametrize(
    "mode", [{"pooling_mode_max_tokens": True}, {"pooling_mode": "weightedmean"}, {"a": 1}]
)
def test_pooling_that_is_not_known_is_refused(fresh, mode):
    folder = fresh()
    add_pooling(folder, mode)
    with pytest.raises(ModelError, match="is not one of mean, cls and last_token"):
        loader_of(folder).open(None)


def test_output_that_is_not_there_is_named(exported):
    with pytest.raises(ModelError, match="has the outputs last_hidden_state; name one"):
        loader_of(exported("bert"), pooling="mean", output="pooler").open(None)


def test_damaged_graph_is_named(fresh):
    folder = fresh()
    (folder / "onnx/model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="model.onnx cannot be loaded .*fetch or export it again"):
        loader_of(folder, pooling="mean").open(None)


def graph_of(folder, inputs, **location):
    """Write a graph that multiplies its input with a matrix, which may lie in another file."""
    weights = onnx.numpy_helper.from_array(np.ones((3, 4), dtype=np.float32), "weights")
    if location:
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        for key, value in location.items():
            weights.external_data.add(key=key, value=value)
    name, kind = inputs
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Cast", [name], ["x"], to=1),
            onnx.helper.make_node("MatMul", ["x", "weights"], ["y"]),
        ],
        "graph",
        [onnx.helper.make_tensor_value_info(name, kind, ["batch", 3])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 4])],
        [weights],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    (folder / "onnx/model.onnx").write_bytes(model.SerializeToString())


def test_graph_of_other_data_is_refused(fresh):
    folder = fresh()
    graph_of(folder, ("pixel_values", onnx.TensorProto.FLOAT))
    with pytest.raises(ModelError, match="asks for pixel_values, so it is not a text encoder"):
        loader_of(folder).open(None)


def test_weights_outside_of_the_folder_are_not_read(fresh, tmp_path):
    folder = fresh()
    (tmp_path / "secret.bin").write_bytes(b"0" * 48)
    for place in ("../../secret.bin", str(tmp_path / "secret.bin")):
        graph_of(folder, ("input_ids", onnx.TensorProto.INT64), location=place, length="48")
        with pytest.raises(ModelError, match="cannot be loaded"):
            loader_of(folder).open(None)
