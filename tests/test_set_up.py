"""The set-up: lock, conda environment and rules agree."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib

import pytest
import yaml

LOCKS = ("requirements.lock", "requirements-data.lock", "requirements-pip.lock")
EVERY = (*LOCKS, "requirements-torch.lock")


def entries(project, name="requirements.lock"):
    """The lines of each package in a lock."""
    text = "".join(line for line in (project / name).open() if not line.startswith("#"))
    return re.split(r"\n(?=\S)", text.strip())


def locked(project, name="requirements.lock"):
    return [entry.split()[0] for entry in entries(project, name)]


def test_the_conda_environment_is_the_locks(project):
    environment = yaml.safe_load((project / "envs" / "suffice.yaml").read_text())
    (pins,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    every = [pin for name in (*LOCKS[:2], EVERY[-1]) for pin in locked(project, name)]
    assert pins == sorted(every), "run `make lock`"
    assert any(pin.startswith("datamol==") for pin in pins)


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_one_version_and_its_hashes(project, name):
    for entry in entries(project, name):
        first, *rest = [line.strip(" \\") for line in entry.splitlines()]
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+", first)
        assert rest
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in rest)


def test_the_lock_is_installed_by_its_hashes_with_a_pinned_pip(project):
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", "install", "VENV=/nowhere"],
        cwd=project,
        capture_output=True,
        text=True,
    ).stdout
    installs = [line for line in plan.splitlines() if "pip install" in line]
    for name in LOCKS:
        (line,) = (line for line in installs if f"-r {name}" in line)
        assert "--require-hashes --no-deps" in line
    assert f"-r {LOCKS[-1]}" in installs[0]


def test_torch_alone_is_locked_without_hashes(project):
    assert [pin.partition("==")[0] for pin in locked(project, EVERY[-1])] == ["torch"]


class Database(http.server.BaseHTTPRequestHandler):
    """Answers as the database of vulnerabilities does: the first package has one."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        self.server.asked = asked
        answer = [
            {"vulns": [{"id": "PYSEC-1"}]} if self.server.is_bad and not n else {} for n in range(len(asked))
        ]
        body = json.dumps({"results": answer}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def audit(project, address):
    command = [sys.executable, str(project / "tools" / "audit.py")]
    environment = os.environ | {"AUDIT_DATABASE": address, "no_proxy": "127.0.0.1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("is_bad", [False, True])
def test_an_audit_names_known_vulnerabilities(project, is_bad):
    server = http.server.HTTPServer(("127.0.0.1", 0), Database)
    server.is_bad = is_bad
    threading.Thread(target=server.serve_forever, daemon=True).start()
    done = audit(project, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    assert done.returncode == is_bad
    assert ("has PYSEC-1; raise its version" in done.stdout) == is_bad
    assert {"name": "datamol", "ecosystem": "PyPI"} in [each["package"] for each in server.asked]
    assert len(server.asked) == sum(len(locked(project, name)) for name in EVERY)


def test_an_audit_that_is_not_done_says_so(project):
    done = audit(project, "http://127.0.0.1:9")
    assert done.returncode == 0
    assert "audit: NOT DONE, the database http://127.0.0.1:9 cannot be had" in done.stdout


@pytest.mark.parametrize("ci", ["", "true"])
def test_the_gate_installs_system_packages_on_its_own_machines_alone(project, ci, tmp_path):
    """With stand-ins for apt-get and make; the output of what fails is shown."""
    for name, text in (("apt-get", "echo asked for $*; exit 3"), ("make", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CI": ci}
    done = subprocess.run(["bash", project / ".ci/run"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    if shutil.which("slurmctld") is None:
        assert ("asked for update" in done.stdout) == (ci == "true")
        assert ("could not be installed" in done.stdout) == (ci == "true")


def test_the_lock_pins_every_direct_dependency_exactly(project):
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = settings["optional-dependencies"].values()
    wanted = {
        re.split(r"[<>=\[]", entry)[0] for group in [settings["dependencies"], *extras] for entry in group
    }
    pinned = {pin.split("==")[0] for name in EVERY for pin in locked(project, name)}
    assert all("==" in line for line in locked(project))
    assert wanted - {settings["name"]} <= pinned


def test_every_environment_that_a_rule_names_exists(project):
    for rules in (project / "rules").rglob("*.smk"):
        for name in re.findall(r'conda:\s+"(.*)"', rules.read_text()):
            assert (rules.parent / name).is_file()


def test_importing_the_library_brings_no_heavy_package():
    heavy = "'torch' in sys.modules, 'transformers' in sys.modules"
    code = f"import sys, suffice, suffice.study.read; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]
