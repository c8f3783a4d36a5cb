"""Published numbers, read from `config/published/`; its README names the source of each file."""

from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from suffice.errors import StudyError

PREFIX = "darrin2024_"
AVERAGE = "mteb_average"
CATEGORIES = (
    "mteb_classification",
    "mteb_clustering",
    "mteb_pair_classification",
    "mteb_reranking",
    "mteb_retrieval",
    "mteb_sts",
    "mteb_summarization",
)
WEAKEST = (
    "sentence-transformers/allenai-specter",
    "sentence-transformers/average_word_embeddings_glove.6B.300d",
    "sentence-transformers/average_word_embeddings_komninos",
    "sentence-transformers/LaBSE",
)


@dataclass(frozen=True)
class PublishedTables:
    """The published tables as in their files; tables of models have the model as index."""

    text_models: pd.DataFrame
    text_pairs: pd.DataFrame
    text_correlations: pd.DataFrame
    text_retrieval: pd.DataFrame
    extra_tasks: pd.DataFrame
    number_of_models: pd.DataFrame
    reference_targets: pd.DataFrame
    modes: pd.DataFrame
    checkpoints: pd.DataFrame
    molecule_models: pd.DataFrame
    molecule_correlations: pd.DataFrame
    admet_tasks: pd.DataFrame
    dti_neighbours: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> "PublishedTables":
        """Read every table.

        Raises:
            StudyError: one is missing or cannot be read.
        """
        return cls(**{field.name: _read(folder / f"{PREFIX}{field.name}.csv") for field in fields(cls)})


def files_of(folder: Path) -> list[Path]:
    """The files that `PublishedTables.read` reads."""
    return [folder / f"{PREFIX}{field.name}.csv" for field in fields(PublishedTables)]


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise StudyError(f"{path} is missing; it is part of the project, so restore it") from None
    except ValueError as error:
        raise StudyError(f"{path} cannot be read ({error}); restore it") from error
    unique = "model" in table and table["model"].is_unique
    return table.set_index("model") if unique else table


def short_models(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the owners in names of models: `owner/name` becomes `name`."""
    columns = [name for name in ("model", "source", "target", "left_out", "winner") if name in table]
    return table.assign(**{name: table[name].str.replace(r"^[^/ ]+/", "", regex=True) for name in columns})
