"""Tables with the same columns as a hub data set, filled with paragraphs of installed documentation."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from suffice.data.columns import CONTENT
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.docstrings import api_docs_items
from suffice.data.readers import content_columns, joined_columns
from suffice.seeds import derive_seed
from suffice.storage.files import write_table

N_ROWS = 120
N_PARAGRAPHS = 4000
N_CLASSES = 3


def standin_texts(seed: int) -> list[str]:
    """Paragraphs of the documentation of six installed packages."""
    items, _ = api_docs_items(seed, N_PARAGRAPHS)
    return list(items[CONTENT])


def write_standin_table(
    settings: DatasetSettings, labels: Mapping[str, bool], texts: Sequence[str], seed: int, path: Path
) -> None:
    """Write a table that can replace a data set.

    Args:
        settings: settings of the data set, with its columns for texts, ids and so on.
        labels: columns that tasks read, and whether they have numbers (otherwise one of three classes, which
            depends on the text).
        texts: paragraphs to choose from.
        seed: seed of the choice.
        path: the Parquet file to write.
    """
    contents = [name for side in content_columns(settings) for name in joined_columns(side, [])]
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(texts), size=(N_ROWS, len(contents)), replace=False)
    table = pd.DataFrame({name: [texts[i] for i in chosen[:, j]] for j, name in enumerate(contents)})
    others = filter(None, (settings.id, settings.group))
    table = table.assign(**{name: [f"{name}-{row}" for row in range(N_ROWS)] for name in others})
    lengths = table[contents[0]].str.len()
    classes = pd.qcut(
        lengths.rank(method="first"), N_CLASSES, labels=[f"class-{i}" for i in range(N_CLASSES)]
    )
    for name, is_number in labels.items():
        table[name] = lengths.astype(float) if is_number else classes.astype(str)
    if settings.split is not None:
        table[settings.split] = ["test" if row % 3 == 0 else "train" for row in range(N_ROWS)]
    write_table(table, path)


def write_standin_tables(
    datasets: Mapping[str, tuple[DatasetSettings, Mapping[str, bool]]], paths: Iterable[str], seed: int
) -> None:
    """Write the tables of several data sets.

    Args:
        datasets: settings and labels of each, by name.
        paths: the file of each.
        seed: base seed.
    """
    texts = standin_texts(seed)
    for (name, (settings, labels)), path in zip(datasets.items(), paths, strict=True):
        write_standin_table(settings, labels, texts, derive_seed(seed, "stand-in", name), Path(path))
