"""What comes of a study whose files were damaged: a message, or numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from suffice import rank
from suffice.data.build import build_corpus
from suffice.data.columns import GROUP
from suffice.data.corpus import Corpus
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.errors import SufficeError
from suffice.jobs import loader_settings
from suffice.seeds import derive_seed
from suffice.storage.files import open_array
from suffice.study.model import Study
from suffice.study.read import check_sources, load_study
from suffice.tasks.probes import run_probe

CHECK, WORK = "check", "work"


@dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Attributes:
        message: of the error that a user can mend; None if there was none.
        stage: "check" before any work was done, or "work".
        scores: of the models, and results of the tasks, by name; empty after an error.
    """

    message: str | None
    stage: str
    scores: dict[str, float]


def outcome_of(folder: Path, work: Path) -> Outcome:
    """Read, check and compute a study, as the workflow does; no error but our own is caught."""
    try:
        study = load_study(folder)
        check_sources(study)
    except SufficeError as error:
        return Outcome(str(error), CHECK, {})
    try:
        return Outcome(None, WORK, _compute(study, work))
    except SufficeError as error:
        return Outcome(str(error), WORK, {})


def _compute(study: Study, work: Path) -> dict[str, float]:
    """Scores of the models and results of the tasks on the one data set of the toy study."""
    (name,) = study.datasets
    path = work / "corpora" / f"{name}.parquet"
    build_corpus(study.datasets[name].settings, study.settings.seed, path)
    corpus = Corpus(path)
    vectors = {model: _embed(study, model, corpus, work) for model in study.models}
    table = rank(vectors, seed=study.settings.seed, groups=corpus.column(GROUP), looks="same").table
    scores = dict(zip(table["model"], table["score"], strict=True))
    return scores | _tasks(study, vectors, corpus.table())


def _embed(study: Study, model: str, corpus: Corpus, work: Path) -> np.ndarray:
    (dataset,) = study.datasets
    row = study.models[model]
    settings = loader_settings(row, dataset, str(work))
    loader = build_loader(row.kind, settings, study.seed_of(model), study.settings.device)
    path = work / "embeddings" / dataset / f"{model}.npy"
    write_embedding(loader, corpus, path, model=model, dataset=dataset)
    return open_array(path)


def _tasks(study: Study, vectors: dict[str, np.ndarray], table: pd.DataFrame) -> dict[str, float]:
    """Results of all tasks for the model `own`."""
    values = {}
    for name, task in study.tasks.items():
        try:
            values[name] = run_probe(task.settings, vectors["own"], table, derive_seed(0, name)).value
        except SufficeError as error:
            raise type(error)(f"own, {name}: {error}") from error
    return values
