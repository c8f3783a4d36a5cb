"""Power of sound in bands of the mel scale of Slaney 1998, as most speech networks are fed it."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
RATE = 16_000  # samples per second
WINDOW, HOP, N_MELS = 400, 160, 40  # samples, samples, bands


def frames(clips: Floats, size: int, hop: int) -> Floats:
    """Windows of a clip, shape (n_clips, n_frames, size)."""
    return np.lib.stride_tricks.sliding_window_view(clips, size, axis=1)[:, ::hop]


def mel_power(clips: Floats) -> Floats:
    """Power in 40 mel bands every 10 ms, shape (n_clips, n_frames, 40)."""
    padded = np.pad(clips, ((0, 0), (WINDOW // 2, WINDOW // 2)))
    hann = np.hanning(WINDOW + 1)[:-1]
    power = np.abs(np.fft.rfft(frames(padded, WINDOW, HOP) * hann)) ** 2
    return np.asarray(power @ mel_filters().T)


def mel_filters() -> Floats:
    """Triangles of unit area between points equal on the mel scale of Slaney 1998; shape (40, 201)."""
    frequencies = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    corners = from_mel(np.linspace(0, to_mel(RATE / 2), N_MELS + 2))
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low))


def to_mel(hertz: float) -> float:
    """Linear below 1,000 Hz, logarithmic above."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)  # noqa: PLR2004


def from_mel(mel: Floats) -> Floats:
    """The inverse of `to_mel`."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))  # noqa: PLR2004
