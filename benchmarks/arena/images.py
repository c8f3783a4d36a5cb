"""Three pools of image encoders: photographs and stamps, emoji, and handwritten digits.

The two looks are two random crops of an image. Stamps, faces, emoji and digits were labelled by people; tasks
on patches of photographs are derived: which photograph, where in it, how turned, how degraded.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import skimage.data
import torch
from assemble import embed_parts, is_whole, models_of, read_part
from image_data import (
    Photograph,
    Picture,
    cut_patches,
    emoji,
    handwritten,
    photographs,
    resized,
    small_digits,
    stamps,
    two_looks,
)
from image_networks import image_networks
from pool import Card, folder_of, write_card, write_tasks
from probes import Task, labelled_task, measure_tasks
from skimage.morphology import skeletonize

from suffice.data.made.photographs import degraded

SEED = 0
N_PATCHES = 24  # of each photograph
N_TURNED, N_DEGRADED = 8, 8  # other patches of each photograph
DEGRADATIONS = ("as it is", "blurred", "noisy", "compressed")
N_FACES = 100  # of 200 pictures; the others do not show a face
MIN_OF_SUBJECT = 8
N_DIGITS, N_LABELLED_DIGITS, N_SMALL_DIGITS = 1800, 1300, 400
INK = 127  # brightness above which a pixel of a digit is ink
HARD_DIGITS = {"four-or-nine": (4, 9), "three-five-eight": (3, 5, 8), "one-or-seven": (1, 7)}
GENDERS = {"man": "man", "woman": "woman"}


@dataclass
class Content:
    """What a pool is made of.

    Attributes:
        items: pictures to rank on.
        labelled: further pictures of tasks.
        tasks: tasks; their rows are those of the items followed by the labelled pictures.
        flip: whether a look may be mirrored.
        about: what the pool is.
    """

    items: list[Picture]
    labelled: list[Picture] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    flip: bool = False
    about: str = ""

    def add(self, pictures: Sequence[Picture]) -> npt.NDArray[np.int64]:
        """Further labelled pictures; returns their rows."""
        start = len(self.items) + len(self.labelled)
        self.labelled += pictures
        return np.arange(start, start + len(pictures))


def make_pool(cache: Path, name: str, content: Content) -> None:
    """Embed, measure the tasks, and write the card."""
    folder = folder_of(cache, name)
    networks = image_networks(cache, content.items)
    first, second = two_looks(content.items, content.flip)
    parts: dict[str, Sequence[Picture]] = {"items": content.items, "first": first, "second": second}
    parts |= {"labelled": content.labelled} if content.labelled else {}
    embed_parts(folder, networks, parts)
    if not (folder / "tasks.csv").exists():
        vectors = read_part(folder, "items", networks)
        if content.labelled:
            more = read_part(folder, "labelled", networks)
            vectors = {model: np.concatenate([vectors[model], more[model]]) for model in vectors}
        write_tasks(folder, measure_tasks(content.tasks, vectors))
    about = f"{len(content.items)} items; looks: two random crops, 35 to 75 % of the area. {content.about}"
    write_card(folder, Card(name, "image", "crops", about, models_of(networks, folder)))


def make_photographs(cache: Path, data: Path) -> None:
    """Patches of photographs, and stamps."""
    generator = np.random.default_rng(SEED)
    taken = photographs(cache)
    patches: list[Picture] = []
    heights: list[float] = []
    for each in taken:
        pictures, found = cut_patches(each, N_PATCHES, generator)
        patches, heights = patches + pictures, heights + found
    things, labels = stamps(cache)
    owner = np.repeat([each.name for each in taken], N_PATCHES)
    about = "Patches of photographs, and stamps of things; tasks on patches are derived, others are labels."
    content = Content([*patches, *things], flip=True, about=about)
    content.tasks = [
        *patch_tasks(owner, np.array(heights)),
        *stamp_tasks(labels, np.arange(len(patches), len(patches) + len(things))),
        *changed_patch_tasks(content, taken, generator),
        face_task(content),
    ]
    make_pool(cache, "images-photos", content)


def patch_tasks(owner: npt.NDArray[np.str_], heights: npt.NDArray[np.float64]) -> list[Task]:
    """Which photograph a patch is of, and how high in it."""
    rows = np.arange(len(owner))
    return [
        labelled_task("photograph", "classification", owner, rows),
        labelled_task("photograph-clusters", "clustering", owner, rows),
        labelled_task("height-in-photograph", "regression", heights, rows, owner),
    ]


def stamp_tasks(labels: pd.DataFrame, rows: npt.NDArray[np.int64]) -> list[Task]:
    """What a stamp shows, by the folders in which people put it."""
    common = labels["subject"].map(labels["subject"].value_counts()) >= MIN_OF_SUBJECT
    animals = labels["subject"].where(common & (labels["category"] == "animals"))
    subject = labels["subject"].where(common)
    return [
        labelled_task("stamp-category", "classification", labels["category"], rows),
        *some("stamp-subject", "classification", subject, rows),
        *some("stamp-animal", "classification", animals, rows),
        *some("stamp-natural-or-made", "classification", labels["nature"], rows),
        *some("stamp-subject-retrieval", "retrieval", subject, rows),
        labelled_task("stamp-category-clusters", "clustering", labels["category"], rows),
    ]


def some(
    name: str, kind: str, labels: pd.Series, rows: npt.NDArray[np.int64], groups: pd.Series | None = None
) -> list[Task]:
    """A task on the items that have a label."""
    known = labels.notna().to_numpy()
    held = None if groups is None else groups[known]
    return [labelled_task(name, kind, labels[known].to_numpy(), rows[known], held)]


def changed_patch_tasks(
    content: Content, taken: Sequence[Photograph], generator: np.random.Generator
) -> list[Task]:
    """How a patch is turned, and how it is degraded; whole photographs in training or test."""
    turned, turns, spoilt, ways = [], [], [], []
    for photograph in taken:
        pictures, _ = cut_patches(photograph, N_TURNED + N_DEGRADED, generator)
        for picture in pictures[:N_TURNED]:
            turns.append(int(generator.integers(4)))
            turned.append(np.ascontiguousarray(np.rot90(picture, turns[-1])))
        for picture in pictures[N_TURNED:]:
            ways.append(str(generator.choice(DEGRADATIONS)))
            spoilt.append(degraded(picture, ways[-1], generator))
    names = [photograph.name for photograph in taken]
    owners, other_owners = np.repeat(names, N_TURNED), np.repeat(names, N_DEGRADED)
    quarter_turns = np.array(turns).astype(str)
    return [
        labelled_task("turned-patch", "classification", quarter_turns, content.add(turned), owners),
        labelled_task("degraded-patch", "classification", ways, content.add(spoilt), other_owners),
    ]


def face_task(content: Content) -> Task:
    """Whether a small grey picture shows a face (a part of Labeled Faces in the Wild in scikit-image)."""
    grey = (skimage.data.lfw_subset() * 255).astype(np.uint8)
    pictures = [resized(np.repeat(each[..., None], 3, axis=2)) for each in grey]
    labels = np.where(np.arange(len(pictures)) < N_FACES, "face", "other")
    return labelled_task("face", "classification", labels, content.add(pictures))


def make_emoji(cache: Path, data: Path) -> None:
    """Emoji with the groups of Unicode; relatives such as man and woman of one kind stay together."""
    pictures, table = emoji(cache)
    rows = np.arange(len(table))
    content = Content(pictures, about="Noto Color Emoji; labels are the groups and subgroups of Unicode.")
    relatives = table["name"].str.replace(r"\b(wo)?m[ae]n\b|\bperson\b", "", regex=True).str.strip()
    words = table["name"].str.split(r"[ :,]+", regex=True).str[0]
    people = table["group"] == "People & Body"
    counts = table["subgroup"].map(table["subgroup"].value_counts())
    subgroup = table["subgroup"].where(counts >= MIN_OF_SUBJECT)
    classes = {
        "group": table["group"],
        "subgroup": subgroup,
        "animal": subgroup.where(subgroup.str.startswith("animal-")),
        "food": subgroup.where(subgroup.str.startswith("food-")),
        "object": subgroup.where(table["group"] == "Objects"),
        "face": subgroup.where(subgroup.str.startswith("face-")),
        "gender": words.map(GENDERS).where(people),
    }
    content.tasks = [
        *(some(name, "classification", held, rows, relatives)[0] for name, held in classes.items()),
        *some("subgroup-retrieval", "retrieval", subgroup, rows, relatives),
        *some("subgroup-clusters", "clustering", subgroup, rows, relatives),
    ]
    make_pool(cache, "images-emoji", content)


def make_digits(cache: Path, data: Path) -> None:
    """Handwritten digits of MNIST, and small ones of scikit-learn as a second set of tasks."""
    pictures, digits = handwritten(data)
    order = np.random.default_rng(SEED).permutation(len(pictures))
    ranked, chosen = order[:N_DIGITS], order[N_DIGITS : N_DIGITS + N_LABELLED_DIGITS]
    content = Content([resized(pictures[row]) for row in ranked], about="Digits of MNIST; tasks on others.")
    rows = content.add([resized(pictures[row]) for row in chosen])
    content.tasks = digit_tasks(digits[chosen], rows)
    strokes = [stroke(pictures[row][..., 0]) for row in chosen]
    content.tasks += [
        labelled_task("thickness", "regression", [each[0] for each in strokes], rows),
        labelled_task("slant", "regression", [each[1] for each in strokes], rows),
    ]
    small, small_labels = small_digits()
    rows = content.add([resized(each) for each in small[:N_SMALL_DIGITS]])
    labels = small_labels[:N_SMALL_DIGITS].astype(str)
    content.tasks += [
        labelled_task("small-digit", "classification", labels, rows),
        labelled_task("small-digit-clusters", "clustering", labels, rows),
    ]
    make_pool(cache, "images-digits", content)


def digit_tasks(digits: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> list[Task]:
    """Which digit, whether it is even, and digits that are easily confused."""
    labels = digits.astype(str)
    tasks = [
        labelled_task("digit", "classification", labels, rows),
        labelled_task("parity", "classification", np.where(digits % 2, "odd", "even"), rows),
        labelled_task("digit-retrieval", "retrieval", labels, rows),
        labelled_task("digit-clusters", "clustering", labels, rows),
    ]
    for name, among in HARD_DIGITS.items():
        chosen = np.isin(digits, among)
        tasks.append(labelled_task(name, "classification", labels[chosen], rows[chosen]))
    return tasks


def stroke(picture: npt.NDArray[np.uint8]) -> tuple[float, float]:
    """Thickness in pixels (ink over length of the skeleton), and slant (pixels across per pixel down)."""
    ink = picture > INK
    down, across = np.nonzero(ink)
    covariance = np.cov(down, across, bias=True)
    return ink.sum() / max(int(skeletonize(ink).sum()), 1), float(covariance[0, 1] / covariance[0, 0])


MAKERS = {
    "images-photos": make_photographs,
    "images-emoji": make_emoji,
    "images-digits": make_digits,
}


def make_pools(cache: Path, data: Path) -> None:
    """Write the pools that the cache does not hold."""
    for name, make in MAKERS.items():
        if not is_whole(cache, name):
            make(cache, data)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for chosen_pool in sys.argv[3:] or MAKERS:
        MAKERS[chosen_pool](Path(sys.argv[1]), Path(sys.argv[2]))
