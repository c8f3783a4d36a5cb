"""ONNX graphs on images: equal to torch at every tensor, sizes and colours as set, and what is refused."""

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus
from suffice.embed.identity import embedding_identity
from suffice.embed.onnx_image import OnnxImage, OnnxImageSettings
from suffice.errors import DataError, ModelError
from suffice.storage.files import sha256_of_file

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper, tensors = onnx.helper, onnx.numpy_helper

N_IMAGES, SIDE, WIDTH = 7, 16, 5
WEIGHTS = np.random.default_rng(3).normal(size=(WIDTH, 3, 3, 3)).astype(np.float32)
OUTPUT = np.random.default_rng(4).normal(size=(WIDTH, 2)).astype(np.float32)


def write_graph(folder, shape=("n", 3, "h", "w"), outputs=("logits",)):
    """A convolution, a rectifier, the mean over places, and a product, with colours first or last."""
    nodes, given = [], "pixels"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", ["pixels"], ["first"], perm=[0, 3, 1, 2]))
        given = "first"
    nodes += [
        helper.make_node("Conv", [given, "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [tensors.from_array(WEIGHTS, "kernel"), tensors.from_array(OUTPUT, "matrix")],
    )
    folder.mkdir(exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 10
    onnx.save(model, str(folder / "model.onnx"))
    return folder


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(1)
    sizes = [(40 + 3 * number, 30 + number, 3) for number in range(N_IMAGES)]
    return [Image.fromarray(generator.integers(0, 256, size=size, dtype=np.uint8)) for size in sizes]


@pytest.fixture(scope="module")
def corpus(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, image in enumerate(images):
        image.save(folder / f"{number}.png")
    settings = DatasetSettings(source="file", path=str(folder), content_type="image", min_items=2)
    build_corpus(settings, 0, folder / "corpus.parquet")
    return Corpus(folder / "corpus.parquet")


def loader_of(folder, **settings):
    return OnnxImage(OnnxImageSettings(checkpoint=str(folder), side=SIDE, **settings))


def vectors_of(loader, corpus):
    encoder = loader.open(corpus)
    (window,) = corpus.windows(100)
    return encoder.encode(window)


def expected(images, tensor, mean=0.0, std=255.0, order=(0, 1, 2)):
    """The same network by torch."""
    small = [np.asarray(each.resize((SIDE, SIDE), Image.Resampling.BILINEAR)) for each in images]
    pixels = (np.stack(small)[..., list(order)].astype(np.float32) - mean) / std
    given = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32))
    maps = torch.nn.functional.conv2d(given, torch.from_numpy(WEIGHTS), padding=1)
    flat = maps.relu().mean((2, 3))
    found = {"maps": maps.mean((2, 3)), "positive": flat, "logits": flat @ torch.from_numpy(OUTPUT)}
    return found[tensor].numpy()


@pytest.mark.parametrize("tensor", [None, "positive", "maps"])
@pytest.mark.parametrize("shape", [("n", 3, "h", "w"), (1, 3, 224, 224), ("n", 224, 224, 3)])
def test_vectors_are_those_of_torch(tmp_path, corpus, images, tensor, shape):
    loader = loader_of(write_graph(tmp_path / "m", shape), output=tensor)
    np.testing.assert_allclose(vectors_of(loader, corpus), expected(images, tensor or "logits"), atol=1e-5)


def test_colours_are_scaled_and_ordered_as_set(tmp_path, corpus, images):
    loader = loader_of(
        write_graph(tmp_path / "m"), output="positive", mean="104,117,123", std="50, 60, 70", channels="bgr"
    )
    mean, std = np.array([104.0, 117, 123]), np.array([50.0, 60, 70])
    wanted = expected(images, "positive", mean, std, (2, 1, 0))
    np.testing.assert_allclose(vectors_of(loader, corpus), wanted, rtol=1e-4, atol=1e-5)
    rgb = expected(images, "positive", mean, std)
    assert np.abs(wanted - rgb).max() > 0.05


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_a_batch_changes_no_vector_and_lengths_can_be_one(tmp_path, corpus, images, batch_size):
    loader = loader_of(write_graph(tmp_path / "m"), batch_size=batch_size, normalize=True)
    wanted = expected(images, "logits")
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors_of(loader, corpus), wanted, atol=1e-5)


def test_only_weights_that_are_used_are_counted(tmp_path, corpus):
    folder = write_graph(tmp_path / "m")
    assert loader_of(folder, output="positive").open(corpus).n_parameters == WEIGHTS.size
    assert loader_of(folder).open(corpus).n_parameters == WEIGHTS.size + OUTPUT.size


def test_identity_is_the_files_and_settings(tmp_path):
    one, moved = write_graph(tmp_path / "m"), write_graph(tmp_path / "moved")
    known = embedding_identity(loader_of(one), "0")
    assert embedding_identity(loader_of(moved), "0") == known
    assert embedding_identity(loader_of(one, output="positive"), "0") != known


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"output": "positiv"}, "has no tensor 'positiv'; did you mean 'positive'"),
        ({"sha256": "0" * 64}, "it is a different checkpoint, or damaged"),
        ({"onnx_file": "other.onnx"}, "no other.onnx; it has model.onnx: name one in onnx_file"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path, corpus, settings, message):
    with pytest.raises(ModelError, match=message):
        loader_of(write_graph(tmp_path / "m"), **settings).open(corpus)


def test_the_right_hash_is_accepted(tmp_path):
    folder = write_graph(tmp_path / "m")
    loader_of(folder, sha256=sha256_of_file(folder / "model.onnx")).check()


def test_several_outputs_need_a_name(tmp_path, corpus):
    folder = write_graph(tmp_path / "m", outputs=("logits", "flat"))
    with pytest.raises(
        ModelError, match="has the outputs logits, flat; name one of them in the setting output"
    ):
        loader_of(folder).open(corpus)
    assert loader_of(folder, output="flat").open(corpus).embed_dim == WIDTH


def test_a_graph_for_other_items_is_refused(tmp_path, corpus):
    folder = write_graph(tmp_path / "m", ("n", 1, "h", "w"))
    with pytest.raises(ModelError, match="not one for images in three colours"):
        loader_of(folder).open(corpus)


def test_other_items_and_damaged_files_are_refused(tmp_path, corpus):
    folder = write_graph(tmp_path / "m")
    (folder / "model.onnx").write_bytes(b"none")
    with pytest.raises(ModelError, match="cannot be loaded .* fetch or export it again"):
        loader_of(folder).open(corpus)
    texts = tmp_path / "texts.csv"
    texts.write_text("content\n" + "\n".join(f"text {number}" for number in range(9)))
    settings = DatasetSettings(source="file", path=str(texts), min_items=2)
    build_corpus(settings, 0, tmp_path / "texts.parquet")
    with pytest.raises(DataError, match="has no images"):
        loader_of(write_graph(tmp_path / "m")).open(Corpus(tmp_path / "texts.parquet"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": "1,2"}, "write a number from 0 to 255, or three separated by commas"),
        ({"std": "0"}, "write numbers above 0"),
        ({"mean": "red"}, "write a number from 0 to 255"),
        ({"side": 2}, "side"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        OnnxImageSettings(**{"checkpoint": "m", "side": SIDE, **settings})
