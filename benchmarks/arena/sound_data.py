"""Clips of speech: prompts of Asterisk, spoken by people, and numbers spoken by espeak-ng in its own process.

A clip is 1.6 seconds at 16 kHz with noise at a random level. A look is a random 0.85 seconds of it.
"""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from debian import DebianPackage, unpack_debian
from scipy.io import wavfile
from scipy.signal import resample_poly

Clip = npt.NDArray[np.float32]
SEED = 0
RATE = 16_000  # samples per second
CLIP_SAMPLES = 25_600  # 1.6 s
LOOK_SAMPLES = 13_600  # 0.85 s
LEVEL = 0.05  # root mean square of the speech in a clip
NOISE_DECIBELS = (5.0, 40.0)  # speech over noise
PROMPTS = {
    "en": "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    "es": "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
    "fr": "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
    "it": "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb",
    "ru": "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201",
}
MIN_PROMPT_BYTES = 6000  # 0.37 s at 8 kHz; a few files are empty
LANGUAGES = ("en-us", "de", "fr-fr", "es", "it")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
WORDS_PER_MINUTE = (130, 230)
PITCHES = (25, 75)  # of 0 to 99, as espeak-ng counts


def prompts(cache: Path, n_per_language: int) -> tuple[list[Clip], pd.DataFrame]:
    """Prompts of Asterisk, with language, prompt, topic (folder, or first word of the file) and decibels."""
    generator = np.random.default_rng(SEED)
    clips, rows = [], []
    for language, sha256 in PROMPTS.items():
        package = DebianPackage(f"asterisk-core-sounds-{language}-wav", "1.6.1-1", sha256)
        (folder,) = (unpack_debian(package, cache) / "usr/share/asterisk/sounds").glob("*_*_*")
        paths = [path for path in sorted(folder.rglob("*.wav")) if path.stat().st_size > MIN_PROMPT_BYTES]
        paths = [path for path in paths if "silence" not in path.parts]
        for place in sorted(generator.permutation(len(paths))[:n_per_language]):
            name = paths[place].relative_to(folder).with_suffix("")
            topic = name.parts[0] if len(name.parts) > 1 else name.name.split("-")[0]
            decibels = generator.uniform(*NOISE_DECIBELS)
            clips.append(clip_of(read_wav(paths[place].read_bytes()), decibels, generator))
            rows.append((language, str(name), topic, decibels))
    return clips, pd.DataFrame(rows, columns=["language", "prompt", "topic", "decibels"])


def numbers(n_clips: int) -> tuple[list[Clip], pd.DataFrame]:
    """A digit and a number below 100, by twelve voices in five languages, at random speeds and pitches.

    Raises:
        FileNotFoundError: espeak-ng is not installed (apt-get install espeak-ng).
    """
    generator = np.random.default_rng(SEED)
    clips, rows = [], []
    for _ in range(n_clips):
        row: dict[str, Any] = {
            "language": str(generator.choice(LANGUAGES)),
            "variant": str(generator.choice(VARIANTS)),
            "digit": int(generator.integers(10)),
            "number": int(generator.integers(20, 100)),
            "words_per_minute": int(generator.integers(*WORDS_PER_MINUTE)),
            "pitch": int(generator.integers(*PITCHES)),
            "decibels": float(generator.uniform(*NOISE_DECIBELS)),
        }
        clips.append(clip_of(spoken(row), row["decibels"], generator))
        rows.append(row)
    return clips, pd.DataFrame(rows)


def spoken(row: dict[str, Any]) -> Clip:
    """What espeak-ng says, in a process of its own."""
    voice = f"{row['language']}+{row['variant']}"
    command = ["espeak-ng", "-v", voice, "-s", str(row["words_per_minute"]), "-p", str(row["pitch"])]
    text = f"{row['digit']}, {row['number']}"
    return read_wav(subprocess.run([*command, "--stdout", text], check=True, capture_output=True).stdout)


def read_wav(content: bytes) -> Clip:
    """Sound at 16 kHz, without the silence at its ends, at a fixed level."""
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


def two_looks(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Two parts of 0.85 s at random places of each clip; they may overlap."""
    generator = np.random.default_rng(SEED)
    starts = generator.integers(CLIP_SAMPLES - LOOK_SAMPLES + 1, size=(2, len(clips)))
    first, second = (
        [clip[start : start + LOOK_SAMPLES] for clip, start in zip(clips, side, strict=True)]
        for side in starts
    )
    return first, second
