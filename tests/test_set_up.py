"""The set-up: lock, conda environment and rules agree."""

import re
import subprocess
import sys
import tomllib

import yaml


def locked(project):
    lines = (project / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_conda_environment_is_the_lock(project):
    environment = yaml.safe_load((project / "envs" / "suffice.yaml").read_text())
    (pins,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pins == locked(project), "run `make lock`"


def test_the_lock_pins_every_direct_dependency_exactly(project):
    settings = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    extras = settings["optional-dependencies"].values()
    wanted = {
        re.split(r"[<>=\[]", entry)[0] for group in [settings["dependencies"], *extras] for entry in group
    }
    pinned = {line.split("==")[0] for line in locked(project)}
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
