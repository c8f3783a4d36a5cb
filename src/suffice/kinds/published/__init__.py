"""Numbers recomputed from the tables that Darrin et al. (NeurIPS 2024, arXiv 2406.07640) published."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from suffice.kinds.kind import Kind

if TYPE_CHECKING:
    from suffice.kinds.published.study import PublishedSettings


class Published(Kind):
    """Published numbers beside recomputed ones."""

    name = "published"
    summary = "The study recomputes numbers of a paper from the tables beside its `study.yaml`."

    def load(self, folder: Path, overrides: Mapping[str, Any]) -> "PublishedSettings":
        """Read and check the settings of a study of published numbers."""
        from suffice.kinds.published.study import load_published

        return load_published(folder, overrides)

    def settings(self) -> type[BaseModel]:
        """The keys of study.yaml."""
        from suffice.kinds.published.study import PublishedSettings

        return PublishedSettings


KIND = Published()
