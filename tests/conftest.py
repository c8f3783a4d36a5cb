"""What all tests share: one thread, no network, and real data where it is at hand."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from pathlib import Path  # noqa: E402

import pytest  # noqa: E402
from toy import write_toy_study  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items):
    """Files that run the workflow come first: a long one at the end would leave the other processors idle."""
    long = {item.path for item in items if item.get_closest_marker("workflow")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch = pytest.importorskip("torch", reason="the tests need the development extra")
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """A folder of real data that lies beside a developer's checkout and is no part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real test data (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture
def toy_study(tmp_path) -> Path:
    """A small study of five models and three tasks in a folder of its own."""
    return write_toy_study(tmp_path / "toy")
