"""Channels with known truth, and the results of estimators on them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from suffice.kinds.kind import Kind

if TYPE_CHECKING:
    from suffice.kinds.calibration.study import CalibrationStudy


class Calibration(Kind):
    """Compare estimators with known truth."""

    name = "calibration"
    summary = "Compares estimators on channels with known mutual information."

    def load(self, folder: Path, overrides: Mapping[str, Any]) -> "CalibrationStudy":
        """Read and check a calibration study."""
        from suffice.kinds.calibration.study import load_calibration

        return load_calibration(folder, overrides)

    def settings(self) -> type[BaseModel]:
        """The keys of study.yaml."""
        from suffice.kinds.calibration.settings import CalibrationSettings

        return CalibrationSettings

    def manual(self) -> str:
        """Its part of the manual."""
        from suffice.kinds.calibration.manual import manual

        return manual()


KIND = Calibration()
