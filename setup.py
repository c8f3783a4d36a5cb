"""The files of the workflow go into the wheel, from the folders beside this file."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
FOLDERS = ("config", "envs", "profiles", "report", "rules", "scripts")
PLACE = Path("suffice", "_workflow")


class WithWorkflow(build_py):
    """Copies the workflow into the package; an editable install finds it where it is."""

    def run(self) -> None:
        """Build the package, then copy."""
        super().run()
        if self.editable_mode:
            return
        place = Path(self.build_lib) / PLACE
        for folder in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(ROOT / folder, place / folder, ignore=ignored, dirs_exist_ok=True)
        shutil.copy2(ROOT / "Snakefile", place / "Snakefile")


setup(cmdclass={"build_py": WithWorkflow})
