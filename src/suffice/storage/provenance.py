"""The origin of a number: a digest of the code that can change it, versions, machine and git state."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from suffice.storage.sources import facts_of

PACKAGE = __name__.split(".")[0]
ROOT = Path(__file__).resolve().parents[1]
KINDS_GROUP = "suffice.kinds"
"""Entry points through which other packages provide kinds of study; their code counts like the library's."""
DISPATCH = frozenset(
    f"{PACKAGE}.{name}"
    for name in ("workflow", "estimators", "estimators.registry", "embed.registry", "analyses.registry")
)
"""Modules that run a job or look up other modules; the modules that they look up are named separately."""
NUMERICAL = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "scikit-learn": "sklearn",
    "torch": "torch",
    "transformers": "transformers",
}
"""Libraries that compute numbers, with the names that they are imported by."""
VERSIONS_OF = ("suffice", "numpy", "scipy", "pandas", "scikit-learn", "torch", "transformers", "snakemake")


@cache
def code_digest(*modules: str) -> str:
    """Digest of library modules and of every module of the library that they import: 12 hex digits.

    Comments, docstrings and layout do not count, so only an edit that could change a result changes the
    digest. Templates beside a module count with it.

    Args:
        *modules: dotted names, such as "suffice.estimators.linear".
    """
    closure = sorted(_imported_modules(modules))
    digest = hashlib.sha256()
    for module in closure:
        digest.update(module.encode() + b"\0" + _code_of(module).encode() + b"\0")
    return digest.hexdigest()[:12]


def computed_by(*modules: str) -> dict[str, Any]:
    """The code of library modules, and the versions of the numerical libraries that it imports.

    It belongs in the key of every stored result. Imports within functions count, and modules that they import
    count with them.

    Args:
        *modules: dotted names, such as "suffice.estimators.linear".
    """
    return {"code": code_digest(*modules), "libraries": _libraries_of(modules)}


@cache
def _libraries_of(modules: tuple[str, ...]) -> dict[str, str]:
    imported = {
        name.split(".")[0]
        for module in _imported_modules(modules)
        for name in facts_of(_source_of(module)).imports
    }
    used = {name for name, module in NUMERICAL.items() if module in imported}
    return {name: version for name, version in versions().items() if name in used}


def code_version(*modules: str) -> str:
    """The digest of library modules and their names, which a rule's results depend on."""
    return " ".join((code_digest(*modules), *modules))


def code_of_script(script: Path, *chosen: str) -> str:
    """The version of all library code that a job's script uses for its results.

    It covers the modules that the script imports, except `DISPATCH`.

    Args:
        script: the job's script.
        *chosen: modules that the job gets from a registry, such as its estimator, or looks up by name.
    """
    imported = _of_library(facts_of(script.read_text(encoding="utf-8")).imports)
    return code_version(*sorted(imported - DISPATCH), *chosen)


def is_current(version: str) -> bool:
    """Whether the code is still the same as when `code_version` returned this."""
    digest, *modules = version.split() or [""]
    return all(map(_file_of, modules)) and code_digest(*modules) == digest


def _imported_modules(modules: Iterable[str]) -> set[str]:
    """The given modules and all modules of the library that they import, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(_library_imports(module))
    return found


@cache
def _folders() -> dict[str, Path]:
    """The folders of packages whose code counts: the library, and packages that provide kinds of study."""
    places = importlib.metadata.entry_points(group=KINDS_GROUP)
    found = {}
    for package in {place.module.split(".")[0] for place in places} - {PACKAGE}:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.submodule_search_locations:
            found[package] = Path(next(iter(spec.submodule_search_locations)))
    return found | {PACKAGE: ROOT}


@cache
def _file_of(module: str) -> Path | None:
    """The source file of a module of the library; None if there is no such module."""
    package, *inside = module.split(".")
    if package not in _folders():
        return None
    path = _folders()[package].joinpath(*inside)
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _of_library(imported: Iterable[str]) -> frozenset[str]:
    """The modules of the library among imported names."""
    return frozenset(name for name in imported if _file_of(name) is not None)


@cache
def _library_imports(module: str) -> frozenset[str]:
    return _of_library(facts_of(_source_of(module)).imports)


def _source_of(module: str) -> str:
    path = _file_of(module)
    if path is None:
        raise ValueError(f"{module!r} is not a module of {PACKAGE}; write its dotted name in full")
    return path.read_text(encoding="utf-8")


@cache
def _code_of(module: str) -> str:
    """Hash of the code of a module, and the templates beside it."""
    templates = [path.read_text(encoding="utf-8") for path in sorted(_folder_of(module).glob("*.j2"))]
    return "\0".join([facts_of(_source_of(module)).code_sha256, *templates])


def _folder_of(module: str) -> Path:
    path = _file_of(module)
    return path.parent if path else ROOT


def versions() -> dict[str, str]:
    """Versions of Python and of the installed packages that can change numbers."""
    found = {"python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def loaded_versions() -> dict[str, str]:
    """Versions of the numerical libraries that this process has imported."""
    loaded = {name for name, module in NUMERICAL.items() if module in sys.modules}
    return {name: version for name, version in versions().items() if name in loaded}


def machine() -> dict[str, Any]:
    """Processor, usable cores, operating system, and the kernels of linear algebra.

    Kernels are chosen when a program starts, by processor and environment (OPENBLAS_CORETYPE). Different
    kernels sum in a different order, so numbers differ in their last digits.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}"
    return {"processor": _processor(), "cores": cores, "system": system, "linear_algebra": _kernels()}


def _kernels() -> str:
    """Library and kernel of each loaded linear algebra library, such as "openblas Haswell"."""
    loaded = (library for library in threadpool_info() if library["user_api"] == "blas")
    return ", ".join(
        sorted({f"{each['internal_api']} {each.get('architecture', '')}".strip() for each in loaded})
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def git_state(folder: Path) -> dict[str, Any]:
    """Commit of the checkout of `folder`, and whether tracked files differ; empty outside a checkout."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": commit, "modified": bool(changed)}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
