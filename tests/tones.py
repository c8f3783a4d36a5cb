"""Synthetic sounds of a few kinds, which differ in timbre and not in loudness over time."""

import numpy as np

RATE = 16_000
HARMONICS = ((1, 0.5, 0.25), (1, 0, 0.6, 0, 0.4), (0.3, 1, 0, 0.8), (1,))  # of the kinds


def tone(seed, kind, seconds=0.5, rate=RATE):
    """A tone of a kind, at a random pitch, with random swells and some noise; float32."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    pitch = generator.uniform(180, 260)
    waves = sum(
        size * np.sin(2 * np.pi * pitch * (number + 1) * time) for number, size in enumerate(HARMONICS[kind])
    )
    swell = 1 + 0.9 * np.sin(2 * np.pi * generator.uniform(1, 6) * time + generator.uniform(0, 7))
    noise = generator.normal(scale=0.02, size=len(time))
    return (0.1 * generator.uniform(0.3, 2) * swell * waves / np.linalg.norm(HARMONICS[kind]) + noise).astype(
        np.float32
    )
