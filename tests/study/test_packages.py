"""Packages that a study takes models and data from: all that are missing are named before anything else."""

import pytest

from suffice.errors import StudyError
from suffice.study.packages import LOCK, check_packages
from suffice.study.read import load_study

PINS = """# A comment
numpy==1.0 \\
    --hash=sha256:00
no-such-package==2.0
nor-this==3.0 ; python_version > '3'
"""


def test_missing_packages_are_named_with_the_command(tmp_path):
    (tmp_path / LOCK).write_text(PINS)
    with pytest.raises(StudyError) as caught:
        check_packages(tmp_path)
    said = str(caught.value)
    assert "needs no-such-package, nor-this;" in said and "numpy" not in said
    assert f"pip install --no-deps -r {tmp_path / LOCK}" in said


def test_a_study_whose_packages_are_there_or_that_names_none_is_read(tmp_path):
    check_packages(tmp_path)
    (tmp_path / LOCK).write_text("numpy==1.0 \\\n    --hash=sha256:00\n")
    check_packages(tmp_path)


@pytest.mark.parametrize("name", ["images", "speech", "agents", "generators", "text-real"])
def test_studies_of_packages_name_them_before_any_other_fault(project, name, monkeypatch):
    monkeypatch.setattr("suffice.study.packages.is_installed", lambda package: False)
    with pytest.raises(StudyError, match=f"pip install --no-deps -r .*config/{name}/requirements.lock"):
        load_study(project / "config" / name)
