"""Read a study's folder, and find every problem that can be found without computing."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from suffice.analyses.questions.ablations import ablations_in
from suffice.data.check import check_dataset
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_settings import SAME, LookSettings
from suffice.data.made.registry import FOLDERS, folder_of, maker_of
from suffice.data.paths import own_paths, resolve_paths
from suffice.embed.base import ANYTHING, Loader
from suffice.embed.checkpoint_places import HUB_NAME, PACKAGE_PREFIX, is_local, resolve_checkpoint
from suffice.embed.registry import build_loader, get_loader
from suffice.embed.standin import check_architecture
from suffice.errors import NotFetchedError, StudyError, SufficeError
from suffice.names import shown_name
from suffice.settings import Settings, describe_validation_error, did_you_mean
from suffice.storage.fetch import is_url
from suffice.storage.files import user_path
from suffice.study.estimators import (
    EstimatorChoice,
    by_default,
    read_combining,
    read_estimators,
)
from suffice.study.looks import with_looks
from suffice.study.model import (
    DATASET_PLACEHOLDER,
    MODEL_PREFIX,
    TRAINED_PREFIX,
    DatasetRow,
    ModelRow,
    Study,
    StudySettings,
    TaskRow,
)
from suffice.study.names import check_key
from suffice.study.packages import check_packages
from suffice.study.places import Places, check_study_file
from suffice.study.references import SETTINGS, check_references
from suffice.study.standins import with_standins
from suffice.study.tables import checked, read_count, read_rows, read_settings, read_truth
from suffice.study.yaml_file import read_yaml_file
from suffice.tasks.public_scores import read_score_table
from suffice.tasks.settings import TaskSettings, check_task

FILE_SETTINGS = ("path", "second_path", "vocabulary", "ids", "continuations")
SCORE_PLACES = ("tree", "table")
OWN_COLUMNS = (
    "model", "loader", "family", "target", "public_name", "architecture", "series", "step", "version_of",
    "control", "seed",
)  # fmt: skip
CONCATENATION = "concatenation"
MAX_SHARDS = 1000
VARIED = "ablations"  # value of the column `ranked` for a data set that is ranked only for ablations
S = TypeVar("S", bound=Settings)


def load_study(folder: Path, overrides: Mapping[str, Any] | None = None) -> Study:
    """Read and check a study's folder.

    Args:
        folder: folder with study.yaml, models.tsv, datasets.tsv and, if there are tasks, tasks.tsv; its name
            is the study's name, and relative paths in its tables start from it.
        overrides: values that replace keys of study.yaml.

    Raises:
        StudyError: a file, key or value is wrong; the message names file, key, value and remedy.
    """
    folder = Path(folder).absolute()
    if not (folder / SETTINGS).is_file():
        raise StudyError(f"{folder} is not a study: it has no {SETTINGS}; `suffice new-study` writes one")
    check_key(folder, "the folder's name", folder.name)
    refuse_braces(str(folder))
    check_packages(folder)
    settings = read_study_settings(folder / SETTINGS, overrides or {}, StudySettings)
    places = Places(folder, settings.outside)
    for table in ("datasets", "models", "tasks"):
        named = checked(folder / SETTINGS, table, partial(user_path, getattr(settings, table), folder))
        places.check(folder / SETTINGS, table, named)
    datasets = _read_datasets(folder / settings.datasets, places)
    estimators = read_combining(
        folder / SETTINGS, settings.estimators or {}, settings.ranking.aggregate, settings.seed
    )
    models = _read_models(folder / settings.models, places)
    tasks = _read_tasks(folder, settings, datasets)
    settings = _with_located_scores(folder, settings, places)
    variants = _read_variants(folder / SETTINGS, settings)
    study = Study(folder.name, folder, settings, estimators, models, datasets, tasks, variants)
    check_references(study)
    _check_loaders(study)
    _check_files_of_models(study, places)
    study = _with_default_estimators(with_looks(study))
    return with_standins(study) if settings.offline_standins else study


def read_study_settings(path: Path, overrides: Mapping[str, Any], model: type[S]) -> S:
    """The keys of study.yaml for one kind of study, with some replaced.

    Raises:
        StudyError: the file is not YAML, or a key or value is wrong.
    """
    check_study_file(path)
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
        StudyError: it cannot be read, is not YAML, or not keys and values.
    """
    content = read_yaml_file(path)
    if not isinstance(content, dict):
        raise StudyError(f"{path} must hold keys and values, such as `title: My documents`")
    odd = [key for key in content if not isinstance(key, str)]
    if odd:
        raise StudyError(f"{path}: the key {odd[0]!r} is not text; see the manual for the keys")
    return content


def _with_default_estimators(study: Study) -> Study:
    """The study with default estimators that suit its looks, if study.yaml leaves them out."""
    if study.settings.estimators is not None:
        return study
    by_ranks = study.settings.ranking.aggregate == "ranks"
    named: list[str] = []
    for row in (study.datasets[name] for name in study.compared_datasets):
        modality, has_two = row.settings.modality, row.looks.kind != SAME
        named += modality.estimators_of_looks if has_two and by_ranks else modality.estimators
    given = by_default(list(dict.fromkeys(named)))
    settings = study.settings.model_copy(update={"estimators": given})
    estimators = read_combining(study.folder / SETTINGS, given, settings.ranking.aggregate, settings.seed)
    return replace(study, settings=settings, estimators=estimators)


def _read_variants(path: Path, settings: StudySettings) -> dict[str, EstimatorChoice]:
    """The estimators of all ablations."""
    given: dict[str, dict[str, Any]] = {}
    for name, ablation in ablations_in(settings).items():
        variants = ablation.variants(name)
        taken = sorted(set(variants) & {*given, *(settings.estimators or {})})
        if taken:
            raise StudyError(f"{path}: ablations.{name}: the name {taken[0]!r} is taken; choose another name")
        given |= variants
    return read_estimators(path, given, settings.seed, of_models=True)


def _check_loaders(study: Study) -> None:
    """Raise StudyError if a model's loader cannot read the items of a data set that it embeds."""
    for name in dict.fromkeys([*study.compared_datasets, *study.task_datasets]):
        modality = study.datasets[name].settings.modality
        for model in study.models.values():
            reads = get_loader(model.kind).reads
            if reads not in (ANYTHING, *modality.read_as):
                raise StudyError(
                    f"{study.models_file}: row {model.name!r}: the loader {model.kind} reads items of the "
                    f"modality {reads}, but those of the data set {name!r} are {modality.items}; set its "
                    "content_type, or leave the model out"
                )


def _check_files_of_models(study: Study, places: Places) -> None:
    """The files that models name, one per data set if the path contains the data set's name."""
    for row in study.models.values():
        for dataset in study.datasets:
            settings = row.settings_for(dataset)
            files = [settings[key] for key in FILE_SETTINGS if key in settings and not row.base_models]
            for file in files:
                if Path(file).is_absolute():
                    places.check(study.models_file, row.name, Path(file))


def _with_located_scores(folder: Path, settings: StudySettings, places: Places) -> StudySettings:
    """The settings with absolute paths of public scores and with every public task named."""
    given = settings.public_scores
    if given is None:
        return settings
    path = folder / SETTINGS
    is_made = bool(checked(path, "public_scores.table", partial(folder_of, given.table)))
    if is_made and not given.tasks:
        raise StudyError(
            f"{path}: public_scores.table: {given.table} is not made yet; name its tasks in tasks"
        )
    located = {
        key: checked(path, f"public_scores.{key}", partial(user_path, value, folder))
        for key in SCORE_PLACES
        if (value := getattr(given, key)) and not (key == "table" and is_made)
    }
    for key, place in located.items():
        places.check(path, f"public_scores.{key}", place)
        if not place.exists():
            raise StudyError(f"{path}: public_scores.{key}: {place} does not exist; correct the path")
    tasks = given.tasks
    if not tasks:
        listed = checked(path, "public_scores.table", partial(read_score_table, located["table"]))
        tasks = tuple(dict.fromkeys(task for _, task in listed))
    texts = {key: str(place) for key, place in located.items()}
    public = given.model_copy(update={**texts, "tasks": tasks})
    return settings.model_copy(update={"public_scores": public})


def _read_shards(path: Path, name: str, text: str) -> int:
    n_shards = read_count(path, name, "shards", text)
    if not 1 <= n_shards <= MAX_SHARDS:
        raise StudyError(
            f"{path}, row {name!r}: shards is {text!r}; it must be a number from 1 to {MAX_SHARDS}"
        )
    return n_shards


def _read_datasets(path: Path, places: Places) -> dict[str, DatasetRow]:
    rows = {}
    for name, cells in read_rows(path, "dataset", ["source"]).items():
        text = cells.pop("ranked", "true")
        varied = text == VARIED
        ranked = not varied and read_truth(path, name, "ranked", text)
        shards = _read_shards(path, name, cells.pop("shards", "1"))
        seed = read_count(path, name, "seed", cells.pop("seed", "0"))
        of_looks = {key: cells.pop(key) for key in LookSettings.model_fields if key in cells}
        looks = read_settings(path, name, of_looks, LookSettings)
        own = {key: value for key, value in cells.items() if key != "dataset"}
        settings = read_settings(path, name, own, DatasetSettings)
        if settings.source == "file" and settings.path:
            where, several = settings.path, settings.modality.several_files
            found = checked(path, name, partial(resolve_paths, where, path.parent, several))
            checked(path, name, partial(refuse_braces, found))
            checked(path, name, partial(maker_of, found))
            for file in own_paths(where, path.parent, several):
                places.check(path, name, file)
            settings = settings.model_copy(update={"path": found})
        rows[name] = DatasetRow(name, settings, ranked, varied, shards=shards, look_settings=looks, seed=seed)
    if not any(row.ranked for row in rows.values()):
        raise StudyError(f"{path} has no data set to rank models on; add a row, or set ranked to true")
    return _with_modality_of_parts(path, rows)


def _with_modality_of_parts(path: Path, rows: dict[str, DatasetRow]) -> dict[str, DatasetRow]:
    """The rows; a data set made of others gets their content type."""
    made = dict(rows)
    for name, row in rows.items():
        parts = [rows[part].settings for part in row.settings.parts if part in rows]
        types = list(dict.fromkeys(part.content_type for part in parts))
        if len(types) > 1:
            raise StudyError(
                f"{path}: row {name!r} joins data sets of the content types "
                f"{', '.join(types)}; name data sets of one type"
            )
        if types and types != [row.settings.content_type]:
            made[name] = replace(row, settings=row.settings.model_copy(update={"content_type": types[0]}))
    return made


def _read_models(path: Path, places: Places) -> dict[str, ModelRow]:
    cells_of = read_rows(path, "model", ["loader"])
    rows = {name: _model_row(path, name, cells, places) for name, cells in cells_of.items()}
    if len(rows) < 2:
        raise StudyError(f"{path} has {len(rows)} models; a ranking needs at least 2; add rows")
    return rows


def _model_row(path: Path, name: str, cells: dict[str, str], places: Places) -> ModelRow:
    kind = cells["loader"]
    checked(path, name, lambda: get_loader(kind))
    given = {key: value for key, value in cells.items() if key not in OWN_COLUMNS}
    settings = read_settings(path, name, given, get_loader(kind).Settings)
    training: tuple[str, int] | None = None
    base_models: tuple[str, ...] = ()
    checkpoint, vectors = given.get("checkpoint", ""), given.get("path", "")
    if checkpoint.startswith(TRAINED_PREFIX):
        training = _training_and_step(path, name, checkpoint)
    elif checkpoint and not checked(path, name, partial(folder_of, checkpoint)):
        place = checked(path, name, lambda: resolve_checkpoint(checkpoint, path.parent))
        if is_local(place) and not checkpoint.startswith(PACKAGE_PREFIX):
            places.check(path, name, Path(place))
        given["checkpoint"] = place
    if vectors.startswith(MODEL_PREFIX):
        base_models = _base_models(path, name, kind, vectors)
    else:
        files = {key: given[key] for key in FILE_SETTINGS if key in given}
        given |= {
            key: checked(path, name, partial(_located, file, path.parent)) for key, file in files.items()
        }
    for key in (*FILE_SETTINGS, "checkpoint"):
        checked(path, name, partial(refuse_braces, given.get(key, "").replace(DATASET_PLACEHOLDER, "")))
    is_target = read_truth(path, name, "target", cells.get("target", "true"))
    public = cells.get("public_name") or (checkpoint if HUB_NAME.fullmatch(checkpoint) else "")
    architecture = cells.get("architecture", "")
    if architecture:
        checked(path, name, partial(check_architecture, architecture))
    return ModelRow(
        name=name,
        kind=kind,
        family=shown_name(cells.get("family", kind)),
        settings=given,
        training=training,
        base_models=base_models,
        is_target=is_target,
        public_name=public,
        architecture=architecture,
        series=_series(path, name, cells),
        version_of=cells.get("version_of", ""),
        is_control=read_truth(path, name, "control", cells.get("control", "false")),
        seed=_seed_of_row(path, name, cells, kind, settings),
    )


def _seed_of_row(path: Path, name: str, cells: Mapping[str, str], kind: str, settings: Settings) -> int:
    """The column `seed`, which only models that are random may have."""
    if "seed" in cells and not get_loader(kind)(settings).is_random:
        raise StudyError(
            f"{path}: row {name!r}: seed is {cells['seed']!r}, but nothing is random in this model; "
            "leave the cell empty"
        )
    return read_count(path, name, "seed", cells.get("seed", "0"))


def _series(path: Path, name: str, cells: Mapping[str, str]) -> tuple[str, int] | None:
    """The columns `series` and `step`."""
    series, step = cells.get("series", ""), cells.get("step", "")
    if not series and not step:
        return None
    if not series or not step.isdigit():
        raise StudyError(
            f"{path}: row {name!r}: series {series!r}, step {step!r}; give both, with a number as step"
        )
    return series, int(step)


def _base_models(path: Path, name: str, kind: str, text: str) -> tuple[str, ...]:
    """The models that `model:NAME` or `model:NAME,NAME` names."""
    names = tuple(part.strip() for part in text.removeprefix(MODEL_PREFIX).split(","))
    if len(names) > 1 and kind != CONCATENATION:
        raise StudyError(f"{path}: row {name!r}: {text!r} names {len(names)} models, but {kind} takes one")
    if len(set(names)) < len(names) or (kind == CONCATENATION and len(names) == 1):
        raise StudyError(f"{path}: row {name!r}: {text!r}; name two or more models, each once")
    return names


def _located(file: str, folder: Path) -> str:
    """A user's file as an absolute path; a made file, one in a package, or a column's name, unchanged."""
    if is_url(file) or folder_of(file):
        return file
    whole = user_path(file, folder)
    is_column = not Path(file).suffix and not whole.exists()
    return file if file.startswith(PACKAGE_PREFIX) or is_column else str(whole)


def refuse_braces(path: str) -> None:
    """Raise StudyError for a path with braces, which Snakemake would read as its own placeholders."""
    found = re.search(r"\{[^{}]*\}", path)
    if found:
        raise StudyError(
            f"the path {path!r} has braces, and Snakemake takes {found[0]} for a placeholder; rename the "
            "file or folder"
        )


def _training_and_step(path: Path, name: str, checkpoint: str) -> tuple[str, int]:
    training, _, step = checkpoint.removeprefix(TRAINED_PREFIX).partition("/")
    if not step.isdigit():
        raise StudyError(f"{path}: row {name!r}: checkpoint {checkpoint!r}; write {TRAINED_PREFIX}NAME/STEP")
    return training, int(step)


def _read_tasks(folder: Path, settings: StudySettings, datasets: dict[str, DatasetRow]) -> dict[str, TaskRow]:
    """The tasks; empty if study.yaml does not name the table and the default file is missing."""
    path = folder / settings.tasks
    is_there = path.exists() or path.is_symlink()  # a broken link does not mean that there are no tasks
    if not is_there and "tasks" not in settings.model_fields_set:
        return {}
    rows = {}
    for name, cells in read_rows(path, "task", ["kind", "dataset"]).items():
        dataset = cells["dataset"]
        if dataset not in datasets:
            raise StudyError(
                f"{path}: row {name!r}: no data set {dataset!r}{did_you_mean(dataset, list(datasets))}"
            )
        own = {key: value for key, value in cells.items() if key not in ("task", "dataset", "information")}
        settings_of_task = read_settings(path, name, own, TaskSettings)
        rows[name] = TaskRow(name, dataset, settings_of_task, cells.get("information", ""))
    return rows


def check_sources(study: Study, plan: bool = False) -> None:
    """Check quickly and offline that data can be read and models can be loaded.

    Args:
        study: the study to check.
        plan: whether nothing will run yet, so that checkpoints from the hub may still be missing.

    Raises:
        StudyError: a data set cannot be read or has too few items, a task's column is missing, a file
            or checkpoint is missing, or a package is not installed.
    """
    path = study.datasets_file
    columns = {
        name: checked(path, name, partial(check_dataset, row.settings, row.name, row.ranked or row.varied))
        for name, row in study.datasets.items()
        if not row.is_standin
    }
    for task in study.tasks.values():
        found = columns.get(task.dataset)
        if found is not None:
            checked(study.tasks_file, task.name, partial(check_task, task.settings, found))
    roles = role_columns(study)
    for model in study.models.values():
        if model.made:
            for folder in set(map(folder_of, model.made.values())):
                checked(study.models_file, model.name, FOLDERS[folder].check)
        elif not (model.training or model.base_models or model.is_standin):
            for dataset in datasets_named_by(model, study):
                settings = model.settings_for(dataset)
                loader = build_loader(model.kind, settings, study.seed_of(model.name), study.settings.device)
                checked(study.models_file, model.name, partial(_check_loader, loader, plan, roles))


def role_columns(study: Study) -> list[str]:
    """The columns that separate queries from documents in the study's tasks, each once."""
    roles = (task.settings.role for task in study.tasks.values() if task.settings.kind == "retrieval")
    return list(dict.fromkeys(roles))


def _check_loader(loader: Loader[Any], plan: bool, role_columns: list[str]) -> None:
    try:
        loader.check()
        for column in role_columns:
            loader.check_roles(column)
    except NotFetchedError:
        if not plan:
            raise


def datasets_named_by(model: ModelRow, study: Study) -> list[str]:
    """All data sets if the model's files differ between them, otherwise the first."""
    varies = any(DATASET_PLACEHOLDER in str(value) for value in model.settings.values())
    return list(study.datasets) if varies else list(study.datasets)[:1]
