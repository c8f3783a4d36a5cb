"""The pool `speech`: encoders of sound on prompts spoken by people and numbers spoken by a synthesiser.

The two looks are two random parts of 0.85 s of a clip of 1.6 s.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from assemble import embed_parts, is_whole, models_of, read_part
from pool import Card, folder_of, write_card, write_tasks
from probes import Task, labelled_task, measure_tasks
from sound_data import numbers, prompts, two_looks
from sound_networks import sound_networks

N_PROMPTS, N_NUMBERS = 150, 800  # per language; in all
MIN_OF_TOPIC = 15
ONE_SPEAKER = ("en", "es")  # the same person speaks both
NAME = "speech"


def make_pool(cache: Path) -> None:
    """Embed, measure the tasks, and write the card, unless the cache holds the pool."""
    if is_whole(cache, NAME):
        return
    folder = folder_of(cache, NAME)
    real, labels = prompts(cache, N_PROMPTS)
    made, settings = numbers(N_NUMBERS)
    clips = [*real, *made]
    first, second = two_looks(clips)
    networks = sound_networks(cache, clips)
    embed_parts(folder, networks, {"items": clips, "first": first, "second": second})
    if not (folder / "tasks.csv").exists():
        rows = np.arange(len(clips))
        tasks = prompt_tasks(labels, rows[: len(real)]) + number_tasks(settings, rows[len(real) :])
        write_tasks(folder, measure_tasks(tasks, read_part(folder, "items", networks)))
    about = (
        f"{len(real)} prompts spoken by four people in five languages, {len(made)} numbers spoken by "
        "espeak-ng, with noise; looks: two random parts of 0.85 s of 1.6 s; voice, language and noise are "
        "the same in both looks, words are not."
    )
    write_card(folder, Card(NAME, "sound", "segments", about, models_of(networks, folder)))


def prompt_tasks(labels: pd.DataFrame, rows: npt.NDArray[np.int64]) -> list[Task]:
    """Language and topic of real speech; one prompt in all languages stays on one side."""
    both = labels["language"].isin(ONE_SPEAKER).to_numpy()
    topic = labels["topic"].where(labels["topic"].map(labels["topic"].value_counts()) >= MIN_OF_TOPIC)
    known = topic.notna().to_numpy()
    language, prompt = labels["language"].to_numpy(), labels["prompt"].to_numpy()
    return [
        labelled_task("prompt-language", "classification", language, rows, prompt),
        labelled_task(
            "prompt-language-one-voice", "classification", language[both], rows[both], prompt[both]
        ),
        labelled_task("prompt-topic", "classification", topic[known].to_numpy(), rows[known], prompt[known]),
        labelled_task("prompt-language-clusters", "clustering", language, rows),
        labelled_task("prompt-noise", "regression", labels["decibels"].to_numpy(), rows, prompt),
    ]


def number_tasks(settings: pd.DataFrame, rows: npt.NDArray[np.int64]) -> list[Task]:
    """What was said, by which voice, how fast and how high.

    Language and gender are tested on voices that are not in the training items.
    """
    tens = (settings["number"] // 10).astype(str).to_numpy()
    gender = settings["voice"].str[0].to_numpy()
    voice = settings["voice"].to_numpy()
    return [
        labelled_task("number-digit", "classification", settings["digit"].astype(str).to_numpy(), rows),
        labelled_task("number-tens", "classification", tens, rows),
        labelled_task("number-language", "classification", settings["language"].to_numpy(), rows, voice),
        labelled_task("number-voice", "classification", voice, rows),
        labelled_task("number-gender", "classification", gender, rows, voice),
        labelled_task("number-speed", "regression", settings["words_per_minute"].to_numpy(float), rows),
        labelled_task("number-pitch", "regression", settings["pitch"].to_numpy(float), rows),
        labelled_task("number-voice-retrieval", "retrieval", voice, rows),
        labelled_task("number-language-clusters", "clustering", settings["language"].to_numpy(), rows),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_pool(Path(sys.argv[1]))
