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


def test_every_environment_that_a_rule_names_exists(project):
    assert (project / "envs" / "suffice.yaml").is_file()  # what ENVIRONMENT is
    for rules in (project / "rules").rglob("*.smk"):
        for name in re.findall(r'conda:\s+"(.*)"', rules.read_text()):
            assert (rules.parent / name).is_file()


def test_importing_the_library_brings_no_heavy_package():
    heavy = "'torch' in sys.modules, 'transformers' in sys.modules"
    code = f"import sys, suffice, suffice.study.read; print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]
