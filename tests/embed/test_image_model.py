"""Encoders of images: equal to the library's own forward pass, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from suffice.data.build import DatasetSettings, build_corpus
from suffice.data.corpus import Corpus, Window
from suffice.embed.identity import embedding_identity
from suffice.embed.image_model import ImageModel, ImageModelSettings
from suffice.embed.registry import build_loader
from suffice.errors import DataError, ModelError
from suffice.storage.files import sha256_of_file

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SIDE = 32
VISION = {
    "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "image_size": SIDE, "patch_size": 8,
}  # fmt: skip
TEXT = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "vocab_size": 50,
}  # fmt: skip
N_IMAGES = 9


def model_of(name):
    """A tiny model of an architecture, with seeded weights."""
    torch.manual_seed(7)
    config = {
        "vit": lambda: transformers.ViTConfig(**VISION),
        "dinov2": lambda: transformers.Dinov2Config(**VISION),
        "clip": lambda: transformers.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=12),
        "siglip": lambda: transformers.SiglipConfig(vision_config=VISION, text_config=TEXT),
        "convnext": lambda: transformers.ConvNextConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1]),
        "resnet": lambda: transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], layer_type="basic"
        ),
    }[name]()
    model = transformers.AutoModel.from_config(config).eval()
    for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)):
        norm.running_mean.normal_()
    return model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A function that gives the folder of a tiny checkpoint."""
    made = {}

    def folder_of(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            model_of(name).save_pretrained(made[name])
            processor = transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE})
            processor.save_pretrained(made[name])
        return made[name]

    return folder_of


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Images of several sizes, in a folder."""
    folder, generator = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for number in range(N_IMAGES):
        size = (64 + 5 * (number // 2), 90 - number // 2, 3)
        Image.fromarray(generator.integers(0, 256, size=size, dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def corpus(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("corpora") / "pictures.parquet"
    settings = DatasetSettings(source="file", path=str(pictures), content_type="image", min_items=2)
    build_corpus(settings, 0, path)
    return Corpus(path)


def opened(folder, corpus, seed=0, **settings):
    return ImageModel(ImageModelSettings(checkpoint=str(folder), **settings), seed=seed).open(corpus)


def vectors_of(folder, corpus, **settings):
    (window,) = corpus.windows()
    return opened(folder, corpus, **settings).encode(window)


def by_the_library(folder, pictures, pool, part=lambda model: model):
    """Vectors of each image, one at a time, by the library alone."""
    model = part(transformers.AutoModel.from_pretrained(folder).eval())
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    rows = []
    for number in range(N_IMAGES):
        inputs = processor(Image.open(pictures / f"{number}.png"), return_tensors="pt")
        with torch.no_grad():
            rows.append(pool(model(**inputs, output_hidden_states=True)))
    return torch.cat(rows).numpy()


POOLS = {
    "mean": lambda output: output.last_hidden_state.mean(1),
    "map": lambda output: output.last_hidden_state.mean((2, 3)),
    "cls": lambda output: output.last_hidden_state[:, 0],
    "pooler": lambda output: output.pooler_output.flatten(1),
    "second": lambda output: output.hidden_states[2].mean(1),
    "before": lambda output: output.hidden_states[-2].mean((2, 3)),
}
CASES = [
    ("vit", {}, "mean"),
    ("vit", {"pooling": "cls"}, "cls"),
    ("vit", {"pooling": "pooler"}, "pooler"),
    ("vit", {"layer": 2}, "second"),
    ("dinov2", {"pooling": "cls"}, "cls"),
    ("clip", {}, "mean"),
    ("clip", {"pooling": "cls"}, "cls"),
    ("clip", {"pooling": "pooler"}, "pooler"),
    ("siglip", {"pooling": "pooler"}, "pooler"),
    ("convnext", {}, "map"),
    ("convnext", {"pooling": "pooler"}, "pooler"),
    ("convnext", {"layer": -2}, "before"),
    ("resnet", {"pooling": "pooler"}, "pooler"),
]


@pytest.mark.parametrize(("name", "settings", "pool"), CASES)
def test_vectors_are_those_of_the_library(folders, corpus, pictures, name, settings, pool):
    def tower(model):
        return model.vision_model if name in ("clip", "siglip") else model

    expected = by_the_library(folders(name), pictures, POOLS[pool], tower)
    for batch_size in (1, 4):
        found = vectors_of(folders(name), corpus, batch_size=batch_size, **settings)
        assert found.dtype == np.float32 and found.std(axis=0).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_images_of_other_sizes_go_in_batches_of_their_own(folders, corpus, pictures, tmp_path):
    """A processor that keeps the size of images, and a network that takes any."""
    folder = tmp_path / "any-size"
    model_of("convnext").save_pretrained(folder)
    transformers.ViTImageProcessorPil(do_resize=False).save_pretrained(folder)
    found = vectors_of(folder, corpus, batch_size=4)
    np.testing.assert_allclose(found, by_the_library(folder, pictures, POOLS["map"]), atol=1e-4)


def test_normalized_vectors_have_length_one(folders, corpus):
    plain, unit = vectors_of(folders("vit"), corpus), vectors_of(folders("vit"), corpus, normalize=True)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)


def test_random_weights_follow_the_seed(folders, corpus):
    one, again, other = (vectors_of_seed(folders("vit"), corpus, seed) for seed in (0, 0, 1))
    assert (one == again).all() and np.abs(one - other).max() > 0.1
    assert np.abs(one - vectors_of(folders("vit"), corpus)).max() > 0.1


def vectors_of_seed(folder, corpus, seed):
    (window,) = corpus.windows()
    return opened(folder, corpus, seed, random_init=True).encode(window)


def identity(folder, seed=0, **settings):
    loader = build_loader("image_model", {"checkpoint": str(folder), **settings}, seed, "cpu")
    loader.check()
    return embedding_identity(loader, "0" * 64)["loader"]


def test_the_identity_follows_weights_processor_and_seed(folders, tmp_path):
    before = identity(folders("vit"))
    assert "seed" not in before and identity(folders("vit"), random_init=True)["seed"] == 0
    copy = tmp_path / "copy"
    model_of("vit").save_pretrained(copy)
    transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(copy)
    assert identity(copy) == before
    transformers.ViTImageProcessorPil(size={"height": 16, "width": SIDE}).save_pretrained(copy)
    assert identity(copy) != before


def test_a_wrong_hash_is_refused(folders):
    right = sha256_of_file(folders("vit") / "model.safetensors")
    assert identity(folders("vit"), sha256=right) == identity(folders("vit"))
    with pytest.raises(ModelError, match="the setting sha256 is 000"):
        identity(folders("vit"), sha256="0" * 64)


def test_pickled_weights_are_not_read(folders, tmp_path, corpus):
    folder = tmp_path / "pickled"
    transformers.ViTImageProcessorPil().save_pretrained(folder)
    model = model_of("vit")
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights as safetensors, and pickled ones are not read"):
        identity(folder)
    with pytest.raises(ModelError, match="no weights as safetensors"):
        opened(folder, corpus)


def test_code_of_a_checkpoint_never_runs(folders, tmp_path):
    folder = tmp_path / "code"
    model_of("vit").save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_processor_type": "own.module.Processor"})
    )
    with pytest.raises(ModelError, match="may name code"):
        identity(folder)


def test_a_checkpoint_without_processor_is_refused(tmp_path):
    model_of("vit").save_pretrained(tmp_path / "bare")
    with pytest.raises(ModelError, match=r"no preprocessor_config\.json"):
        identity(tmp_path / "bare")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("vit", {"layer": 7}, "layer 7 does not exist; .* has hidden states 0 to 3"),
        ("convnext", {"pooling": "cls"}, "has no class token"),
        ("siglip", {"pooling": "cls"}, "has no class token"),
    ],
)
def test_what_a_model_does_not_have_is_named(folders, corpus, name, settings, message):
    with pytest.raises(ModelError, match=message):
        opened(folders(name), corpus, **settings)


def test_a_pooler_without_weights_is_refused(tmp_path, corpus):
    torch.manual_seed(0)
    model = transformers.ViTModel(transformers.ViTConfig(**VISION), add_pooling_layer=False)
    model.save_pretrained(tmp_path / "m")
    transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(tmp_path / "m")
    opened(tmp_path / "m", corpus)
    with pytest.raises(ModelError, match="no weights for its pooler, which would be random"):
        opened(tmp_path / "m", corpus, pooling="pooler")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pooling": "pooler", "layer": 2}, "the pooler reads the last layer"),
        ({"random_init": True, "sha256": "0" * 64}, "which random_init does not use"),
        ({"trust_remote_code": True}, "trust_remote_code"),
        ({"prompt_query": "x"}, "prompt_query"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ImageModelSettings(checkpoint="x", **settings)


def test_texts_are_no_images(folders, make_corpus):
    with pytest.raises(DataError, match="has no images; set content_type image"):
        opened(folders("vit"), make_corpus(["a", "b"]))


def test_a_model_whose_vectors_depend_on_the_batch_goes_one_by_one(folders, corpus, monkeypatch):
    encoder = opened(folders("vit"), corpus)
    plain = encoder.encode_together

    def leaking(images):
        return plain(images) + 0.1 * (len(images) - 1)

    monkeypatch.setattr(encoder, "encode_together", leaking)
    encoder.check_itself()
    assert "images are encoded one by one" in encoder.warnings()[0]
    (window,) = corpus.windows()
    np.testing.assert_allclose(encoder.encode(window), vectors_of(folders("vit"), corpus), atol=1e-5)


def test_a_model_that_keeps_a_state_is_refused(folders, corpus, monkeypatch):
    encoder = opened(folders("vit"), corpus)
    calls, plain = [], encoder.encode_together

    def drifting(images):
        calls.append(1)
        return plain(images) + len(calls)

    monkeypatch.setattr(encoder, "encode_together", drifting)
    with pytest.raises(ModelError, match="different vectors for images after others"):
        encoder.check_itself()


def test_a_window_gives_one_row_per_content(folders, corpus):
    (window,) = corpus.windows()
    one = Window(0, window.ids[:1], window.contents[:1])
    assert opened(folders("vit"), corpus, batch_size=2).encode(one).shape == (1, 24)
