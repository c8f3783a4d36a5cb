"""A study whose checkpoints and data from the hub are replaced by tiny generated ones.

It tests the whole workflow, from data sets to the page, without a network. Its numbers mean nothing, so its
results are in a separate folder and its title says so.
"""

from dataclasses import replace

from suffice.embed.checkpoint_places import HUB_NAME, is_local, resolve_checkpoint
from suffice.embed.standin import check_architecture
from suffice.errors import ModelError, StudyError
from suffice.study.model import DatasetRow, ModelRow, Study

SUFFIX = "-standins"
NOTE = "STAND-INS: tiny random checkpoints and other texts; the numbers mean nothing"
OF_REAL_CHECKPOINT = (
    "checkpoint", "revision", "sha256", "trust_remote_code", "dtype", "prompt_name", "truncate_dim",
    "max_seq_length", "max_length", "layer",
)  # fmt: skip
WITHOUT_STANDIN = ("onnx", "static")
OF_REAL_DATASET = ("name", "hub_split", "revision", "first_items", "max_items", "min_items")
MIN_ITEMS = 50


def with_standins(study: Study) -> Study:
    """The study with a stand-in for everything from the hub.

    Raises:
        StudyError: a row with a checkpoint from the hub has no architecture.
    """
    name = study.name + SUFFIX
    models = {row.name: _model(study, row) for row in study.models.values()}
    datasets = {row.name: _dataset(name, row) for row in study.datasets.values()}
    settings = study.settings.model_copy(update={"title": f"{study.settings.title} ({NOTE})"})
    return replace(study, name=name, settings=settings, models=models, datasets=datasets)


def place_of_data(results: str, dataset: str) -> str:
    """Path of the table of a data set's stand-in, within the working folder."""
    return f"{results}/standins/data/{dataset}.parquet"


def place_of_checkpoint(results: str, model: str) -> str:
    """Path of a model's stand-in, within the working folder."""
    return f"{results}/standins/checkpoints/{model}"


def labels_of(study: Study, dataset: str) -> dict[str, bool]:
    """Columns of labels that tasks read from a data set, and whether they hold numbers."""
    tasks = [task.settings for task in study.tasks.values() if task.dataset == dataset]
    numeric = ("regression", "similarity", "representational_similarity")
    return {task.label: task.kind in numeric for task in tasks if task.label is not None}


def _model(study: Study, row: ModelRow) -> ModelRow:
    checkpoint = str(row.settings.get("checkpoint", ""))
    if row.training or not checkpoint or not HUB_NAME.fullmatch(checkpoint):
        return row
    if is_local(resolve_checkpoint(checkpoint, study.folder)):
        return row
    if row.kind in WITHOUT_STANDIN:
        raise StudyError(
            f"{study.models_file}: row {row.name!r}: there are no stand-ins for models of kind {row.kind}; "
            "give a local folder, or leave the row out"
        )
    try:
        check_architecture(row.architecture)
    except ModelError as error:
        message = f"row {row.name!r}: offline_standins needs the column architecture: {error}"
        raise StudyError(f"{study.models_file}: {message}") from None
    kept = {key: value for key, value in row.settings.items() if key not in OF_REAL_CHECKPOINT}
    return replace(row, settings=kept, is_standin=True)


def _dataset(name: str, row: DatasetRow) -> DatasetRow:
    settings = row.settings
    given = settings.model_dump(exclude_unset=True, exclude=set(OF_REAL_DATASET))
    if settings.source == "hub":
        given |= {"source": "file", "path": place_of_data(f"results/{name}", row.name)}
    elif not settings.parts:
        return row
    return replace(
        row,
        settings=type(settings)(**given, min_items=MIN_ITEMS),
        is_standin=settings.source == "hub",
        looks=replace(row.looks, is_wish=True),  # a stand-in has few items
    )
