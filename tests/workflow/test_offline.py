"""A study is fetched where there is a network, and runs where there is none."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from loopback_hub import COMMIT, loopback_hub, silent_server
from toy import add_model, toy_texts

from suffice.embed.hub import needed_files
from suffice.embed.standin import write_standin

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

ROW = "tiny\tsentence_transformer\ttiny\t\t\t\tme/tiny\n"


@pytest.fixture
def study_of_hub(workflow, tmp_path, monkeypatch):
    """The toy study with a model from the hub, and the folder that the hub has of it."""
    add_model(workflow.study, ROW, column="checkpoint")
    folder = tmp_path / "on-the-hub"
    write_standin(folder, "bert", "sentence_transformer", list(toy_texts()["text"]), seed=0)
    for other in ("pytorch_model.bin", "onnx/model.onnx", "tf_model.h5"):
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(b"the same weights for others")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    return workflow, folder


def fetch(study, address, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment |= {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1", **variables}
    command = [sys.executable, "-m", "suffice.cli", "fetch", str(study)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_a_fetched_study_runs_with_the_network_refused(study_of_hub):
    workflow, folder = study_of_hub
    refused = workflow.run(check=False)
    assert refused.returncode and "suffice fetch STUDY" in refused.output and "me/tiny" in refused.output
    assert "Traceback" not in refused.output
    assert not workflow.results.exists()

    with loopback_hub({"me/tiny": folder}) as (address, sent):
        done = fetch(workflow.study, address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"model tiny: me/tiny at commit {COMMIT}" in done.stdout
        names = {Path(path).name for path in sent}
        assert "model.safetensors" in names
        assert not {"pytorch_model.bin", "model.onnx", "tf_model.h5"} & names
        sent.clear()
        assert fetch(workflow.study, address).returncode == 0
        assert not [path for path in sent if "/resolve/" in path]

    command = workflow.command()
    if shutil.which("unshare") and not subprocess.run(["unshare", "-n", "true"]).returncode:
        command = ["unshare", "-n", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=workflow.environment())
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert (workflow.results / "embeddings" / "toys" / "tiny.npy").exists()
    assert (workflow.results / "report.html").exists()


def test_a_nested_module_runs_nothing_and_asks_for_no_other_revision_through_the_whole_workflow(
    study_of_hub, tmp_path
):
    workflow, folder = study_of_hub
    ran, asks = tmp_path / "ran", {"trust_remote_code": True, "revision": "theirs"}
    nested = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.SentenceTransformer"}]
    (folder / "modules.json").write_text(json.dumps(nested))
    (folder / "sentence_bert_config.json").write_text(json.dumps(asks))
    branch = tmp_path / "branch"
    shutil.copytree(folder, branch)
    (branch / "modules.json").write_text(json.dumps([nested[0] | {"type": "theirs.Runs"}]))
    (branch / "theirs.py").write_text(f"open({str(ran)!r}, 'w')\n\nclass Runs:\n    pass\n")
    asked = []
    with loopback_hub({"me/tiny": folder}, {"me/tiny@theirs": branch}, asked) as (address, _):
        fetched = fetch(workflow.study, address)
        assert fetched.returncode == 1 and "modules.json: the key 0 has type" in fetched.stdout
        shutil.copytree(folder, workflow.study / "copy")  # and as a copy that someone handed over
        table = workflow.study / "models.tsv"
        table.write_text(table.read_text().replace("me/tiny", "copy"))
        environment = {k: v for k, v in workflow.environment().items() if not k.endswith("_OFFLINE")}
        environment |= {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1"}
        done = subprocess.run(workflow.command(), capture_output=True, text=True, env=environment)
    assert done.returncode and "modules.json: the key 0 has type" in done.stdout + done.stderr
    assert not ran.exists()
    assert not [path for path in asked if "theirs" in path]
    assert not [path for path in asked if "/resolve/" in path and COMMIT not in path]


def test_what_cannot_be_fetched_is_named_and_the_rest_is_fetched(study_of_hub):
    workflow, folder = study_of_hub
    add_model(workflow.study, ROW.replace("tiny", "gone"))
    with loopback_hub({"me/tiny": folder}) as (address, _):
        done = fetch(workflow.study, address)
    assert done.returncode == 1
    assert "FAILED model gone: me/gone cannot be downloaded" in done.stdout
    assert "model tiny: me/tiny at commit" in done.stdout
    assert "1 of 2 could not be fetched: model gone" in done.stderr
    assert "Traceback" not in done.stderr


def test_weights_are_fetched_in_the_one_format_that_is_read():
    files = ["config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "onnx/model.onnx"]
    files += ["2_Dense/pytorch_model.bin", "2_Dense/config.json", "README.md", ".gitattributes", "vocab.txt"]
    kept = [
        "config.json",
        "model.safetensors",
        "2_Dense/pytorch_model.bin",
        "2_Dense/config.json",
        "vocab.txt",
    ]
    assert needed_files(files) == kept


def test_a_hub_that_does_not_answer_is_given_up(study_of_hub):
    workflow, _ = study_of_hub
    with silent_server(seconds=120) as address:
        done = fetch(workflow.study, address, HF_HUB_ETAG_TIMEOUT="1", HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert done.returncode == 1
    assert f"FAILED model tiny: me/tiny cannot be downloaded from {address}" in done.stdout
    assert "HF_HUB_ETAG_TIMEOUT=1 s" in done.stdout
    assert "Traceback" not in done.stderr
