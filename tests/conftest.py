"""What all tests share: one thread, no network, and real data where it is at hand."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pytest  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


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


TOPICS = {
    "sea": "wave salt harbour tide gull sail anchor storm coral fish",
    "kitchen": "oven butter knife flour sugar plate spoon garlic pepper soup",
    "music": "violin chord rhythm melody drum singer tempo brass choir score",
}
FILLERS = "the a of and with near under over before after some many small large old new".split()


def toy_texts(n_items: int = 300, seed: int = 0) -> pd.DataFrame:
    """Sentences about three topics, with a topic, a length in words and a document each pair shares."""
    generator = np.random.default_rng(seed)
    topics = generator.choice(list(TOPICS), size=n_items)
    lengths = generator.integers(8, 16, size=n_items)
    texts = []
    for number, (topic, length) in enumerate(zip(topics, lengths, strict=True)):
        words = generator.choice([*TOPICS[topic].split(), *FILLERS], size=length)
        texts.append(" ".join([*words, f"item{number}"]))
    document = [f"d{number // 2}" for number in range(n_items)]
    columns = {"text": texts, "topic": topics, "n_words": lengths, "document": document}
    return pd.DataFrame({"key": [f"k{number}" for number in range(n_items)], **columns})


STUDY = "title: Toy\nseed: 1\nranking: {n_resamples: 100}\ncorrelation: {n_resamples: 100}\n"
DATASETS = "dataset\tsource\tpath\tcontent\tid\tgroup\ntoys\tfile\ttoys.csv\ttext\tkey\tdocument\n"
MODELS = """model\tloader\tfamily\tn_components\tanalyzer\tpath
words-8\tbag_of_words\twords\t8\t\t
words-2\tbag_of_words\twords\t2\t\t
chars-8\tbag_of_words\tcharacters\t8\tchar_wb\t
own\tprecomputed\town\t\t\town.npy
own-pca\tprincipal_components\town\t3\t\tmodel:own
"""
TASKS = """task\tkind\tdataset\tlabel
topic\tclassification\ttoys\ttopic
length\tregression\ttoys\tn_words
topic-clusters\tclustering\ttoys\ttopic
"""


@pytest.fixture
def toy_study(tmp_path) -> Path:
    """A small study of five models and three tasks in a folder of its own."""
    folder = tmp_path / "toy"
    folder.mkdir()
    toy_texts().to_csv(folder / "toys.csv", index=False)
    np.save(folder / "own.npy", np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32))
    for name, content in {
        "study.yaml": STUDY,
        "datasets.tsv": DATASETS,
        "models.tsv": MODELS,
        "tasks.tsv": TASKS,
    }.items():
        (folder / name).write_text(content)
    return folder
