"""Vectors of sounds without a trained network: log-mel and MFCC statistics, loudness, and the waveform."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from suffice.data.sound_files import Sound, SoundFiles
from suffice.embed.media_features import FeatureSettings, Floats, MediaFeatures

WINDOW_SECONDS, HOP_SECONDS = 0.025, 0.01
N_MELS, N_CEPSTRA = 64, 20  # bands; coefficients
N_PARTS, N_POINTS = 32, 1024  # equal parts of a sound's time; points of its waveform
FLOOR = 1e-10  # lowest power; a sound at full scale has about 1
LINEAR_HERTZ, MELS_BELOW, LOG_STEP = 1000.0, 15.0, 27.0 / np.log(6.4)  # of the mel scale


class AudioFeaturesSettings(FeatureSettings):
    """Settings of kind `audio_features`."""

    features: Literal["log_mel", "mfcc", "loudness", "waveform"] = Field(
        "log_mel",
        description=f"log_mel: mean and standard deviation over time of the log power in {N_MELS} mel bands; "
        f"mfcc: the same of the first {N_CEPSTRA} cepstral coefficients, and of their changes from frame to "
        f"frame; loudness: log power in {N_PARTS} equal parts of the sound's time, whatever its pitch; "
        f"waveform: {N_POINTS} samples at equal distances in time",
    )
    rate: int = Field(
        16_000, ge=4_000, le=96_000, description="samples per second that sounds are brought to"
    )


class AudioFeatures(MediaFeatures[AudioFeaturesSettings]):
    """Features of sounds that need no weights."""

    kind = "audio_features"
    reads = "sound"
    Settings = AudioFeaturesSettings
    libraries = ("numpy", "scipy", "soundfile")
    files = SoundFiles

    def features_of(self, item: Sound) -> Floats:
        """Features of a sound, shape (n_features,)."""
        name, rate = self.settings.features, self.settings.rate
        samples = item.at(rate).astype(np.float64)
        if name in IN_TIME:
            return IN_TIME[name](samples)
        log_mel = log_mel_power(samples, rate)
        if name == "log_mel":
            return moments(log_mel)
        cepstra = mel_cepstra(log_mel)
        steps = np.diff(cepstra, axis=0) if len(cepstra) > 1 else np.zeros_like(cepstra)
        return np.concatenate([moments(cepstra), moments(steps)])


def moments(frames: npt.NDArray[Any]) -> Floats:
    """Mean and standard deviation over time, from shape (n_frames, n_bands) to (2 n_bands,)."""
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)]).astype(np.float32)


def log_mel_power(samples: npt.NDArray[Any], rate: int) -> npt.NDArray[Any]:
    """Natural logarithm of the power in mel bands every 10 ms, shape (n_frames, 64)."""
    return np.log(np.maximum(mel_power(samples, rate, N_MELS), FLOOR))


def mel_power(samples: npt.NDArray[Any], rate: int, n_mels: int) -> npt.NDArray[Any]:
    """The power in mel bands every 10 ms, shape (n_frames, n_mels).

    Frames have 25 ms under a Hann window; the first and the last are centred on the ends of the sound, which
    is padded with zeros.
    """
    size, hop = round(WINDOW_SECONDS * rate), round(HOP_SECONDS * rate)
    padded = np.pad(samples, size // 2)
    padded = np.pad(padded, (0, max(0, size - len(padded))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    hann = np.hanning(size + 1)[:-1]
    power = np.abs(np.fft.rfft(frames * hann)) ** 2
    return np.asarray(power @ mel_filters(size, rate, n_mels).T)


@cache
def mel_filters(size: int, rate: int, n_mels: int) -> npt.NDArray[Any]:
    """Triangles of unit area between points that are equally far apart in mel, (n_mels, size // 2 + 1).

    Source: Slaney 1998, Auditory Toolbox, technical report 1998-010, Interval Research Corporation.
    """
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    corners = from_mel(np.linspace(0, to_mel(rate / 2), n_mels + 2))
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


def to_mel(hertz: float) -> float:
    """A frequency on the mel scale of Slaney 1998: linear below 1,000 Hz, logarithmic above."""
    if hertz < LINEAR_HERTZ:
        return hertz * MELS_BELOW / LINEAR_HERTZ
    return MELS_BELOW + LOG_STEP * float(np.log(hertz / LINEAR_HERTZ))


def from_mel(mels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The inverse of `to_mel`."""
    above = LINEAR_HERTZ * np.exp((mels - MELS_BELOW) / LOG_STEP)
    return np.where(mels < MELS_BELOW, mels * LINEAR_HERTZ / MELS_BELOW, above)


def mel_cepstra(log_mel: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The first coefficients of the orthonormal cosine transform (DCT-II) of each frame, (n_frames, 20)."""
    from scipy.fft import dct

    return np.asarray(dct(log_mel, type=2, norm="ortho", axis=1)[:, :N_CEPSTRA])


def loudness(samples: npt.NDArray[Any]) -> Floats:
    """Logarithm of the mean power in equal parts of the sound's time, shape (32,)."""
    parts = np.array_split(samples, N_PARTS)
    power = [np.mean(part**2) if len(part) else 0.0 for part in parts]
    return np.log(np.maximum(power, FLOOR)).astype(np.float32)


def waveform(samples: npt.NDArray[Any]) -> Floats:
    """Samples at equal distances in time, shape (1024,)."""
    points = np.linspace(0, len(samples) - 1, N_POINTS).astype(np.int64)
    return samples[points].astype(np.float32)


IN_TIME: dict[str, Callable[[npt.NDArray[Any]], Floats]] = {"loudness": loudness, "waveform": waveform}
