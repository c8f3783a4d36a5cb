"""Sounds as items."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from suffice.data.modalities.media import Media, Seen
from suffice.errors import DataError
from suffice.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from suffice.data.dataset_settings import DatasetSettings
    from suffice.data.media_files import Source
    from suffice.data.sound_files import SoundFiles

FEATURES = {"loader": "audio_features"}
SAMPLES_DIMS = 2  # of an array of sounds: items and samples
SAMPLES = ("float32", "float64", "int16")
RATE = "sample_rate"


class SoundSettings(Settings):
    """Columns of datasets.tsv for sounds only."""

    max_seconds: float = Field(
        10.0, gt=0, le=600, description="of longer sounds only this many seconds at their beginning are used"
    )
    min_seconds: float = Field(0.1, ge=0.01, description="shortest sound kept, in seconds")
    sample_rate: int | None = Field(
        None,
        ge=1_000,
        le=768_000,
        description="samples per second of arrays in a .npz file; by default the number `sample_rate` in it",
    )

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> Self:
        if self.max_seconds < self.min_seconds:
            raise ValueError(
                f"max_seconds ({self.max_seconds:g}) is smaller than min_seconds ({self.min_seconds:g})"
            )
        return self


class Sound(Media):
    """Sounds, read by libsndfile.

    With two looks both estimators together agree best with tasks in the one pool that was measured, see
    docs/method.md.
    """

    name = "sound"
    one = "sound"
    items = "sounds"
    summary = (
        "items are sounds, in a folder (its sub-folders become the column label), in the column `path` of a "
        "table (relative to it), as bytes in a column of a .parquet file, or as arrays in a .npz file"
    )
    suffixes = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3")
    Settings = SoundSettings
    packages = ("soundfile",)
    module, extra, limit = "soundfile", "sound", "min_seconds and max_seconds"
    read_as = ("sound",)
    views = ("files", "group", "segments")
    auto_views = ("files", "group", "segments")
    one_look_note = "which was weaker than two looks in the one pool of speech that was measured"
    estimators_of_looks = ("linear", "neighbours")
    record = (
        "On one pool of speech models with labelled tasks, the ranking by two looks agreed with the tasks at "
        "a rank correlation of 0.92, the ranking by one look at 0.73."
    )
    checkpoint_loader = "audio_model"
    models = {
        "log-mel": FEATURES | {"family": "log-mel"},
        "log-mel-pca-32": FEATURES | {"family": "log-mel", "n_components": "32"},
        "mfcc": FEATURES | {"family": "mfcc", "features": "mfcc"},
        "loudness": FEATURES | {"family": "loudness", "features": "loudness"},
    }
    control = (
        "untrained-projection-32",
        FEATURES
        | {
            "family": "untrained control",
            "features": "waveform",
            "n_components": "32",
            "reduction": "random_projection",
            "target": "false",
            "control": "true",
        },
    )
    """The waveform under a random projection: nothing is trained, and no download is needed."""

    def check(self, settings: "DatasetSettings") -> None:
        """Also refuse a rate for files that state their own."""
        super().check(settings)
        is_packed = Path(str(settings.path)).suffix.lower() == ".npz"
        if SoundSettings(**settings.modality_settings).sample_rate is not None and not is_packed:
            raise ValueError(f"{RATE} is for arrays in a .npz file; other files state their own rate")

    def files(self, root: Path) -> "SoundFiles":
        """The sounds below a root."""
        from suffice.data.sound_files import SoundFiles

        return SoundFiles(root)

    def are_items(self, name: str, array: "np.ndarray") -> bool:
        """Whether an array contains sounds; ValueError if its numbers are not samples."""
        if array.ndim != SAMPLES_DIMS:
            return False
        if array.dtype not in SAMPLES:
            raise ValueError(
                f"the array {name} is of {array.dtype}; save sounds as {', '.join(SAMPLES)}, floats from -1 "
                "to 1"
            )
        return True

    def inspector(self, settings: "DatasetSettings") -> "Callable[[Source], Seen]":
        """A function that reads a sound as far as it is used."""
        from suffice.data.sound_files import inspector

        own = SoundSettings(**settings.modality_settings)
        return inspector(own, _rate_of_arrays(Path(str(settings.path)), own))


def _rate_of_arrays(path: Path, settings: SoundSettings) -> int:
    """Samples per second of the arrays in a `.npz` file; 0 for any other file, which states its own."""
    from suffice.data.media import number_in_npz
    from suffice.data.sound_files import RATES

    if path.suffix.lower() != ".npz":
        return 0
    inside = number_in_npz(path, RATE)
    if settings.sample_rate is None and inside is None:
        raise DataError(
            f"{path}: the rate of its sounds is unknown; fill in the column {RATE} of datasets.tsv, or save "
            f"it in the file: np.savez(..., {RATE}=16000)"
        )
    if settings.sample_rate is not None and inside not in (None, settings.sample_rate):
        raise DataError(
            f"{path} says that its {RATE} is {inside:g}, but datasets.tsv says {settings.sample_rate}; "
            "correct one"
        )
    rate = settings.sample_rate or inside or 0
    if rate != int(rate) or not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"{path}: {RATE} is {rate:g}; give whole samples per second from {RATES[0]:,} on")
    return int(rate)


SOUND = Sound()
