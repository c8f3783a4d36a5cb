"""Running the workflow for real, in a folder of its own."""

import pytest
from running import Workflow


@pytest.fixture
def workflow(project, toy_study, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    return Workflow(project, toy_study, work)
