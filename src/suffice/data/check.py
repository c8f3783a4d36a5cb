"""Checks of a data set before any job starts."""

from collections import Counter
from collections.abc import Sequence

from suffice.data.build import (
    PART,
    check_storable,
    cleaned,
    too_few,
    with_local_file,
    without_nested_columns,
)
from suffice.data.columns import GROUP, REQUIRED_COLUMNS
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.docstrings import LABEL_COLUMNS, package_versions
from suffice.data.made.base import Maker
from suffice.data.made.registry import maker_of
from suffice.errors import DataError

MIN_RANKED_ITEMS = 50
MIN_RANKED_GROUPS = 10


def check_dataset(settings: DatasetSettings, name: str, ranked: bool) -> Sequence[str] | None:
    """Read a data set as `build_corpus` will, without writing anything.

    Args:
        settings: the data set; its path is absolute.
        name: name of the data set in messages.
        ranked: whether models will be ranked on it, which needs more items and groups.

    Returns:
        The columns that its corpus will have; None for a hub data set, which is read in its own job.

    Raises:
        DataError: a file or column is missing, the source cannot be read, or too few items remain.
    """
    if settings.source == "hub":
        return None
    if settings.source == "datasets":
        return [*REQUIRED_COLUMNS, PART]
    if settings.source == "api-docs":
        package_versions()
        return [*REQUIRED_COLUMNS, *LABEL_COLUMNS]
    maker = maker_of(settings.path)
    if maker is not None:
        check_made(settings, maker)
        return [*REQUIRED_COLUMNS, *maker.columns]
    local = with_local_file(settings)
    items, left_out = local.modality.read(local)
    n_read = len(items) + sum(left_out.values())
    items, _ = without_nested_columns(items)
    check_storable(items)
    items, dropped = cleaned(items, settings)
    dropped = dict(Counter(left_out) + Counter(dropped))
    items = items.head(settings.first_items or len(items))
    if len(items) < settings.min_items:
        raise DataError(too_few(name, len(items), n_read, settings.min_items, dropped))
    n_groups = items[GROUP].nunique() if GROUP in items else len(items)
    if ranked and (len(items) < MIN_RANKED_ITEMS or n_groups < MIN_RANKED_GROUPS):
        raise DataError(
            f"{len(items)} items in {n_groups} groups are too few to rank models on: at least "
            f"{MIN_RANKED_ITEMS} items and {MIN_RANKED_GROUPS} groups are needed"
        )
    return list(dict.fromkeys([*REQUIRED_COLUMNS, *items.columns]))


def check_made(settings: DatasetSettings, maker: Maker) -> None:
    """Check that a data set can be made, without making it.

    Raises:
        DataError: the row names another content type or column of items, or something is not installed.
    """
    modality = settings.modality
    if modality.name != maker.content_type:
        raise DataError(
            f"{settings.path} makes items of the content type {maker.content_type}, but content_type is "
            f"{modality.name}; correct it"
        )
    if settings.content not in (None, maker.content):
        raise DataError(
            f"{settings.path} keeps its {modality.items} in {maker.content!r}, but content is "
            f"{settings.content!r}; leave it empty"
        )
    modality.check_reader()
    maker.check()
