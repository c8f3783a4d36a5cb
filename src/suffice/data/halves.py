"""The halves of a corpus's texts, as a corpus of its own: all first halves, then all second halves."""

from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.build import content_sha256
from suffice.data.corpus import CONTENT, ID, REQUIRED_COLUMNS, Corpus
from suffice.errors import DataError
from suffice.files import write_json, write_table
from suffice.seeds import derive_seed

MIN_WORDS = 8  # of a text that is halved
MAX_TEXTS = 1000
MIN_TEXTS = 10


def build_halves(corpus: Corpus, seed: int, path: Path | str) -> None:
    """Write the halves of at most 1,000 texts of at least 8 words, drawn at random, as a corpus.

    A text is cut at white space after half of its words, the smaller half first.

    Args:
        corpus: the texts.
        seed: seed of the sample.
        path: the Parquet file to write, with the manifest beside it (.json), which is written last.

    Raises:
        DataError: fewer than 10 texts are long enough.
    """
    path = Path(path)
    table = corpus.table(list(REQUIRED_COLUMNS))
    words = [str(content).split() for content in table[CONTENT]]
    long = np.flatnonzero([len(each) >= MIN_WORDS for each in words])
    if len(long) < MIN_TEXTS:
        raise DataError(
            f"{len(long)} texts of {path.stem} have at least {MIN_WORDS} words, and {MIN_TEXTS} are needed "
            "for self-retrieval; set baselines.self_retrieval to false"
        )
    drawn = np.random.default_rng(derive_seed(seed, "halves of texts")).permutation(long)[:MAX_TEXTS]
    chosen = np.sort(drawn)
    first = [" ".join(words[row][: len(words[row]) // 2]) for row in chosen]
    second = [" ".join(words[row][len(words[row]) // 2 :]) for row in chosen]
    texts = table.iloc[chosen]
    halves = pd.concat([_half(texts, first, "first"), _half(texts, second, "second")], ignore_index=True)
    write_table(halves, path)
    sha256 = content_sha256(halves[ID], halves[CONTENT])
    write_json(
        {"n_texts": len(chosen), "n_items": len(halves), "content_sha256": sha256}, path.with_suffix(".json")
    )


def _half(texts: pd.DataFrame, contents: list[str], name: str) -> pd.DataFrame:
    return texts.assign(id=texts[ID].astype(str) + f":{name}", content=contents)
