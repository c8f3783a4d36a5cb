"""Packages that import what they offer when it is asked for."""

import importlib
import subprocess
import sys

import pytest

PACKAGES = [
    "suffice",
    "suffice.analyses",
    "suffice.baselines",
    "suffice.plots",
    "suffice.ranking",
    "suffice.study",
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_that_a_package_offers_is_there(name):
    package = importlib.import_module(name)
    for offered in package.__all__:
        assert getattr(package, offered) is not None


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
    ],
)
def test_a_job_does_not_import_what_it_does_not_use(module, heavy):
    code = f"import sys, {module}; assert {heavy!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
