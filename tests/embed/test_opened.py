"""Files of a checkpoint: identity is that of what is opened, and weights that are not are named."""

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.opened import opened_files
from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.errors import ModelError

TEXTS = ["the ferry crosses the sound", "a sparse matrix", "rain fell", "two herons waited at the weir"] * 3
DENSE = {
    "in_features": 32,
    "out_features": 4,
    "bias": True,
    "activation_function": "torch.nn.modules.linear.Identity",
}


@pytest.fixture
def folder(standin, tmp_path):
    return shutil.copytree(standin, tmp_path / "checkpoint")


def loader(folder):
    return SentenceTransformer(SentenceTransformerSettings(checkpoint=str(folder)))


def plain(folder):
    return HiddenStates(HiddenStatesSettings(checkpoint=str(folder)))


def add_dense(folder, path):
    """Append a dense layer whose folder has that path; returns the file of its weights."""
    modules = json.loads((folder / "modules.json").read_text())
    kind = "sentence_transformers.models.Dense"
    modules.append({"idx": len(modules), "name": str(len(modules)), "path": path, "type": kind})
    (folder / "modules.json").write_text(json.dumps(modules))
    place = folder / path
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(json.dumps(DENSE))
    weights(place / "model.safetensors", 0)
    return place / "model.safetensors"


def weights(path, seed):
    generator = torch.Generator().manual_seed(seed)
    layer = {"linear.weight": torch.randn(4, 32, generator=generator), "linear.bias": torch.zeros(4)}
    save_file(layer, path)


def vectors(folder, window):
    return loader(folder).open(None).encode(window(TEXTS[:4]))


@pytest.mark.parametrize("path", ["2_Dense", ".2_Dense", ".hidden/inner/2_Dense"])
def test_weights_in_any_folder_that_is_opened_count(path, folder, window):
    file = add_dense(folder, path)
    before, first = loader(folder).identity(), vectors(folder, window)
    weights(file, 1)
    assert abs(vectors(folder, window) - first).max() > 0.01
    assert loader(folder).identity() != before


@pytest.mark.parametrize("link", ["folder", "file", "folder above"])
def test_weights_behind_links_count(link, folder, tmp_path, window):
    file = add_dense(folder, "above/2_Dense")
    moved = {"folder": file.parent, "file": file, "folder above": file.parent.parent}[link]
    target = tmp_path / "elsewhere"
    shutil.move(moved, target)
    os.symlink(target, moved)
    before, first = loader(folder).identity(), vectors(folder, window)
    weights(file, 1)
    assert abs(vectors(folder, window) - first).max() > 0.01
    assert loader(folder).identity() != before


def test_identity_is_that_of_a_copy_without_links(folder, tmp_path):
    file = add_dense(folder, "2_Dense")
    before = loader(folder).identity()
    shutil.move(file.parent, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", file.parent)
    assert loader(folder).identity() == before


def test_configuration_of_a_hidden_module_counts(folder):
    file = add_dense(folder, ".2_Dense").with_name("config.json")
    before = loader(folder).identity()
    file.write_text(json.dumps(DENSE | {"activation_function": "torch.nn.modules.activation.Tanh"}))
    assert loader(folder).identity() != before


UNREAD = (
    "pytorch_model.bin",
    "model_int8.safetensors",
    "onnx/model_quantized.onnx",
    "model-Q4.gguf",
    "adapter_model.safetensors",
    "lora/adapter_config.json",
    "tf_model.h5",
    "model.safetensors.index.json",
    "onnx/model.onnx_data",
    "weights.npz",
    "PYTORCH_MODEL.BIN",
)


@pytest.mark.parametrize("name", UNREAD)
def test_weights_that_are_not_read_are_named_and_do_not_count(name, folder):
    assert not any("not read" in said for said in loader(folder).warnings())
    before = loader(folder).identity()["weights_sha256"]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps({"weight_map": {}}))
    (said,) = (said for said in loader(folder).warnings() if "not read" in said)
    assert name in said
    assert "come from model.safetensors" in said
    assert loader(folder).identity()["weights_sha256"] == before


def test_a_link_to_weights_that_are_gone_is_named(folder):
    (folder / "old.safetensors").symlink_to("gone.safetensors")
    assert any("old.safetensors, which are not read" in said for said in loader(folder).warnings())


@pytest.mark.parametrize("name", ["training_args.bin", "optimizer.pt", "rng_state_0.pth", "README.md"])
def test_what_training_left_is_not_taken_for_weights(name, folder):
    (folder / name).write_bytes(b"")
    assert not any("not read" in said for said in loader(folder).warnings())


def test_weights_of_a_module_that_is_not_listed_are_named(folder):
    modules = (folder / "modules.json").read_text()
    add_dense(folder, "2_Dense")
    (folder / "modules.json").write_text(modules)
    assert any("2_Dense/model.safetensors" in said for said in loader(folder).warnings())


def test_many_unread_files_are_counted(folder):
    for number in range(8):
        (folder / f"model_{number}.onnx").write_bytes(b"")
    (said,) = (said for said in loader(folder).warnings() if "not read" in said)
    assert "and 3 more" in said


def test_parts_of_weights_are_found_by_their_index(folder, window):
    whole, first = load_file(folder / "model.safetensors"), vectors(folder, window)
    os.remove(folder / "model.safetensors")
    names = sorted(whole)
    shards = {"a.safetensors": names[:5], "b.safetensors": names[5:]}
    for shard, inside in shards.items():
        save_file({name: whole[name] for name in inside}, folder / shard, metadata={"format": "pt"})
    index = {
        "metadata": {},
        "weight_map": {name: shard for shard, inside in shards.items() for name in inside},
    }
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert loader(folder).warnings() == []
    assert loader(folder).uses_safetensors()
    assert abs(vectors(folder, window) - first).max() < 1e-6
    before = loader(folder).identity()
    save_file(
        {name: whole[name] * 2 for name in names[5:]}, folder / "b.safetensors", metadata={"format": "pt"}
    )
    assert loader(folder).identity() != before
    os.remove(folder / "b.safetensors")
    with pytest.raises(ModelError, match="lacks b.safetensors"):
        loader(folder).identity()


def test_other_safetensors_beside_pickled_weights_are_not_taken_for_the_model(folder, window):
    first = vectors(folder, window)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    os.rename(folder / "model.safetensors", folder / "lora.safetensors")
    assert not loader(folder).uses_safetensors()
    assert abs(vectors(folder, window) - first).max() < 1e-6
    assert any(
        "lora.safetensors" in said and "pytorch_model.bin" in said for said in loader(folder).warnings()
    )


def test_a_file_may_not_say_which_weights_are_read(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"transformers_weights": "other-1.safetensors"}))
    with pytest.raises(ModelError, match="transformers_weights is 'other-1.safetensors'"):
        plain(folder).check()


def test_code_counts_only_where_it_is_trusted(folder):
    (folder / "modeling_x.py").write_text("one = 1")
    names = [
        {file.name for file in opened_files(folder, modules=True, trusted=trusted).configuration}
        for trusted in (False, True)
    ]
    assert ["modeling_x.py" in each for each in names] == [False, True]
