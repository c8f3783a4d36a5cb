"""Which two looks at an item each data set of a study offers, decided before the first job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.look_settings import EMBEDDED, PARTS, SAME, LookChoice, LookSettings
from suffice.errors import StudyError
from suffice.study.model import DatasetRow, Study

TITLES = {
    "group": "two items of one group",
    "halves": "the halves of a text",
    "words": "the words of a text, split at random",
    "crops": "two random crops of an image",
    "segments": "two random parts of a sound",
    "files": "two vectors from files",
}


@dataclass(frozen=True)
class _Obstacle:
    """Why a data set cannot give looks of some kind, and the remedy."""

    why: str
    remedy: str


def with_looks(study: Study) -> Study:
    """The study with the looks of each data set filled in.

    Raises:
        StudyError: a row of datasets.tsv asks for looks that are not possible.
    """
    rows = {name: replace(row, looks=_choice(study, row)) for name, row in study.datasets.items()}
    looked_at = replace(study, datasets=rows)
    _check_estimators(looked_at)
    _check_second_files(looked_at)
    return looked_at


def _check_estimators(study: Study) -> None:
    """Raise StudyError for an estimator that needs two looks if a data set has only one."""
    needing = [
        name
        for name, choice in study.all_estimators.items()
        if choice.build(study.settings.seed, "cpu").needs_two_looks
    ]
    lacking = [name for name in study.compared_datasets if study.datasets[name].looks.kind == SAME]
    if needing and lacking:
        note = study.datasets[lacking[0]].looks.note
        raise StudyError(
            f"{study.datasets_file}: row {lacking[0]!r}: the estimator {needing[0]!r} needs two looks at an "
            f"item{f', but {note}' if note else '; set views'}"
        )


def _check_second_files(study: Study) -> None:
    """Raise StudyError for files of second looks that no data set uses."""
    given = [name for name, row in study.models.items() if "second_path" in row.settings]
    if given and all(row.looks.kind != "files" for row in study.datasets.values()):
        lacking = [name for name in study.models if not study.has_second_file(name)]
        why = f"{', '.join(lacking)} gives none" if lacking else "no data set has views files"
        raise StudyError(
            f"{study.models_file}: row {given[0]!r}: second_path has no effect because {why}; fill in the "
            "column for every model and set views to files, or leave it empty"
        )


def _choice(study: Study, row: DatasetRow) -> LookChoice:
    wanted = row.look_settings
    is_used = row.ranked or row.varied
    if not is_used and wanted != LookSettings():
        raise StudyError(
            f"{study.datasets_file}: row {row.name!r}: views and max_look_pairs are only for data sets with "
            "a ranking; leave them empty, or set ranked to true"
        )
    if not is_used or wanted.views == "none":
        return LookChoice()
    if wanted.views == "auto":
        return _best(study, row)
    obstacle = _obstacle(study, row, wanted.views)
    if obstacle is not None:
        where = f"{study.datasets_file}: row {row.name!r}: views {wanted.views}"
        raise StudyError(f"{where}: {obstacle.why}; {obstacle.remedy}")
    return LookChoice(wanted.views, max_pairs=wanted.max_look_pairs)


def _best(study: Study, row: DatasetRow) -> LookChoice:
    """The result of `auto`: looks from files, from groups, from parts of items, or one look."""
    limit = row.look_settings.max_look_pairs
    obstacle = None
    for views in row.settings.modality.auto_views:
        obstacle = _obstacle(study, row, views)
        if obstacle is None:
            return LookChoice(views, is_wish=True, max_pairs=limit)
    if obstacle is None or not row.settings.modality.one_look_note:
        return LookChoice()
    return LookChoice(note=f"views auto gives one look: {obstacle.why}; {obstacle.remedy}")


def _obstacle(study: Study, row: DatasetRow, views: str) -> _Obstacle | None:
    modality = row.settings.modality
    if views in modality.views:
        return OBSTACLES[views](study, row)
    why = modality.why_no_parts or f"{modality.items} do not offer such looks"
    return _Obstacle(why, f"set views to {', '.join(modality.views)} or none")


def has_groups(study: Study, settings: DatasetSettings) -> bool:
    """Whether the row of a data set gives groups of items."""
    if settings.parts:
        return any(has_groups(study, study.datasets[part].settings) for part in settings.parts)
    is_pairs = "," in (settings.content or "")
    makes_groups = settings.modality.makes_groups(settings)
    return settings.source == "api-docs" or bool(settings.group) or makes_groups or is_pairs


def _groups_obstacle(study: Study, row: DatasetRow) -> _Obstacle | None:
    if has_groups(study, row.settings):
        return None
    others = [views for views in ("halves", "crops", "segments") if views in row.settings.modality.views]
    return _Obstacle(
        "the row names no groups",
        f"fill in the column group, or set views to {' or '.join([*others, 'none'])}",
    )


def _parts_obstacle(study: Study, row: DatasetRow) -> _Obstacle | None:
    fixed = [name for name in study.models if not study.embeds_new_items(name)]
    if not fixed:
        return None
    return _Obstacle(
        f"{_named(fixed)} vectors of the data set's items alone, and cannot embed parts of them",
        "fill in the column group (views group) or second_path (views files), or leave these models out",
    )


def _files_obstacle(study: Study, row: DatasetRow) -> _Obstacle | None:
    others = [name for name in study.models if not study.has_second_file(name)]
    if not others:
        return None
    return _Obstacle(
        f"{', '.join(others)} has no second vectors of the items",
        "fill in the column second_path for every model, or set views to another kind",
    )


def _named(models: Sequence[str]) -> str:
    return f"{', '.join(models)} {'has' if len(models) == 1 else 'have'}"


OBSTACLES: dict[str, Callable[[Study, DatasetRow], _Obstacle | None]] = {
    "group": _groups_obstacle,
    "files": _files_obstacle,
    **dict.fromkeys(PARTS, _parts_obstacle),
}


def note_on_looks(row: DatasetRow, manifest: Mapping[str, Any] | None) -> str:
    """A note for readers on the looks behind a ranking; empty if nothing is notable.

    Args:
        row: the data set.
        manifest: the looks that were found, see `suffice.data.look_pairs`; None if none were requested.
    """
    if manifest is not None and manifest["looks"] != SAME:
        left_out = [f"{count:,} {reason}" for reason, count in manifest["left_out"].items()]
        pairs = f"{manifest['n_pairs']:,} pairs in {manifest['n_groups']:,} groups"
        without = f"; without {', '.join(left_out)}" if left_out else ""
        return f"Source and target see two looks at an item, {TITLES[manifest['looks']]}: {pairs}{without}."
    known = row.settings.modality.one_look_note
    if not known:
        return ""
    why = row.looks.note if manifest is None else manifest["note"]
    said = f"This ranking uses one look at each item, {known}"
    return f"{said}: {why}." if why else f"{said}; see `views` in datasets.tsv."


def has_embedded_looks(row: DatasetRow) -> bool:
    """Whether models embed looks of a data set in addition to its items."""
    return row.looks.kind in EMBEDDED
