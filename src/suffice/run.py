"""Running a study by one command, from a checkout or from the installed package."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suffice.devices import visible_gpus
from suffice.errors import StudyError
from suffice.study.new import name_of, write_new_study

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Effort:
    """How a study is run.

    Attributes:
        cores: jobs at once; None: the number of processors.
        profile: name of a profile of the package, or a folder with a profile.
        settings: `key=value` each; they replace keys of study.yaml or are keys of the workflow itself.
        plan: only print which jobs would run.
    """

    cores: int | None = None
    profile: str = "default"
    settings: Sequence[str] = ()
    plan: bool = False


def workflow_root() -> Path:
    """The folder of the Snakefile: the checkout of the library, or a folder in the installed package.

    Raises:
        StudyError: the package has no workflow.
    """
    for root in (HERE.parent.parent, HERE / "_workflow"):
        if (root / "Snakefile").is_file():
            return root
    raise StudyError(f"{HERE} has no workflow beside it; install suffice from a wheel or a checkout")


def study_of(given: str, models: Sequence[str], content: str | None) -> Path:
    """The folder of a study: the given one, or a new one beside a file of texts.

    Args:
        given: a folder, the name of a study of the package, or a file of texts.
        models: models of a new study, as `write_new_study` accepts them.
        content: column of the file with the texts.

    Raises:
        StudyError: nothing has that name, or models are given although the study has its own.
    """
    path = Path(given).expanduser()
    of_package = workflow_root() / "config" / given
    folder = path if (path / "study.yaml").is_file() else of_package
    if (folder / "study.yaml").is_file():
        if models or content:
            raise StudyError(f"{folder} is a study whose tables name models and columns; edit these tables")
        return folder
    if not path.is_file():
        raise StudyError(f"{given!r} is neither a study (a folder with study.yaml) nor a file of texts")
    made = path.absolute().parent / f"{name_of(path.name.split('.')[0])}-study"
    if made.exists():
        raise StudyError(f"{made} exists; to run it: suffice run {made}")
    if len(models) < 2:
        raise StudyError("name at least two models, such as --models minilm,tfidf-256,owner/name-on-the-hub")
    return write_new_study(made, path, models, content)


def run_study(folder: Path, effort: Effort) -> int:
    """Run a study's workflow and write its results to the working folder; returns Snakemake's exit status.

    Raises:
        StudyError: Snakemake is not installed, or the profile is unknown.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise StudyError("running a study needs Snakemake: pip install 'suffice[workflow]'")
    return subprocess.run(_command(folder.absolute(), effort)).returncode


def _command(folder: Path, effort: Effort) -> list[str]:
    root = workflow_root()
    profile = root / "profiles" / effort.profile
    if not profile.is_dir():
        profile = Path(effort.profile).expanduser()
    if not (profile / "config.yaml").is_file():
        known = ", ".join(sorted(path.name for path in (root / "profiles").iterdir()))
        said = f"unknown profile {effort.profile!r}; use one of {known}, or give a folder with config.yaml"
        raise StudyError(said)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    command += ["--workflow-profile", str(profile)]
    if profile == root / "profiles" / "default":
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6
        resources = [f"mem_mb={memory_mb}", f"gpu={len(visible_gpus())}"]
        command += ["--cores", str(effort.cores or "all"), "--resources", *resources]
    elif effort.cores is not None:
        command += ["--cores", str(effort.cores)]
    command += ["--dry-run", "--quiet", "rules", "host"] if effort.plan else ["--quiet", "rules"]
    return [*command, "--config", f"study={folder}", *effort.settings]
