"""Where checkpoints lie, their hashes, what is said when they are not there, and batches."""

import json
import os

import numpy as np
import pytest
import torch

from suffice.embed.batches import BatchRunner
from suffice.embed.checkpoint_places import check_checkpoint, is_local, resolve_checkpoint
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.loading import quiet, refuse_missing_weights
from suffice.embed.opened import opened_files
from suffice.errors import ModelError
from suffice.storage.files import sha256_of_file


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package with a folder inside; importing it fails, so finding it must not import."""
    folder = tmp_path / "site" / "toy_weights"
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "model" / "config.json").write_text("{}")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_folder_inside_a_package(package):
    assert resolve_checkpoint("package:toy_weights/model", package) == str(package / "model")
    assert resolve_checkpoint("package:toy_weights", package) == str(package)
    assert is_local(resolve_checkpoint("package:toy_weights/model", package))


def test_local_folder_wins_over_hub_name(tmp_path):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert resolve_checkpoint("owner/name", tmp_path) == str(tmp_path / "owner" / "name")
    assert resolve_checkpoint(str(tmp_path / "owner"), tmp_path / "elsewhere") == str(tmp_path / "owner")
    assert resolve_checkpoint("owner/other", tmp_path) == "owner/other"
    assert not is_local("owner/other")


@pytest.mark.parametrize(
    "checkpoint, message",
    [
        ("package:no_such_package_here/model", "no Python package 'no_such_package_here' is installed"),
        ("package:toy_weights/nothing", "installed but .*nothing does not exist"),
        ("package:", "no Python package ''"),
        ("package:toy_weights.model", "no Python package 'toy_weights.model'"),
        ("./models/mine", "not a hub name .* does not exist"),
        ("/no/such/folder", "not a hub name .* does not exist"),
        ("a/b/c", "not a hub name"),
        ("weights.bin", "not a hub name"),
        ("owner/na me", "not a hub name"),
    ],
)
def test_checkpoints_that_do_not_exist(checkpoint, message, package, tmp_path):
    with pytest.raises(ModelError, match=message):
        resolve_checkpoint(checkpoint, tmp_path)


def test_check_of_local_folder(tmp_path):
    with pytest.raises(ModelError, match="has no config.json"):
        check_checkpoint(str(tmp_path), tmp_path)
    (tmp_path / "config.json").write_text("{}")
    check_checkpoint(str(tmp_path), tmp_path)
    with pytest.raises(ModelError, match="revision 'main' is for hub names"):
        check_checkpoint(str(tmp_path), tmp_path, revision="main")


@pytest.mark.parametrize("revision, option", [(None, ""), ("abc", " --revision abc")])
def test_hub_name_that_is_not_cached(revision, option, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=f"hf download nobody/no-model-of-this-name{option}`"):
        check_checkpoint("nobody/no-model-of-this-name", tmp_path, revision=revision)


def test_hub_name_must_be_cached_with_network_too(tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelError, match="run `suffice fetch STUDY`"):
        check_checkpoint("nobody/no-model-of-this-name", tmp_path)


def test_identity_of_hub_name_that_is_not_cached():
    loader = HiddenStates(HiddenStatesSettings(checkpoint="nobody/no-model-of-this-name"))
    with pytest.raises(ModelError, match="hf download nobody/no-model-of-this-name"):
        loader.identity()
    with pytest.raises(ModelError, match="hf download|cannot be loaded"):
        loader.open(None)


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """A hub checkpoint in a cache as the hub's own library lays it out."""
    from huggingface_hub import constants

    commit = "0123456789abcdef" * 2 + "01234567"
    snapshot = tmp_path / "models--toy--bert" / "snapshots" / commit
    (snapshot / "sub").mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (tmp_path / "models--toy--bert" / "refs").mkdir()
    (tmp_path / "models--toy--bert" / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return commit


def test_identity_of_cached_hub_name_is_its_commit(cached):
    loader = HiddenStates(HiddenStatesSettings(checkpoint="toy/bert"))
    assert loader.identity() == {"commit": cached, "weights": []}


def test_a_checkpoint_that_was_fetched_in_part_is_refused_offline(cached, tmp_path):
    snapshot = tmp_path / "models--toy--bert" / "snapshots" / cached
    settings = HiddenStatesSettings(checkpoint="toy/bert")
    part = "the cache has only a part.*suffice fetch STUDY"
    with pytest.raises(ModelError, match=part):
        HiddenStates(settings).check()
    HiddenStates(HiddenStatesSettings(checkpoint="toy/bert", random_init=True)).check()
    (snapshot / "model-1.safetensors").write_bytes(b"1")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=part):
        HiddenStates(settings).check()
    (snapshot / "model-2.safetensors").write_bytes(b"2")
    HiddenStates(settings).check()


def test_hashes_follow_contents_and_names_only(tmp_path):
    def opened(name):
        return opened_files(tmp_path / name, modules=False)

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "README.md").write_text(name)
    os.utime(tmp_path / "b" / "model.safetensors", (0, 0))
    (tmp_path / "b" / "pytorch_model.bin").write_bytes(b"a copy that is never read")
    assert opened("a").weights_sha256() == opened("b").weights_sha256()
    assert opened("a").configuration_sha256() == opened("b").configuration_sha256()
    (tmp_path / "b" / "model.safetensors").write_bytes(b"other")
    assert opened("a").weights_sha256() != opened("b").weights_sha256()
    (tmp_path / "b" / "config.json").write_text("{ }")
    assert opened("a").configuration_sha256() != opened("b").configuration_sha256()


def test_folder_without_weights(tmp_path):
    with pytest.raises(ModelError, match="has no weights"):
        opened_files(tmp_path, modules=False).weights_sha256()


def test_expected_hash(fresh_checkpoint):
    folder = fresh_checkpoint("bert")
    right = sha256_of_file(folder / "model.safetensors")
    HiddenStates(HiddenStatesSettings(checkpoint=str(folder), sha256=right)).check()
    wrong = HiddenStates(HiddenStatesSettings(checkpoint=str(folder), sha256="a" * 64))
    for step in (wrong.check, lambda: wrong.open(None)):
        with pytest.raises(ModelError, match=f"SHA-256 {right}, but the setting sha256 is {'a' * 64}"):
            step()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no model.safetensors to compare"):
        wrong.check()


def test_poolers_may_be_missing():
    refuse_missing_weights(["pooler.dense.weight"], "toy")
    with pytest.raises(ModelError, match="'toy' lacks 1 parameters.*encoder.weight"):
        refuse_missing_weights(["pooler.dense.weight", "encoder.weight"], "toy")


def test_quiet_collects_and_restores_even_after_an_error():
    import logging

    from transformers.utils import logging as transformers_logging

    logger = transformers_logging.get_logger("transformers.toy")
    parent = logging.getLogger("transformers")
    before = (parent.handlers[:], parent.level, parent.propagate)
    bars = transformers_logging.is_progress_bar_enabled()
    with pytest.raises(KeyError), quiet() as messages:
        logger.warning("something odd")
        raise KeyError
    assert messages == ["something odd"]
    assert (parent.handlers, parent.level, parent.propagate) == before
    assert transformers_logging.is_progress_bar_enabled() == bars


def test_batches_are_of_like_length_and_results_in_order():
    lengths = [3, 9, 1, 9, 5, 2, 7]
    seen = []

    def encode(batch):
        seen.append([lengths[i] for i in batch])
        return np.array([[i, lengths[i]] for i in batch], dtype=np.float32)

    result = BatchRunner(3, "me/tiny").run(encode, lengths)
    assert seen == [[9, 9, 7], [5, 3, 2], [1]]
    assert result.tolist() == [[i, length] for i, length in enumerate(lengths)]


def out_of_device_memory():
    raise torch.cuda.OutOfMemoryError("CUDA out of memory")


def out_of_memory():
    torch.empty(10**17)


@pytest.mark.parametrize("fail", [out_of_device_memory, out_of_memory])
def test_out_of_memory_halves_the_batch_for_good(fail):
    sizes = []

    def encode(batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            fail()
        return np.array([[i] for i in batch], dtype=np.float32)

    runner = BatchRunner(10, "me/tiny")
    assert runner.run(encode, [1] * 7).ravel().tolist() == list(range(7))
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert runner.batch_size == 1
    assert runner.warnings() == ["memory was short: batches had 1 items instead of 10"]


def test_other_errors_are_not_taken_for_want_of_memory():
    def encode(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        BatchRunner(4, "me/tiny").run(encode, [2, 8, 3])


def test_out_of_memory_with_a_single_item():
    def encode(batch):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(
        ModelError, match="me/tiny: out of memory at batch size 1, with a single item of length 8"
    ):
        BatchRunner(4, "me/tiny").run(encode, [2, 8, 3])
