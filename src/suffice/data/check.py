"""What can be told of a data set before any job starts."""

from collections.abc import Sequence

from suffice.data.build import cleaned, too_few
from suffice.data.corpus import REQUIRED_COLUMNS
from suffice.data.dataset_settings import DatasetSettings
from suffice.data.docstrings import LABEL_COLUMNS, package_versions
from suffice.data.readers import read_items
from suffice.errors import DataError


def check_dataset(settings: DatasetSettings, name: str) -> Sequence[str] | None:
    """Read a data set as `build_corpus` will, without writing anything.

    Args:
        settings: the data set; its path is absolute.
        name: what the messages call it.

    Returns:
        The columns that its corpus will have; None for a hub data set, which is read in its own job.

    Raises:
        DataError: a file or column is missing, the source cannot be read, or too few items remain.
    """
    if settings.source == "hub":
        return None
    if settings.source == "api-docs":
        package_versions()
        return [*REQUIRED_COLUMNS, *LABEL_COLUMNS]
    items = read_items(settings)
    n_read = len(items)
    items, dropped = cleaned(items, settings)
    if len(items) < settings.min_items:
        raise DataError(too_few(name, len(items), n_read, settings.min_items, dropped))
    return list(dict.fromkeys([*REQUIRED_COLUMNS, *items.columns]))
