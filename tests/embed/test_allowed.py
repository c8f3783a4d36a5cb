"""Checkpoints of strangers: what their files say cannot run code, nor ask for another place or revision."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from loopback_hub import COMMIT, loopback_hub

from suffice.embed.allowed import check_allowed
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.embed.standin import ARCHITECTURES, write_standin
from suffice.errors import ModelError

NESTED = "sentence_transformers.SentenceTransformer"
TEXTS = ["the ferry crosses the sound", "a sparse matrix", "rain fell", "two herons waited at the weir"] * 3


@pytest.fixture
def checkpoint_of(standin, tmp_path):
    """A function that copies the checkpoint with some of its JSON files changed."""

    def make(files):
        folder = tmp_path / "checkpoint"
        shutil.copytree(standin, folder)
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            before = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
            merged = before | content if isinstance(content, dict) and isinstance(before, dict) else content
            (folder / name).write_text(json.dumps(merged))
        return folder

    return make


def modules(*kinds):
    return [
        {"idx": number, "name": str(number), "path": f"{number}_m" if number else "", "type": kind}
        for number, kind in enumerate(kinds)
    ]


OURS = "sentence_transformers.models."
ROUTER = {"types": {"a": NESTED}, "structure": {"query": ["a"]}, "parameters": {}}
DENSE = {"in_features": 32, "out_features": 8, "bias": True}
CODE = {"auto_map": {"AutoModel": "modeling_x.Model"}, "model_type": "their-own"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"modules.json": modules(NESTED)}, r"modules.json: the key 0 has type '.*SentenceTransformer'"),
        ({"modules.json": modules("os.system")}, "the key 0 has type 'os.system'"),
        ({"modules.json": modules("modeling_x.Model")}, "the key 0 has type 'modeling_x.Model'"),
        ({"modules.json": modules("sentence_transformers.util.misc.Pooling")}, "the key 0 has type"),
        ({"modules.json": modules("sentence_transformers.models.CLIPModel")}, "the key 0 has type"),
        ({"modules.json": [modules(OURS + "Pooling")[0] | {"path": "../other"}]}, "not a folder in the"),
        (
            {"modules.json": [modules(OURS + "Pooling")[0] | {"path": "/etc"}]},
            "not a folder in the checkpoint",
        ),
        (
            {"modules.json": [modules(OURS + "Pooling")[0] | {"revision": "x"}]},
            "key 0.revision is not allowed",
        ),
        (
            {"modules.json": modules(OURS + "Router"), "router_config.json": ROUTER},
            r"router_config.json: the key types.a has type '.*SentenceTransformer'",
        ),
        (
            {"modules.json": modules(OURS + "Asym"), "config.json": ROUTER | {"model_type": "x"}},
            "config.json: the key",
        ),
        (
            {
                "modules.json": modules(OURS + "Transformer", OURS + "Dense"),
                "1_m/config.json": DENSE | {"activation_function": "torch.hub.load"},
            },
            "1_m/config.json: the key activation_function is 'torch.hub.load', which would be imported",
        ),
        (
            {
                "modules.json": modules(OURS + "Transformer", OURS + "WordEmbeddings"),
                "1_m/wordembedding_config.json": {"tokenizer_class": "subprocess.Popen"},
            },
            "the key tokenizer_class is 'subprocess.Popen'",
        ),
        ({"sentence_bert_config.json": {"trust_remote_code": True}}, "key trust_remote_code is not allowed"),
        ({"sentence_bert_config.json": {"tokenizer_name_or_path": "a/b"}}, "tokenizer_name_or_path is not"),
        (
            {"sentence_bert_config.json": {"model_args": {"revision": "theirs"}}},
            "the key model_args.revision is 'theirs'",
        ),
        (
            {"sentence_bert_config.json": {"model_args": {"use_safetensors": False}}},
            "the key model_args.use_safetensors is False",
        ),
        (
            {"sentence_bert_config.json": {"modality_config": {"text": {"method": "push_to_hub"}}}},
            "method is 'push_to_hub'",
        ),
        (
            {"config_sentence_transformers.json": {"model_type": "CrossEncoder"}},
            "is 'CrossEncoder'",
        ),
        ({"config_sentence_transformers.json": {"backend": "onnx"}}, "the key backend is not allowed"),
        ({"config.json": CODE}, "config.json: the key auto_map is 'modeling_x.Model'.*set trust_remote_code"),
        ({"config.json": {"attn_implementation": "them/kernels"}}, "attn_implementation is 'them/kernels'"),
        ({"config.json": {"text_config": {"backbone": "them/net"}}}, "text_config.backbone is 'them/net'"),
        (
            {"config.json": {"text_config": {"auto_map": {"AutoModel": "x.Y"}}}},
            "key text_config.auto_map",
        ),
        ({"config.json": {"quant": {"loader": "os.system"}}}, "the key quant.loader is 'os.system'"),
        ({"tokenizer_config.json": {"trust_remote_code": True}}, "the key trust_remote_code is True"),
        ({"tokenizer_config.json": {"vocab_file": "../../etc/passwd"}}, "vocab_file is '../../etc/passwd'"),
        ({"adapter_config.json": {"base_model_name_or_path": "a/b"}}, "is an adapter of another model"),
        (
            {"model.safetensors.index.json": {"weight_map": {"a": "../../other.safetensors"}}},
            "weight_map names '../../other.safetensors'",
        ),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_loaded(files, message, checkpoint_of):
    loader = SentenceTransformer(SentenceTransformerSettings(checkpoint=str(checkpoint_of(files))))
    for step in (loader.check, lambda: loader.open(None)):
        with pytest.raises(ModelError, match=message):
            step()


def test_a_tokenizer_elsewhere_is_refused_unless_the_checkpoint_has_its_own(checkpoint_of):
    folder = checkpoint_of({"tokenizer_config.json": {"tokenizer_file": "/home/someone/tokenizer.json"}})
    check_allowed(folder, modules=True)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="tokenizer_file is '/home/someone/tokenizer.json'.*would be read"):
        check_allowed(folder, modules=True)


@pytest.mark.parametrize("loader", ["sentence_transformer", "hidden_states"])
@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "word_average"])
def test_checkpoints_as_the_libraries_write_them_are_allowed(architecture, loader, tmp_path):
    write_standin(tmp_path, architecture, loader, TEXTS, seed=0)
    check_allowed(tmp_path, modules=loader == "sentence_transformer")


def test_what_published_checkpoints_say_is_allowed(checkpoint_of):
    folder = checkpoint_of(
        {
            "modules.json": modules(OURS + "Transformer", OURS + "Pooling", OURS + "Dense"),
            "1_m/config.json": {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True},
            "2_m/config.json": DENSE | {"activation_function": "torch.nn.modules.activation.Tanh"},
            "sentence_bert_config.json": {"max_seq_length": 64, "do_lower_case": False},
            "config.json": {
                "_name_or_path": "/home/someone/.cache/torch/them_model/",
                "torch_dtype": "torch.float32",
                "transformers_version": "4.8.2",
                "task_specific_params": {"summarization": {"prefix": "summarize: a/b"}},
                "id2label": {"0": "a/b.c"},
                "auto_map": {"AutoModel": "modeling_x.Model"},
            },
            "tokenizer_config.json": {
                "special_tokens_map_file": "/home/someone/.cache/huggingface/x",
                "name_or_path": "them/model",
                "trust_remote_code": False,
                "unk_token": {"content": "a/b.c"},
            },
        }
    )
    check_allowed(folder, modules=True)


def test_code_of_another_repository_is_refused_even_if_the_checkpoint_is_trusted(checkpoint_of):
    folder = checkpoint_of({"config.json": CODE})
    check_allowed(folder, modules=True, trusted=True)
    elsewhere = CODE | {"auto_map": {"AutoModel": "them/code--modeling_x.Model"}}
    (folder / "config.json").write_text(json.dumps(elsewhere))
    with pytest.raises(ModelError, match="code of another repository"):
        check_allowed(folder, modules=True, trusted=True)


@pytest.mark.parametrize("revision", [None, "main", "v1"])
def test_trusted_code_of_the_hub_needs_a_commit(revision):
    settings = HiddenStatesSettings(checkpoint="them/code", revision=revision, trust_remote_code=True)
    for step in (HiddenStates(settings).check, HiddenStates(settings).fetch):
        with pytest.raises(ModelError, match="set revision to its full hash"):
            step()


def test_pickled_weights_are_named_and_those_that_run_code_are_refused(checkpoint_of, tmp_path):
    import torch
    from safetensors.torch import load_file

    folder = checkpoint_of({})
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    loader = SentenceTransformer(SentenceTransformerSettings(checkpoint=str(folder)))
    assert loader.open(None).embed_dim == 32
    assert any("pickled (pytorch_model.bin)" in warning for warning in loader.warnings())

    class Runs:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"a": Runs()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="its pickled weights contain more than numbers") as caught:
        loader.open(None)
    assert "weights_only" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


IN_ANOTHER_PROCESS = """
import sys
from suffice.embed.sentence_transformer import SentenceTransformer, SentenceTransformerSettings
from suffice.errors import ModelError
loader = SentenceTransformer(SentenceTransformerSettings(checkpoint=sys.argv[1]))
for step in map(loader.__getattribute__, sys.argv[2:]):
    try:
        print(step.__name__, "gave", step(None) if step.__name__ == "open" else step())
    except ModelError as error:
        print(step.__name__, "refused", error)
"""


def load_from(address, cache, *arguments):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    environment |= {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(cache)}
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.stdout + done.stderr[-2000:]


@pytest.fixture
def hostile(checkpoint_of, tmp_path):
    """A checkpoint whose nested module asks for a branch with code, that branch, and what its code leaves."""
    folder = checkpoint_of({"modules.json": modules(NESTED)})
    asks = {"trust_remote_code": True, "revision": "theirs"}
    (folder / "sentence_bert_config.json").write_text(json.dumps(asks))
    branch, ran = tmp_path / "branch", tmp_path / "ran"
    shutil.copytree(folder, branch)
    (branch / "modules.json").write_text(json.dumps(modules("theirs.Runs")))
    (branch / "theirs.py").write_text(f"open({str(ran)!r}, 'w')\n\nclass Runs:\n    pass\n")
    return folder, branch, ran


def test_a_nested_module_of_the_hub_runs_nothing_and_asks_for_no_other_revision(hostile, tmp_path):
    folder, branch, ran = hostile
    asked = []
    with loopback_hub({"them/nested": folder}, {"them/nested@theirs": branch}, asked) as (address, sent):
        said = load_from(address, tmp_path / "cache", "them/nested", "fetch", "check", "open")
    assert not ran.exists()
    assert all(f"{step} refused" in said for step in ("fetch", "check", "open")), said
    assert "modules.json: the key 0 has type 'sentence_transformers.SentenceTransformer'" in said
    assert [path for path in asked if "/resolve/" in path and COMMIT not in path] == []
    assert [path for path in asked if "theirs" in path] == []
    assert not [path for path in sent if path.endswith((".safetensors", ".py"))]


def test_only_fetch_asks_the_hub_and_only_for_what_is_read(checkpoint_of, tmp_path):
    folder, cache = checkpoint_of({}), tmp_path / "cache"
    for other in ("extra/model.safetensors", "train.py", "onnx/model.onnx"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(b"not read")
    asked = []
    with loopback_hub({"me/tiny": folder}, asked=asked) as (address, sent):
        said = load_from(address, cache, "me/tiny", "check", "identity", "open")
        assert "gave" not in said and "suffice fetch STUDY" in said
        assert asked == []
        assert f"at commit {COMMIT}" in load_from(address, cache, "me/tiny", "fetch")
        names = {path.partition(COMMIT)[2] for path in sent if "/resolve/" in path}
        assert "/model.safetensors" in names
        assert not names & {"/extra/model.safetensors", "/train.py", "/onnx/model.onnx"}
        assert [path for path in asked if "/resolve/" in path and COMMIT not in path] == []
        asked.clear()
        said = load_from(address, cache, "me/tiny", "check", "identity", "open")
        assert "refused" not in said and f"'commit': '{COMMIT}', 'weights': ['model.safetensors']" in said
        assert asked == []
