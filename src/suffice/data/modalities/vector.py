"""Vectors of numbers as items, such as the states that agents act on."""

from pathlib import Path
from typing import TYPE_CHECKING

from suffice.data.modalities.base import Modality
from suffice.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings

ITEM_DIMS = 2  # of an array of items


class Vector(Modality):
    """Vectors of one width. The content of an item is its numbers as text, in single precision."""

    name = "vector"
    items = "vectors"
    summary = (
        "items are vectors of numbers of one width, such as the states of an environment: the rows of an "
        "array in a .npz file, or texts such as `[0.1, -2.5]` or lists in a column of a table"
    )
    sources = ("file", "datasets")
    read_as = ("vector",)
    views = ("files", "group")
    auto_views = ("files", "group")
    why_no_parts = "part of a vector is not a look at it"
    record = "No ranking of models on such items was compared with tasks in the arena."
    can_settle = False
    checkpoint_loader = "policy"
    models = {}
    control = (
        "untrained-network-64",
        {
            "loader": "policy",
            "family": "untrained control",
            "random_init": "true",
            "target": "false",
            "control": "true",
        },
    )

    def table(self, path: Path) -> "pd.DataFrame":
        """A table or `.npz` file, with the vectors as text."""
        import numpy as np

        from suffice.data.number_lists import text_of
        from suffice.data.readers import read_file
        from suffice.storage.untrusted import UNREADABLE

        if path.suffix.lower() == ".npz":
            try:
                return _npz_table(path)
            except UNREADABLE as error:
                raise DataError(f"{path} cannot be read ({error}); write it again with np.savez") from error
        table = read_file(path)
        for name in table.columns:
            if table[name].map(lambda value: isinstance(value, (list, np.ndarray))).any():
                table[name] = table[name].map(text_of).astype(object)
        return table

    def read(self, settings: "DatasetSettings") -> "tuple[pd.DataFrame, dict[str, int]]":
        """The items of a file."""
        from suffice.data.readers import named_items

        table = self.table(Path(str(settings.path)))
        if table.empty:
            raise DataError(f"{settings.path} has no items; give a data set with at least one")
        content = settings.content or self.content
        return named_items(table, settings.model_copy(update={"content": content})), {}

    def check(self, settings: "DatasetSettings") -> None:
        """Refuse settings of texts, and URLs."""
        if settings.is_remote:
            raise ValueError("vectors are read from this computer; download the file, and give its path")
        if settings.min_chars != 1 or settings.max_chars is not None:
            raise ValueError("min_chars and max_chars are for texts; leave them empty")
        if "," in (settings.content or ""):
            raise ValueError("pairs of vectors are not read; name one column in content")

    def canonical(self, content: "pd.Series", settings: "DatasetSettings") -> "pd.Series":
        """The numbers in single precision; empty for anything else."""
        from suffice.data.number_lists import canonical

        return content.map(lambda text: canonical(str(text))).astype(object)

    def faults(self, content: "pd.Series", settings: "DatasetSettings") -> "dict[str, pd.Series]":
        """Items that are not vectors, and those of another width than most."""
        is_none = content == ""
        widths = content[~is_none].str.count(",")
        usual = widths.mode().iloc[0] if len(widths) else 0
        return {
            "not a vector of numbers": is_none,
            "of another width": ~is_none & (content.str.count(",") != usual),
        }


def _npz_table(path: Path) -> "pd.DataFrame":
    """One row for each vector; arrays of one dimension are labels."""
    import pandas as pd

    from suffice.data.media import labels_in
    from suffice.data.number_lists import text_of
    from suffice.storage.untrusted import names_in_npz, read_from_npz

    arrays = {name: read_from_npz(path, name) for name in names_in_npz(path)}
    lengths = {name: len(array) for name, array in arrays.items() if array.ndim}
    if len(set(lengths.values())) != 1:
        said = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise ValueError(f"its arrays have different lengths: {said}; save one set of vectors per file")
    return pd.DataFrame(
        {
            name: labels_in(array) if array.ndim == 1 else [text_of(row) for row in array]
            for name, array in arrays.items()
            if array.ndim in (1, ITEM_DIMS)
        }
    )


VECTOR = Vector()
