"""Write the folder of a new study."""

import csv
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from suffice.data.columns import GROUP, ID, SPLIT
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.modalities.base import Modality
from suffice.data.modalities.registry import get_modality
from suffice.data.modalities.text import TEXT
from suffice.data.readers import content_columns, require_column
from suffice.embed.vector_files import SUFFIXES as VECTOR_SUFFIXES
from suffice.embed.vector_files import names_of_files, split_array
from suffice.errors import StudyError
from suffice.settings import did_you_mean
from suffice.storage.untrusted import suffix_of
from suffice.study.names import why_no_name
from suffice.study.places import folders_outside
from suffice.study.read import check_sources, load_study

MAX_NAME = 100  # characters, as in NAME_PATTERN
FIRST_COLUMNS = ("loader", "family", "checkpoint", "revision")


def write_new_study(
    folder: Path,
    texts: Path,
    models: Sequence[str] | None = None,
    content: str | None = None,
    content_type: str = TEXT.name,
) -> Path:
    """Write study.yaml, models.tsv and datasets.tsv for a file or folder of items and some models.

    If none of the models is untrained, an untrained control is added, which should lose.

    Args:
        folder: the folder to make; its name becomes the study's name.
        texts: file or folder of texts, or of other items.
        models: names from the modality's `models`, hub names, folders of models, or files of vectors; by
            default all of the modality's `models`.
        content: column that holds the items.
        content_type: modality of the items.

    Returns:
        The folder.

    Raises:
        StudyError: the folder exists, a name is malformed, or a model is not of one of these forms.
        DataError: the items cannot be read, or lack the column, or there is no such modality.
    """
    wrong = why_no_name(folder.name)
    if wrong:
        raise StudyError(f"{folder.name!r} {wrong}")
    if folder.exists():
        raise StudyError(f"{folder} exists; choose another name, or edit the existing study")
    modality = get_modality(content_type)
    named = content or modality.content
    settings = DatasetSettings(
        source="file", path=str(texts.absolute()), content=named, content_type=content_type
    )
    columns = list(modality.table(texts).columns)
    for column in content_columns(settings):
        require_column(column, columns, str(texts))
    rows = _model_rows(list(modality.models) if models is None else models, folder, modality)
    title: dict[str, object] = {
        "title": f"Which model carries the most information about {texts.name}?",
        "seed": 0,
    }
    own = [Path(model) for model in models or () if model not in modality.models and Path(model).exists()]
    outside = folders_outside([texts, *own], folder)
    title |= {"outside": outside} if outside else {}
    dataset = {"source": "file", "path": os.path.relpath(texts, folder), "content": content or ""}
    dataset |= {"content_type": content_type} if modality is not TEXT else {}
    dataset |= {name: name for name in (ID, GROUP, SPLIT) if name in columns}
    made = _first_missing(folder)
    try:
        _write_study(folder, title, {name_of(texts.stem): dataset}, rows)
        check_sources(load_study(folder), plan=True)  # checkpoints from a hub may be fetched later
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return folder


def _first_missing(folder: Path) -> Path:
    """The folder, or the topmost folder above it that does not exist either."""
    return next((above for above in reversed(folder.absolute().parents) if not above.exists()), folder)


def _write_study(
    folder: Path,
    title: Mapping[str, object],
    datasets: Mapping[str, Mapping[str, str]],
    models: Mapping[str, Mapping[str, str]],
) -> None:
    """Write the three files of a study."""
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(dict(title), sort_keys=False), encoding="utf-8")
    _write_table(folder / "datasets.tsv", "dataset", datasets)
    _write_table(folder / "models.tsv", "model", models)


def _model_rows(models: Sequence[str], folder: Path, modality: Modality) -> dict[str, Mapping[str, str]]:
    """The rows of models.tsv by name, with an untrained control among them."""
    rows: dict[str, Mapping[str, str]] = {}
    for model in models:
        name, row = _model_row(model, folder, modality)
        if name in rows and "/" in model:
            name = name_of(model)
        if name in rows:
            raise StudyError(f"model {name!r} is named twice; name each model once")
        rows[name] = row
    if len(rows) < 2:
        raise StudyError(f"there is {len(rows)} model; a ranking needs at least 2; name more in --models")
    has_control = any(row.get("control") for row in rows.values())
    return rows if has_control else {**rows, modality.control[0]: modality.control[1]}


def _model_row(model: str, folder: Path, modality: Modality) -> tuple[str, Mapping[str, str]]:
    """Name and row of a model given by a preset's name, a file of vectors, a folder or a hub name."""
    if model in modality.models:
        return model, modality.models[model]
    path = Path(model)
    if suffix_of(split_array(path)[0]) in VECTOR_SUFFIXES and split_array(path)[0].is_file():
        vectors = {"loader": "precomputed", "family": "own vectors", "path": os.path.relpath(path, folder)}
        return name_of(names_of_files([path])[0]), vectors
    if path.is_dir():
        folder_row = {"loader": modality.checkpoint_loader, "checkpoint": os.path.relpath(path, folder)}
        return name_of(path.name), folder_row | {"family": "own models"}
    if re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        owner, name = model.split("/")
        hub_row = {"loader": modality.checkpoint_loader, "family": owner, "checkpoint": model}
        return name_of(name), hub_row
    raise StudyError(
        f"model {model!r} is not a preset, a file of vectors, a folder or a hub name (owner/name)"
        f"{did_you_mean(model, list(modality.models))}"
    )


def name_of(text: str) -> str:
    """The closest allowed name."""
    name = re.sub(r"[^a-z0-9.-]+", "-", text.lower())[:MAX_NAME].strip("-.")
    return name or "texts"


def _write_table(path: Path, key: str, rows: Mapping[str, Mapping[str, str]]) -> None:
    present = dict.fromkeys(column for row in rows.values() for column in row)
    columns = [
        key,
        *(FIRST_COLUMNS if key == "model" else ()),
        *(c for c in present if c not in FIRST_COLUMNS),
    ]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, delimiter="\t", lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows({key: name, **row} for name, row in rows.items())
