"""Tiles of photographs that scikit-image and scikit-learn carry as samples."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from suffice.data.made.base import Arrays, file_of

Picture = npt.NDArray[np.uint8]
TILE, PER_SIDE = 64, 8  # pixels; tiles along the shorter side of a photograph
N_TILES = 64  # of each photograph
QUALITIES = ("as it is", "blurred", "noisy", "compressed")
FILES = (
    *(f"skimage/data/{name}" for name in (
        "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
        "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png", "retina.jpg", "rocket.jpg",
    )),
    "sklearn/datasets/images/china.jpg",
    "sklearn/datasets/images/flower.jpg",
)  # fmt: skip


def photograph_tiles(generator: np.random.Generator) -> Arrays:
    """Tiles that do not overlap, each turned by quarters at random, and perhaps degraded.

    The labels are the photograph, the turn and the quality.
    """
    tiles: list[Picture] = []
    labels: list[tuple[str, str, str]] = []
    for place in FILES:
        for tile in tiles_of(file_of(*place.split("/", 1)), generator):
            turns, quality = int(generator.integers(4)), str(generator.choice(QUALITIES))
            tiles.append(degraded(np.ascontiguousarray(np.rot90(tile, turns)), quality, generator))
            labels.append((Path(place).stem, f"{90 * turns} degrees", quality))
    columns = zip(("photograph", "turned", "quality"), zip(*labels, strict=True), strict=True)
    return {"image": np.stack(tiles)} | {name: np.array(values) for name, values in columns}


def tiles_of(path: Path, generator: np.random.Generator) -> list[Picture]:
    """Square tiles at random places of a grid over a photograph."""
    from PIL import Image

    whole = Image.open(path).convert("RGB")
    scale = TILE * PER_SIDE / min(whole.size)
    across, down = (int(side * scale / TILE + 1e-6) for side in whole.size)
    picture = np.asarray(whole.resize((across * TILE, down * TILE), Image.Resampling.BICUBIC))
    chosen = np.sort(generator.permutation(across * down)[:N_TILES])
    corners = [(TILE * (place // across), TILE * (place % across)) for place in chosen]
    return [picture[upper : upper + TILE, left : left + TILE] for upper, left in corners]


def degraded(picture: Picture, quality: str, generator: np.random.Generator) -> Picture:
    """A picture as it is, blurred, with noise, or after strong compression."""
    from PIL import Image, ImageFilter

    image = Image.fromarray(picture)
    if quality == "blurred":
        return np.asarray(image.filter(ImageFilter.GaussianBlur(generator.uniform(0.7, 2.0))))
    if quality == "noisy":
        noise = generator.normal(0, generator.uniform(4, 16), picture.shape)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)
    if quality == "compressed":
        held = io.BytesIO()
        image.save(held, "JPEG", quality=int(generator.integers(8, 30)))
        return np.asarray(Image.open(held))
    return picture
