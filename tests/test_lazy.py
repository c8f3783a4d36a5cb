"""Packages that import their content on first access."""

import importlib
import subprocess
import sys

import pytest

from suffice.estimators import ESTIMATORS
from suffice.estimators.names import DEFAULT_ESTIMATOR, WITH_TWO_LOOKS

PACKAGES = [
    "suffice",
    "suffice.analyses",
    "suffice.baselines",
    "suffice.estimators",
    "suffice.plots",
    "suffice.ranking",
    "suffice.study",
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_that_a_package_offers_is_there(name):
    package = importlib.import_module(name)
    for offered in package.__all__:
        assert getattr(package, offered) is not None


HEAVY = {"pandas", "scipy", "sklearn", "torch", "matplotlib", "pyarrow"}


@pytest.mark.parametrize(
    "code", ["import suffice", "from suffice.cli import main; main(['--help'])"], ids=["import", "help"]
)
def test_nothing_heavy_is_imported_before_it_is_needed(code):
    listed = "import atexit, sys; atexit.register(lambda: print('modules:', *sys.modules))"
    command = [sys.executable, "-c", f"{listed}; {code}"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    imported = shown.rpartition("modules:")[2].split()
    assert "suffice" in imported and not HEAVY & set(imported)


def test_the_estimators_that_are_taken_by_default_exist():
    assert {DEFAULT_ESTIMATOR, *WITH_TWO_LOOKS} <= set(ESTIMATORS)


def test_an_unknown_name_is_an_error():
    with pytest.raises(ImportError, match="cannot import name 'rnak'"):
        from suffice import rnak  # noqa: F401
    with pytest.raises(AttributeError, match="module 'suffice.plots' has no attribute 'draw'"):
        _ = importlib.import_module("suffice.plots").draw


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("suffice", "numpy"),
        ("suffice.workflow", "scipy"),
        ("suffice.embed.registry", "sklearn"),
        ("suffice.kinds.published.recompute", "matplotlib"),
        ("suffice.analyses.base", "matplotlib"),
        ("suffice.study.read", "matplotlib"),
        ("suffice.jobs", "scipy.stats"),
    ],
)
def test_a_job_does_not_import_what_it_does_not_use(module, heavy):
    code = f"import sys, {module}; assert {heavy!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
