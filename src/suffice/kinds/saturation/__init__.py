"""Language models with equal test loss: formal languages, small models, and how their behaviour differs.

After Reizinger et al., ICML 2024 (arXiv 2405.01964).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from suffice.kinds.kind import Kind

if TYPE_CHECKING:
    from suffice.kinds.saturation.study import SaturationStudy


class Saturation(Kind):
    """Networks with the same test loss."""

    name = "saturation"
    summary = "Trains small language models to the same test loss and compares their behaviour."

    def load(self, folder: Path, overrides: Mapping[str, Any]) -> "SaturationStudy":
        """Read and check a study of equal test loss."""
        from suffice.kinds.saturation.study import load_saturation

        return load_saturation(folder, overrides)

    def settings(self) -> type[BaseModel]:
        """The keys of study.yaml."""
        from suffice.kinds.saturation.settings import SaturationSettings

        return SaturationSettings

    def manual(self) -> str:
        """Its part of the manual."""
        from suffice.kinds.saturation.manual import manual

        return manual()


KIND = Saturation()
