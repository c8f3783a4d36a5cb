"""Does memory grow with the number of items? Peak of embedding and of `linear`, each in its own process.

The peak counts pages of mapped files that the system may drop at any time, so that it can grow by as much
as the vectors themselves.

    python benchmarks/memory.py
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.build import content_sha256
from suffice.data.corpus import Corpus
from suffice.embed.bag_of_words import BagOfWords, BagOfWordsSettings
from suffice.embed.write import write_embedding
from suffice.estimators import get_estimator
from suffice.storage.files import open_array, write_json, write_table
from suffice.storage.provenance import machine

ROOT = Path(__file__).resolve().parent.parent
SIZES = (10_000, 40_000, 160_000)
DIM = 256
WORDS = [f"word{number}" for number in range(2000)]


def make_corpus(folder: Path, n_items: int) -> Corpus:
    """A corpus of random words."""
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(WORDS, 20)) for _ in range(n_items)]
    ids = [str(number) for number in range(n_items)]
    table = pd.DataFrame({"id": ids, "content": texts, "group": ids, "split": "train"})
    write_table(table, folder / "corpus.parquet")
    manifest = {"dataset": "corpus", "n_items": n_items, "content_sha256": content_sha256(ids, texts)}
    write_json(manifest, folder / "corpus.json")
    return Corpus(folder / "corpus.parquet")


def embed(folder: Path, n_items: int) -> None:
    """Embed the corpus with hashed random projections."""
    settings = BagOfWordsSettings(n_components=DIM, reduction="random_projection", weighting="counts")
    corpus = Corpus(folder / "corpus.parquet")
    write_embedding(BagOfWords(settings), corpus, folder / "model.npy", model="model", dataset="corpus")


def estimate(folder: Path, n_items: int) -> None:
    """Prepare one embedding and estimate its pair with itself."""
    linear = get_estimator("linear")()
    prepared = linear.prepare(open_array(folder / "model.npy"))
    list(linear.pairs({"u": prepared}, prepared))


STEPS = {"embed": embed, "estimate": estimate}


def main() -> None:
    """Write the table."""
    rows = []
    for n_items in SIZES:
        with tempfile.TemporaryDirectory() as name:
            make_corpus(Path(name), n_items)
            for step in STEPS:
                command = [sys.executable, __file__, step, name, str(n_items)]
                peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                rows.append(
                    {"step": step, "n_items": n_items, "embed_dim": DIM, "peak_mb": round(float(peak))}
                )
    table = pd.DataFrame(rows)
    table["vectors_mb"] = (table["n_items"] * DIM * 4 / 2**20).round()
    table.to_csv(ROOT / "benchmarks" / "memory.csv", index=False)
    print(table.to_string(index=False))
    print(machine())


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        STEPS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
