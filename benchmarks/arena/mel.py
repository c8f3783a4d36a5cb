"""Power of sound in bands of the mel scale of Slaney 1998, as most speech networks are fed it."""

import numpy as np
import numpy.typing as npt

from suffice.embed.audio_features import mel_filters

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
    return np.asarray(power @ mel_filters(WINDOW, RATE, N_MELS).T)
