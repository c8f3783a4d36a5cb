"""Numbers spoken by espeak-ng, which runs as a process of its own, with noise.

A clip is 1.6 seconds at 16 kHz.
"""

import io
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from suffice.data.made.base import Arrays, Maker, Program, roles
from suffice.seeds import derive_seed

Clip = npt.NDArray[np.float32]
RATE = 16_000  # samples per second
CLIP_SAMPLES = 25_600  # 1.6 s
LEVEL = 0.05  # root mean square of the speech in a clip
NOISE_DECIBELS = (5.0, 40.0)  # speech over noise
N_CLIPS = 1200
LANGUAGES = ("en-us", "de", "fr-fr", "es", "it")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
WORDS_PER_MINUTE = (130, 230)
PITCHES = (25, 75)  # of 0 to 99, as espeak-ng counts
THREADS = 2


def number_settings(generator: np.random.Generator) -> dict[str, Any]:
    """What a clip says, by which voice, how fast, how high, and how far above the noise."""
    return {
        "language": str(generator.choice(LANGUAGES)),
        "voice": str(generator.choice(VARIANTS)),
        "digit": int(generator.integers(10)),
        "number": int(generator.integers(20, 100)),
        "words_per_minute": int(generator.integers(*WORDS_PER_MINUTE)),
        "pitch": int(generator.integers(*PITCHES)),
        "decibels": float(generator.uniform(*NOISE_DECIBELS)),
    }


def spoken_numbers(seed: int) -> Arrays:
    """A digit and a number below 100 in each clip."""
    generator = np.random.default_rng(derive_seed(seed, "spoken numbers"))
    rows = [number_settings(generator) for _ in range(N_CLIPS)]
    with ThreadPoolExecutor(THREADS) as pool:
        sounds = list(pool.map(spoken, rows))
    clips = [clip_of(sound, row["decibels"], generator) for sound, row in zip(sounds, rows, strict=True)]
    labels = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    labels["digit"] = labels["digit"].astype(str)
    labels["gender"] = np.array([row["voice"][0] for row in rows])
    labels["role"] = roles(len(rows), generator)
    return {"sound": np.stack(clips), "sample_rate": np.array(RATE), **labels}


def spoken(row: dict[str, Any]) -> Clip:
    """What espeak-ng says."""
    voice = f"{row['language']}+{row['voice']}"
    command = [ESPEAK.name, "-v", voice, "-s", str(row["words_per_minute"]), "-p", str(row["pitch"])]
    text = f"{row['digit']}, {row['number']}"
    return read_wav(subprocess.run([*command, "--stdout", text], check=True, capture_output=True).stdout)


def read_wav(content: bytes) -> Clip:
    """Sound at 16 kHz, without the silence at its ends, at a fixed level."""
    from scipy.io import wavfile
    from scipy.signal import resample_poly

    rate, samples = wavfile.read(io.BytesIO(fixed_length(content)))
    common = np.gcd(rate, RATE)
    sound = resample_poly(samples / 2**15, RATE // common, rate // common)
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() / 50)
    sound = sound[loud[0] : loud[-1] + 1]
    return np.asarray(sound * LEVEL / np.sqrt(np.mean(sound**2)), dtype=np.float32)


def fixed_length(content: bytes) -> bytes:
    """A WAV file whose header states its true length; espeak-ng writes to a pipe before it knows it."""
    if content[40:44] == (len(content) - 44).to_bytes(4, "little") or content[36:40] != b"data":
        return content
    riff, data = (len(content) - 8).to_bytes(4, "little"), (len(content) - 44).to_bytes(4, "little")
    return content[:4] + riff + content[8:40] + data + content[44:]


def clip_of(sound: Clip, decibels: float, generator: np.random.Generator) -> Clip:
    """1.6 seconds: a random part of longer sound, shorter sound at a random place, and noise."""
    spare = len(sound) - CLIP_SAMPLES
    if spare >= 0:
        start = int(generator.integers(spare + 1))
        clip = sound[start : start + CLIP_SAMPLES]
    else:
        start = int(generator.integers(-spare + 1))
        clip = np.pad(sound, (start, -spare - start))
    noise = generator.standard_normal(CLIP_SAMPLES) * LEVEL * 10 ** (-decibels / 20)
    return np.asarray(clip + noise, dtype=np.float32)


ESPEAK = Program("espeak-ng", "install it (Debian: apt-get install espeak-ng; macOS: brew install espeak-ng)")
SPOKEN_NUMBERS = Maker(
    content_type="sound",
    summary=f"{N_CLIPS:,} clips of 1.6 s with noise, spoken by the program espeak-ng",
    content="sound",
    columns=(
        "language",
        "voice",
        "digit",
        "number",
        "words_per_minute",
        "pitch",
        "decibels",
        "gender",
        "role",
    ),  # fmt: skip
    arrays=spoken_numbers,
    program=ESPEAK,
)
