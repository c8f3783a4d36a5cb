"""Images that ship inside packages, their labels, and two looks at each.

Photographs: wallpapers of Debian and the sample images of scikit-image and scikit-learn, cut into patches.
Stamps: pictures of things from Tux Paint, in folders by what they show. Emoji: Noto Color Emoji, labelled by
the groups of Unicode. Digits: a part of MNIST in DATA, and the digits of scikit-learn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import skimage.data
from debian import DebianPackage, unpack_debian
from image_networks import SIDE
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits, load_sample_images

Picture = npt.NDArray[np.uint8]
SEED = 0
CROP_SHARES = (0.35, 0.75)  # of the area of an image
CROP_SHAPES = (3 / 4, 4 / 3)  # width over height
PATCH_SHARES = (0.2, 0.4)  # of the shorter side of a photograph
MAX_PHOTOGRAPH_SIDE = 1200  # pixels
SAMPLES = (
    "astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "gravel", "hubble_deep_field",
    "immunohistochemistry", "moon", "page", "retina", "rocket",
)  # fmt: skip
WALLPAPERS = (
    DebianPackage(
        "lomiri-wallpapers-16.04",
        "20.04.0-2",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
    ),
    DebianPackage(
        "lomiri-wallpapers-20.04",
        "20.04.0-2",
        "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709",
    ),
    DebianPackage(
        "plasma-workspace-wallpapers",
        "4:5.27.5-2",
        "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
    ),
)
STAMPS = DebianPackage(
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
EMOJI_FONT = DebianPackage(
    "fonts-noto-color-emoji",
    "2.042-0+deb12u1",
    "a5ab0f69c7938423862320d9aca5dd187b3fd879d6a9a57dd52e17c3fa8d2751",
)
EMOJI_NAMES = DebianPackage(
    "unicode-data", "15.0.0-1", "5efef23bbb1c6a133ecbdd63a2cfa07159ccacf5466a49e2426101c5ecd691fc"
)
EMOJI_PIXELS = 109  # the size of the bitmaps in the font
EMOJI_CANVAS = (136, 128)  # of one character
EMOJI_LINE = re.compile(r"([0-9A-F ]+?) *; fully-qualified +# \S+ E[\d.]+ (.+)")
NATURAL = {"animals", "food", "plants"}
MADE = {"clothes", "hobbies", "household", "medical", "military", "sports", "town", "vehicles"}


@dataclass(frozen=True)
class Photograph:
    """A photograph of a package.

    Attributes:
        name: where it is from.
        picture: shape (height, width, 3).
    """

    name: str
    picture: Picture


def photographs(cache: Path) -> list[Photograph]:
    """Wallpapers, and samples of scikit-image and scikit-learn."""
    found = []
    for package in WALLPAPERS:
        folder = unpack_debian(package, cache) / "usr" / "share"
        for path in sorted([*folder.glob("backgrounds/*.jpg"), *folder.rglob("2560x1600.jpg")]):
            if not path.is_symlink():
                image = Image.open(path).convert("RGB")
                image.thumbnail((MAX_PHOTOGRAPH_SIDE, MAX_PHOTOGRAPH_SIDE))
                found.append(Photograph(str(path.relative_to(folder)), np.asarray(image)))
    found += [Photograph(f"skimage/{name}", in_colour(getattr(skimage.data, name)())) for name in SAMPLES]
    samples = load_sample_images()
    pairs = zip(samples.filenames, samples.images, strict=True)
    return found + [Photograph(f"sklearn/{Path(name).name}", picture) for name, picture in pairs]


def in_colour(picture: npt.NDArray[np.generic]) -> Picture:
    """A grey or coloured picture with three channels of bytes."""
    coloured = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)  # noqa: PLR2004
    return np.ascontiguousarray(coloured[..., :3], dtype=np.uint8)


def resized(picture: Picture, box: tuple[float, float, float, float] | None = None) -> Picture:
    """A picture, or a box of it (left, upper, right, lower), at 96 x 96."""
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box))


def cut_patches(
    photograph: Photograph, n_patches: int, generator: np.random.Generator
) -> tuple[list[Picture], list[float]]:
    """Square patches at random places, and how low in the photograph each is, from 0 (top) to 1."""
    height, width = photograph.picture.shape[:2]
    patches, heights = [], []
    for _ in range(n_patches):
        side = generator.uniform(*PATCH_SHARES) * min(height, width)
        left, upper = generator.uniform(0, width - side), generator.uniform(0, height - side)
        patches.append(resized(photograph.picture, (left, upper, left + side, upper + side)))
        heights.append(upper / (height - side))
    return patches, heights


def crop(picture: Picture, generator: np.random.Generator, flip: bool) -> Picture:
    """A random box of 35 to 75 % of the area, resized; mirrored half of the times if `flip`."""
    height, width = picture.shape[:2]
    area, shape = generator.uniform(*CROP_SHARES), np.exp(generator.uniform(*np.log(CROP_SHAPES)))
    across, down = min(np.sqrt(area * shape), 1.0) * width, min(np.sqrt(area / shape), 1.0) * height
    left, upper = generator.uniform(0, width - across), generator.uniform(0, height - down)
    found = resized(picture, (left, upper, left + across, upper + down))
    return found[:, ::-1] if flip and generator.random() < 0.5 else found  # noqa: PLR2004


def two_looks(pictures: Sequence[Picture], flip: bool) -> tuple[list[Picture], list[Picture]]:
    """Two random crops of each picture."""
    generator = np.random.default_rng(SEED)
    pairs = [(crop(each, generator, flip), crop(each, generator, flip)) for each in pictures]
    return [first for first, _ in pairs], [second for _, second in pairs]


def stamps(cache: Path) -> tuple[list[Picture], pd.DataFrame]:
    """Pictures of things on white; category and subject are their folders, nature follows from these."""
    folder = unpack_debian(STAMPS, cache) / "usr/share/tuxpaint/stamps"
    paths = sorted(path for path in folder.rglob("*.png") if "alphabets" not in path.parts)
    places = [path.relative_to(folder).parent.parts for path in paths]
    category = pd.Series([place[0] for place in places])
    subject = pd.Series(["/".join(place[:2]) if len(place) > 1 else None for place in places])
    nature = category.map({**dict.fromkeys(NATURAL, "natural"), **dict.fromkeys(MADE, "made")})
    labels = pd.DataFrame({"category": category, "subject": subject, "nature": nature})
    return [on_white(Image.open(path)) for path in paths], labels


def on_white(image: Image.Image) -> Picture:
    """An image with transparency in the middle of a white square, at 96 x 96."""
    coloured = image.convert("RGBA")
    side = max(coloured.size)
    canvas = Image.new("RGBA", (side, side), "white")
    canvas.alpha_composite(coloured, ((side - coloured.width) // 2, (side - coloured.height) // 2))
    return resized(np.asarray(canvas.convert("RGB")))


def emoji(cache: Path) -> tuple[list[Picture], pd.DataFrame]:
    """Emoji without skin tones as pictures, with the columns name, group and subgroup of Unicode."""
    text = (unpack_debian(EMOJI_NAMES, cache) / "usr/share/unicode/emoji/emoji-test.txt").read_text()
    path = unpack_debian(EMOJI_FONT, cache) / "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
    font = ImageFont.truetype(str(path), EMOJI_PIXELS)
    table = emoji_table(text)
    return [drawn(characters, font) for characters in table["characters"]], table


def emoji_table(text: str) -> pd.DataFrame:
    """The fully qualified emoji of Unicode's list, but for those with a skin tone."""
    rows, group, subgroup = [], "", ""
    for line in text.splitlines():
        if line.startswith("# group: "):
            group = line.removeprefix("# group: ")
        elif line.startswith("# subgroup: "):
            subgroup = line.removeprefix("# subgroup: ")
        elif (found := EMOJI_LINE.fullmatch(line)) and "skin tone" not in line:
            characters = "".join(chr(int(code, 16)) for code in found[1].split())
            rows.append((characters, found[2], group, subgroup))
    return pd.DataFrame(rows, columns=["characters", "name", "group", "subgroup"])


def drawn(characters: str, font: ImageFont.FreeTypeFont) -> Picture:
    """An emoji on white."""
    canvas = Image.new("RGB", EMOJI_CANVAS, "white")
    ImageDraw.Draw(canvas).text((0, 0), characters, font=font, embedded_color=True)
    return resized(np.asarray(canvas))


def handwritten(data: Path) -> tuple[list[Picture], npt.NDArray[np.int64]]:
    """The 10,000 test images of MNIST, 28 x 28, and their digits."""
    with np.load(data / "vision" / "mnist_test_10k.npz") as held:
        return [in_colour(each) for each in held["images"]], held["labels"].astype(np.int64)


def small_digits() -> tuple[list[Picture], npt.NDArray[np.int64]]:
    """The 1,797 digits of scikit-learn, 8 x 8, and what they are."""
    held = load_digits()
    return [in_colour((each * 255 / 16).astype(np.uint8)) for each in held.images], held.target
