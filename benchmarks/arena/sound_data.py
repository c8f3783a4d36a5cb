"""Clips of speech: prompts of Asterisk, spoken by people, and numbers spoken by espeak-ng in its own process.

A clip is 1.6 seconds at 16 kHz with noise at a random level. A look is a random 0.85 seconds of it.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from debian import DebianPackage, unpack_debian

from suffice.data.made.spoken_numbers import (
    CLIP_SAMPLES,
    NOISE_DECIBELS,
    Clip,
    clip_of,
    number_settings,
    read_wav,
    spoken,
)

SEED = 0
LOOK_SAMPLES = 13_600  # 0.85 s
PROMPTS = {
    "en": "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    "es": "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903",
    "fr": "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e",
    "it": "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb",
    "ru": "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201",
}
MIN_PROMPT_BYTES = 6000  # 0.37 s at 8 kHz; a few files are empty


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
        row = number_settings(generator)
        clips.append(clip_of(spoken(row), row["decibels"], generator))
        rows.append(row)
    return clips, pd.DataFrame(rows)


def two_looks(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Two parts of 0.85 s at random places of each clip; they may overlap."""
    generator = np.random.default_rng(SEED)
    starts = generator.integers(CLIP_SAMPLES - LOOK_SAMPLES + 1, size=(2, len(clips)))
    first, second = (
        [clip[start : start + LOOK_SAMPLES] for clip, start in zip(clips, side, strict=True)]
        for side in starts
    )
    return first, second
