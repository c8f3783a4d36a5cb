"""The study of embeddings: which model carries the most information about a data set."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from suffice.kinds.kind import Kind

if TYPE_CHECKING:
    from suffice.study.fetch import Fetched
    from suffice.study.model import Study


class Embeddings(Kind):
    """Embedding models on data sets: the default kind of study."""

    name = "embeddings"
    summary = "Ranks embedding models by the information that they carry about data sets."

    def load(self, folder: Path, overrides: Mapping[str, Any]) -> "Study":
        """Read and check a study of embeddings."""
        from suffice.study.read import load_study

        return load_study(folder, overrides)

    def settings(self) -> type[BaseModel]:
        """The keys of study.yaml."""
        from suffice.study.model import StudySettings

        return StudySettings

    def manual(self) -> str:
        """Its part of the manual."""
        from suffice.kinds.embeddings.manual import manual

        return manual()

    def tables(self) -> Mapping[str, type[BaseModel]]:
        """The settings in the rows of each table, of each loader, and of each estimator."""
        from suffice.kinds.embeddings.manual import tables

        return tables()

    def fetch(self, folder: Path) -> Iterable["Fetched"]:
        """Fetch each model and data set that comes from the hub or by URL."""
        from suffice.study.fetch import fetch_study

        return fetch_study(self.load(folder, {}))

    def rules(self, root: Path) -> Path:
        """The rules of the main pipeline."""
        return root / "rules" / "kinds" / "embeddings.smk"

    def scripts(self, root: Path) -> Path:
        """The scripts of the main pipeline."""
        return root / "scripts"


KIND = Embeddings()
