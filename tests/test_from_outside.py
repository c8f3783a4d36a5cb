"""What strangers may try, and what the product does: from the outside, by commands, files and output."""

import hashlib
import html
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from running import Workflow
from toy import add_model

from suffice.embed.standin import write_standin

SECRET = "correct-horse-battery"
BIG = b"content\n" + b"a text of many\n" * 300_000  # 4.5 MB


@pytest.fixture
def workflow(project, toy_study, tmp_path):
    (tmp_path / "work").mkdir()
    return Workflow(project, toy_study, tmp_path / "work")


def suffice(*arguments, **variables):
    """Exit status and output of a command."""
    command = [sys.executable, "-m", "suffice.cli", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment | variables, timeout=300)
    return done.returncode, done.stdout + done.stderr


def use_url(study, address):
    """Let a data set of a study be a file of a server."""
    header, row = (study / "datasets.tsv").read_text().splitlines()
    sha256 = hashlib.sha256(BIG).hexdigest()
    row = row.replace("toys.csv", address).replace("\ttext\tkey\tdocument", "\tcontent\t\t")
    (study / "datasets.tsv").write_text(f"{header}\tsha256\n{row}\t{sha256}\n")


def test_checkpoints_run_no_code(workflow, tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "their_code.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    )
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([os.environ.get("PYTHONPATH", ""), f"{tmp_path}/theirs"])
    )
    checkpoint = workflow.study / "theirs"
    write_standin(checkpoint, "bert", "sentence_transformer", ["rain fell"] * 3, seed=0)
    modules = json.loads((checkpoint / "modules.json").read_text())
    dense = {"idx": 9, "name": "9", "path": "9_Dense", "type": "sentence_transformers.models.Dense"}
    (checkpoint / "modules.json").write_text(json.dumps([*modules, dense]))
    (checkpoint / "9_Dense").mkdir()
    layer = {"in_features": 32, "out_features": 8, "bias": True, "activation_function": "their_code.Module"}
    (checkpoint / "9_Dense" / "config.json").write_text(json.dumps(layer))
    add_model(workflow.study, "theirs\tsentence_transformer\ttheirs\t\t\t\ttheirs\n", column="checkpoint")
    done = workflow.run("results/toy/embeddings/toys/theirs.npy", check=False)
    assert done.returncode
    assert not (tmp_path / "ran").exists()
    assert "'their_code.Module'" in done.output


def test_paths_of_a_study_show_no_other_file(workflow, tmp_path):
    (tmp_path / "passwords").write_text(f"user:{SECRET}\n")
    with (workflow.study / "study.yaml").open("a") as stream:
        stream.write(f"models: {tmp_path}/passwords\n")
    done = workflow.run("--dry-run", check=False)
    assert done.returncode
    assert SECRET not in done.output
    assert "is outside the study's folder" in done.output


def test_secrets_of_addresses_are_not_shown(workflow):
    use_url(workflow.study, f"http://user:{SECRET}@127.0.0.1:9/texts.csv?signature={SECRET}")
    status, said = suffice("fetch", workflow.study)
    assert status
    assert "127.0.0.1:9/texts.csv" in said
    assert SECRET not in said


def test_downloads_have_a_largest_size(workflow, tmp_path):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BIG)

        def log_message(self, *_):
            """Be silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    use_url(workflow.study, f"http://127.0.0.1:{server.server_port}/texts.csv")
    cache = str(tmp_path / "cache")
    status, said = suffice("fetch", workflow.study, SUFFICE_CACHE=cache, SUFFICE_MAX_DOWNLOAD_MB="1")
    server.shutdown()
    server.server_close()
    assert status, said
    assert "over 1 MB; to allow more, set SUFFICE_MAX_DOWNLOAD_MB" in said
    assert not [path for path in Path(cache).rglob("*") if path.is_file()]


def test_memory_that_a_file_asks_for_is_bounded(tmp_path):
    zeros = pa.array(np.zeros(20_000_000))
    for name in ("a", "b"):
        pq.write_table(pa.table({"d0": zeros, "d1": zeros}), tmp_path / f"{name}.parquet", compression="zstd")
    status, said = suffice("rank", tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert status
    assert "unpacks to more than" in said


def test_locks_in_shared_folders_follow_the_umask(workflow):
    before = os.umask(0o002)
    try:
        workflow.run("results/toy/corpora/toys.json")
    finally:
        os.umask(before)
    locks = [path for path in workflow.results.rglob("*.lock")]
    assert locks
    assert {path.stat().st_mode & 0o777 for path in locks} == {0o664}


def test_packages_are_installed_by_their_hashes(project):
    plan = ["make", "--dry-run", "--always-make", "install", "VENV=/nowhere"]
    done = subprocess.run(plan, cwd=project, capture_output=True, text=True, check=True)
    locks = re.findall(r"(\S+) -r (\S+\.lock)", done.stdout)
    assert locks
    for line in done.stdout.splitlines():
        assert ".lock" not in line or "--require-hashes" in line
    for _, lock in locks:
        pins = re.findall(r"(?m)^[A-Za-z].*==", (project / lock).read_text())
        assert 0 < len(pins) <= (project / lock).read_text().count("--hash=sha256:")


@pytest.mark.slow
@pytest.mark.workflow
def test_the_page_runs_no_other_script(project, tmp_path):
    workflow = Workflow(project, project / "config" / "published", tmp_path)
    workflow.run()
    page = (workflow.results / "report.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    rules = html.unescape(policy[1])
    assert "default-src 'none'" in rules and "unsafe" not in rules
    assert "script-src 'sha256-" in rules
