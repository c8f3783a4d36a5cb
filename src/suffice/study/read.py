"""Reading a study's folder: every problem that can be seen without computing is found here."""

import re
from collections.abc import Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from suffice.data.check import check_dataset
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.paths import resolve_paths
from suffice.embed.checkpoint import PACKAGE_PREFIX, resolve_checkpoint
from suffice.embed.registry import get_loader
from suffice.errors import StudyError, SufficeError
from suffice.settings import Settings, describe_validation_error, did_you_mean
from suffice.study.model import (
    DATASET_PLACEHOLDER,
    MODEL_PREFIX,
    NAME_PATTERN,
    NAME_RULE,
    TRAINED_PREFIX,
    DatasetRow,
    EstimatorChoice,
    ModelRow,
    Study,
    StudySettings,
    TaskRow,
    build_loader,
)
from suffice.study.tables import checked, read_rows, read_settings, read_truth
from suffice.tasks.settings import KINDS_WITH_SPLIT, TaskSettings, check_task

SETTINGS, MODELS, DATASETS, TASKS = "study.yaml", "models.tsv", "datasets.tsv", "tasks.tsv"
FILE_SETTINGS = ("path", "vocabulary", "ids")
S = TypeVar("S", bound=Settings)


def load_study(folder: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read and check a study's folder.

    Args:
        folder: holds study.yaml, models.tsv, datasets.tsv and, if there are tasks, tasks.tsv; its name is
            the study's name, and relative paths in its tables start from it.
        overrides: values that replace keys of study.yaml.

    Raises:
        StudyError: a file, key or value is wrong; the message names file, key, value and remedy.
    """
    folder = Path(folder).absolute()
    if not (folder / SETTINGS).is_file():
        raise StudyError(f"{folder} is no study: it has no {SETTINGS}; `suffice new-study` writes one")
    check_key(folder, "the folder's name", folder.name)
    settings = read_study_settings(folder / SETTINGS, overrides or {}, StudySettings)
    estimators = read_estimators(folder / SETTINGS, settings.estimators, settings.seed, settings.device)
    datasets = _read_datasets(folder / DATASETS)
    models = _read_models(folder / MODELS)
    tasks = _read_tasks(folder / TASKS, datasets) if (folder / TASKS).exists() else {}
    study = Study(folder.name, folder, settings, estimators, models, datasets, tasks)
    _check_references(study)
    return study


def read_study_settings(path: Path, overrides: Mapping[str, Any], model: type[S]) -> S:
    """The keys of study.yaml, with some replaced, as a study of one kind has them.

    Raises:
        StudyError: the file is not YAML, or a key or value is wrong.
    """
    content = read_yaml(path)
    try:
        return model(**{**content, **overrides})
    except ValidationError as error:
        raise StudyError(f"{path}: {describe_validation_error(error, model)}") from None
    except (SufficeError, TypeError) as error:
        raise StudyError(f"{path}: {error}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The content of study.yaml.

    Raises:
        StudyError: it is not YAML, or not keys and values.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path} must hold keys and values, such as `title: My documents`")
    return content


def read_estimators(
    path: Path, given: Mapping[str, dict[str, Any]], seed: int, device: str
) -> dict[str, EstimatorChoice]:
    """The estimators that study.yaml names, each built once to check its settings.

    Raises:
        StudyError: a name, a kind or a setting is wrong.
    """
    choices = {}
    for name, settings in given.items():
        check_key(path, f"estimators.{name}", name)
        own = {key: value for key, value in settings.items() if key != "estimator"}
        choice = EstimatorChoice(name, str(settings.get("estimator", name)), own)
        checked(path, f"estimators.{name}", partial(choice.build, seed, device))
        choices[name] = choice
    return choices


def _read_datasets(path: Path) -> dict[str, DatasetRow]:
    rows = {}
    for name, cells in read_rows(path, "dataset", ["source"]).items():
        ranked = read_truth(path, name, "ranked", cells.pop("ranked", "true"))
        own = {key: value for key, value in cells.items() if key != "dataset"}
        settings = read_settings(path, name, own, DatasetSettings)
        if settings.source == "file" and settings.path:
            where, several = settings.path, settings.has_molecules
            found = checked(path, name, partial(resolve_paths, where, path.parent, several))
            settings = settings.model_copy(update={"path": found})
        rows[name] = DatasetRow(name, settings, ranked)
    if not any(row.ranked for row in rows.values()):
        raise StudyError(f"{path} has no data set to rank models on; add a row, or set ranked to true")
    return rows


def _read_models(path: Path) -> dict[str, ModelRow]:
    rows = {
        name: _model_row(path, name, cells) for name, cells in read_rows(path, "model", ["loader"]).items()
    }
    if len(rows) < 2:
        raise StudyError(f"{path} has {len(rows)} models; a ranking needs at least 2: add rows")
    return rows


def _model_row(path: Path, name: str, cells: dict[str, str]) -> ModelRow:
    kind = cells["loader"]
    checked(path, name, lambda: get_loader(kind))
    own = ("model", "loader", "family", "target")
    given = {key: value for key, value in cells.items() if key not in own}
    read_settings(path, name, given, get_loader(kind).Settings)
    training, base_model = None, None
    checkpoint, vectors = given.get("checkpoint", ""), given.get("path", "")
    if checkpoint.startswith(TRAINED_PREFIX):
        training = _training_and_step(path, name, checkpoint)
    elif checkpoint:
        given["checkpoint"] = checked(path, name, lambda: resolve_checkpoint(checkpoint, path.parent))
    if vectors.startswith(MODEL_PREFIX):
        base_model = vectors.removeprefix(MODEL_PREFIX)
    else:
        given |= {key: _located(given[key], path.parent) for key in FILE_SETTINGS if key in given}
    is_target = read_truth(path, name, "target", cells.get("target", "true"))
    return ModelRow(name, kind, cells.get("family", kind), given, training, base_model, is_target)


def _located(file: str, folder: Path) -> str:
    """A file of the user's with its whole path; a file in a package, or the name of a column, as it is."""
    whole = folder / Path(file).expanduser()
    is_column = not Path(file).suffix and not whole.exists()
    return file if file.startswith(PACKAGE_PREFIX) or is_column else str(whole)


def _training_and_step(path: Path, name: str, checkpoint: str) -> tuple[str, int]:
    training, _, step = checkpoint.removeprefix(TRAINED_PREFIX).partition("/")
    if not step.isdigit():
        raise StudyError(f"{path}: row {name!r}: checkpoint {checkpoint!r}; write {TRAINED_PREFIX}NAME/STEP")
    return training, int(step)


def _read_tasks(path: Path, datasets: dict[str, DatasetRow]) -> dict[str, TaskRow]:
    rows = {}
    for name, cells in read_rows(path, "task", ["kind", "dataset"]).items():
        dataset = cells["dataset"]
        if dataset not in datasets:
            raise StudyError(
                f"{path}: row {name!r}: no data set {dataset!r}{did_you_mean(dataset, list(datasets))}"
            )
        own = {key: value for key, value in cells.items() if key not in ("task", "dataset")}
        rows[name] = TaskRow(name, dataset, read_settings(path, name, own, TaskSettings))
    return rows


def _check_references(study: Study) -> None:
    """Names that one file uses and another must define."""
    for name, training in study.settings.training.items():
        check_key(study.folder / SETTINGS, f"training.{name}", name)
        _must_exist(study.folder / SETTINGS, f"training.{name}", "data set", training.dataset, study.datasets)
    _check_targets(study)
    _check_extras(study)
    for model in study.models.values():
        if model.training:
            training_name, step = model.training
            _must_exist(study.folder / MODELS, model.name, "training", training_name, study.settings.training)
            steps = study.settings.training[training_name].steps
            if step not in steps:
                raise StudyError(
                    f"{study.folder / MODELS}: row {model.name!r}: training {training_name!r} saves no step "
                    f"{step}; it saves {', '.join(map(str, steps))}"
                )
        if model.base_model is not None:
            others = {name: row for name, row in study.models.items() if name != model.name}
            _must_exist(study.folder / MODELS, model.name, "model", model.base_model, others)
            if study.models[model.base_model].base_model is not None:
                raise StudyError(
                    f"{study.folder / MODELS}: row {model.name!r} is made from {model.base_model!r}, "
                    "which is itself made from another model; name that one"
                )


def _check_targets(study: Study) -> None:
    """The targets that study.yaml asks for and the models that may be targets."""
    wanted = study.settings.ranking.targets
    for name in wanted if isinstance(wanted, tuple) else ():
        _must_exist(study.folder / SETTINGS, "ranking.targets", "model", name, study.models)
        if not study.models[name].is_target:
            raise StudyError(
                f"{study.folder / MODELS}: row {name!r}: target is false, but ranking.targets names it; "
                "change one of the two"
            )
    checked(study.folder / SETTINGS, "ranking.targets", study.check_targets)


def _check_extras(study: Study) -> None:
    """What study.yaml asks for beside the ranking."""
    path, few_labels = study.folder / SETTINGS, study.settings.few_labels
    for name in few_labels.tasks if few_labels and few_labels.tasks != "all" else ():
        _must_exist(path, "few_labels.tasks", "task", name, study.tasks)
        kind = study.tasks[name].settings.kind
        if kind not in KINDS_WITH_SPLIT:
            raise StudyError(
                f"{path}: few_labels.tasks: {name!r} is of the kind {kind}; name tasks of the kinds "
                f"{' or '.join(KINDS_WITH_SPLIT)}"
            )
    if few_labels and not study.few_label_tasks:
        raise StudyError(
            f"{path}: few_labels needs a task of the kind {' or '.join(KINDS_WITH_SPLIT)}, and the study has "
            "none; add one to tasks.tsv, or remove the key"
        )
    pairs = study.settings.explain.pairs
    for name in chain.from_iterable(pairs if pairs != "auto" else ()):
        _must_exist(path, "explain.pairs", "model", name, study.models)
    ranked = [study.datasets[name].settings for name in study.ranked_datasets]
    if study.settings.baselines.self_retrieval and all(each.has_molecules for each in ranked):
        raise StudyError(
            f"{path}: baselines.self_retrieval needs texts, but only molecules are ranked on; remove it"
        )


def check_key(path: Path, key: str, name: str) -> None:
    """Raise StudyError unless `name` is fit to be one, in file names and tables."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise StudyError(f"{path}: {key}: {name!r} is not a name: use {NAME_RULE}")


def _must_exist(path: Path, row: str, what: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise StudyError(f"{path}: row {row!r}: no {what} {name!r}{did_you_mean(name, list(known))}")


def check_sources(study: Study) -> None:
    """Check that data can be read and models loaded, as far as can be told offline and quickly.

    Raises:
        StudyError: a data set cannot be read or has too few items, a task's column is missing, a file
            or checkpoint is missing, or an installed package is lacking.
    """
    path = study.folder / DATASETS
    columns = {
        name: checked(path, name, partial(check_dataset, row.settings, row.name, row.ranked))
        for name, row in study.datasets.items()
    }
    for task in study.tasks.values():
        found = columns[task.dataset]
        if found is not None:
            checked(study.folder / TASKS, task.name, partial(check_task, task.settings, found))
    for model in study.models.values():
        if model.training is None and model.base_model is None:
            for dataset in _datasets_named_by(model, study):
                settings = model.settings_for(dataset)
                loader = build_loader(model.kind, settings, study.seed_of(model.name), study.settings.device)
                checked(study.folder / MODELS, model.name, loader.check)


def _datasets_named_by(model: ModelRow, study: Study) -> list[str]:
    """All data sets if the model's files differ from one to another, else the first."""
    varies = any(DATASET_PLACEHOLDER in str(value) for value in model.settings.values())
    return list(study.datasets) if varies else list(study.datasets)[:1]
