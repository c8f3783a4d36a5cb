"""How libsndfile reads one sound, and how its rate is changed."""

import io
from collections.abc import Callable
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from suffice.data.media_files import MediaFiles, Part, Source
from suffice.data.modalities.media import Seen
from suffice.storage.untrusted import UNREADABLE

if TYPE_CHECKING:
    from soundfile import SoundFile

    from suffice.data.modalities.sound import SoundSettings

Floats = npt.NDArray[np.float32]

BEGINNINGS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3")
"""First bytes of the files that are read (MP3 also begins with a frame). Other parsers are not reached."""
MP3_SYNC = 0xFFE0  # the bits that the first two bytes of a frame have
UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # in the header of a WAV file that was written as a stream
RATES, MAX_CHANNELS = (1_000, 768_000), 64  # samples per second
SIXTEEN_BITS = 32_768  # what a sample of 1.0 is as an integer
SILENT = 1e-4  # largest distance from the mean of a sound that is silent: 80 decibels below full scale
CORRUPT, EMPTY, SHORT, QUIET = "corrupt", "empty", "too short", "silent"
MIXED = "several channels, which are averaged"


class Sound:
    """One channel of samples.

    Args:
        samples: float32, shape (n_samples,), mostly between -1 and 1.
        rate: samples per second.
    """

    def __init__(self, samples: Floats, rate: int) -> None:
        self.samples, self.rate = samples, rate

    def at(self, rate: int) -> Floats:
        """The samples at another rate, through a low-pass filter (Kaiser window), shape (n_samples,)."""
        if rate == self.rate:
            return self.samples
        from scipy.signal import resample_poly

        common = gcd(rate, self.rate)
        made = resample_poly(self.samples.astype(np.float64), rate // common, self.rate // common)
        return np.asarray(made, dtype=np.float32)


class SoundFiles(MediaFiles[Sound]):
    """Sounds of one channel. A part is its first sample, the one after its last, and the rate of samples."""

    name, one, items = "sound", "sound", "sounds"

    def opened(self, source: Source, part: Part | None) -> Sound:
        """The samples of a part; a sound of a corpus always has one."""
        start, stop, rate = part or (0, 0, 0)
        if isinstance(source, bytes):
            with _file(source) as file:
                file.seek(start)
                return Sound(_one_channel(file.read(stop - start, dtype="float32", always_2d=True)), rate)
        return Sound(_as_float(source[start:stop]), rate)


def _file(source: bytes) -> "SoundFile":
    """A sound that is open.

    Raises:
        ValueError: it is not one of the formats that are read, or ends too early; or another error of
            `UNREADABLE`.
    """
    import soundfile

    is_frame = len(source) > 1 and int.from_bytes(source[:2]) & MP3_SYNC == MP3_SYNC
    if not (is_frame or source.startswith(BEGINNINGS)):
        raise ValueError("it is not a WAV, FLAC, OGG or MP3 file")
    size = int.from_bytes(source[4:8], "little")
    if source.startswith(b"RIFF") and size not in UNKNOWN_SIZES and size > len(source) - 8:
        raise ValueError(f"it ends after {len(source):,} bytes, but its header says {size + 8:,}")
    return soundfile.SoundFile(io.BytesIO(source))


def _one_channel(samples: Floats) -> Floats:
    """The mean of the channels, from shape (n_samples, n_channels) to (n_samples,)."""
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)


def _as_float(samples: npt.NDArray[np.generic]) -> Floats:
    """Samples of 16 bits as numbers between -1 and 1, others as they are."""
    full = np.float32(SIXTEEN_BITS if samples.dtype == np.int16 else 1)
    return np.asarray(samples.astype(np.float32) / full, dtype=np.float32)


def inspector(settings: "SoundSettings", rate: int) -> Callable[[Source], Seen]:
    """A function that reads a sound as far as it is used, and says what is wrong with it.

    Args:
        settings: the shortest and the longest length.
        rate: samples per second of sounds without a header.
    """

    def look(source: Source) -> Seen:
        try:
            if not isinstance(source, bytes):
                return _seen(source.shape[0], rate, 1, settings, lambda n: _as_float(source[:n]))
            with _file(source) as file:
                return _seen(
                    file.frames,
                    file.samplerate,
                    file.channels,
                    settings,
                    lambda n: _one_channel(file.read(n, dtype="float32", always_2d=True)),
                )
        except UNREADABLE:
            return Seen(CORRUPT)

    return look


def _seen(
    n_samples: int, rate: int, n_channels: int, settings: "SoundSettings", read: Callable[[int], Floats]
) -> Seen:
    """What is to be said of a sound with this header, whose first samples `read` gives."""
    if n_samples == 0:
        return Seen(EMPTY)
    if not RATES[0] <= rate <= RATES[1] or n_channels > MAX_CHANNELS:
        return Seen(CORRUPT)
    if n_samples < settings.min_seconds * rate:
        return Seen(SHORT)
    n_used = min(n_samples, round(settings.max_seconds * rate))
    samples = read(n_used)
    if len(samples) < n_used or not np.isfinite(samples).all():
        return Seen(CORRUPT)
    if np.abs(samples - samples.mean()).max() < SILENT:
        return Seen(QUIET)
    long = f"more than {settings.max_seconds:g} seconds, of which the first are used"
    changes = [MIXED] * (n_channels > 1) + [long] * (n_samples > n_used)
    return Seen(changes=changes, part=(0, n_used, rate))
