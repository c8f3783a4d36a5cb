"""One image: its location and the hash of its bytes, as stored in a corpus, and how Pillow reads it."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from suffice.data.corpus import Corpus
from suffice.errors import DataError
from suffice.storage.untrusted import UNREADABLE, read_from_npz

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")
Box = tuple[int, int, int, int]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""Formats that are read. Other formats of Pillow are left out because one of them runs another program."""
SCALE = 10_000  # parts of width and height, the unit of a crop's box
TEXT = re.compile(
    r"(?P<path>.+) (?P<sha256>[0-9a-f]{64})(#(?P<row>\d+))?(@(?P<box>\d+,\d+,\d+,\d+))?", re.DOTALL
)
THREADS = 4  # for reading images in parallel
SIXTEEN_BITS, OPAQUE = 257, 255  # the step from 16 bits to 8; the alpha of an opaque pixel
ANIMATED = "more than one frame; the first one is used"
CMYK, CLEAR, DEEP = (
    "CMYK colours, converted to RGB",
    "transparent parts, put on white",
    "16 bits per channel, reduced to 8",
)


class HugeImageError(ValueError):
    """An image has more pixels than its data set allows."""


@dataclass(frozen=True)
class ImageRef:
    """An image, or a crop of it, as the text that represents it in a corpus.

    Attributes:
        sha256: hash of the image's bytes.
        path: its file, relative to the root that the corpus names; with `row`, also the name of the array or
            column in the file.
        row: row in a file of several images.
        box: left, upper, right and lower edge, in ten-thousandths of width and height; None: the whole image.
    """

    sha256: str
    path: str
    row: int | None = None
    box: Box | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The image that a text represents.

        Raises:
            DataError: it does not represent an image.
        """
        found = TEXT.fullmatch(text)
        if found is None:
            raise DataError(f"{text[:60]!r} is not an image; set content_type image in datasets.tsv")
        left, upper, right, lower = map(int, (found["box"] or "0,0,0,0").split(","))
        box = (left, upper, right, lower) if found["box"] else None
        return cls(found["sha256"], found["path"], int(found["row"]) if found["row"] else None, box)

    def __str__(self) -> str:
        row = "" if self.row is None else f"#{self.row}"
        box = f"@{','.join(map(str, self.box))}" if self.box else ""
        return f"{self.path} {self.sha256}{row}{box}"

    def cropped(self, box: Box) -> Self:
        """The same image inside a box."""
        return replace(self, box=box)


class ImageFiles:
    """The images below a root.

    Args:
        root: folder that paths start from.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packed: dict[str, PackedImages] = {}
        self.one_at_a_time = Lock()  # files of many images keep some of them in memory

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """The images of a corpus.

        Raises:
            DataError: its items are not images.
        """
        root = corpus.manifest.get("root")
        if root is None:
            raise DataError(f"{corpus.path} has no images; set content_type image in datasets.tsv")
        return cls(corpus.path.parent / str(root))

    def source(self, path: str, row: int | None) -> "bytes | npt.NDArray[np.uint8]":
        """The bytes of an image, or its array, shape (height, width) or (height, width, n_channels).

        Raises:
            DataError: the file does not exist.
        """
        if row is None:
            return _bytes_of(self.root / path)
        with self.one_at_a_time:
            if path not in self.packed:
                self.packed[path] = PackedImages(self.root / path)
            return self.packed[path].row(row)

    def image(self, content: str) -> "Image":
        """The image, in RGB, that a text of the corpus represents.

        Raises:
            DataError: its file is missing, or its bytes are not those of the corpus.
        """
        ref = ImageRef.parse(content)
        source = self.source(ref.path, ref.row)
        if sha256_of(source) != ref.sha256:
            raise DataError(
                f"the image {self.root / ref.path} has changed since the corpus was built; run the study "
                "again to rebuild the corpus"
            )
        whole, _ = decoded(source)
        return whole if ref.box is None else whole.crop(_pixels(ref.box, whole.size))

    def each(self, contents: Sequence[str], made: "Callable[[Image], T]") -> Iterator[T]:
        """The result of a function for each image, in order; several images are read at once."""
        return in_threads(lambda content: made(self.image(content)), contents)


def in_threads(make: "Callable[[str], T]", given: Sequence[str]) -> Iterator[T]:
    """The results of a function, in order, computed by a few threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(make, given)


class PackedImages:
    """Images in one column of a Parquet file, or in one array of a `.npz` file.

    Args:
        path: the file, and below it the name of the array or column.
    """

    def __init__(self, path: Path) -> None:
        self.file, self.name = path.parent, path.name
        self.group, self.images = -1, list[bytes]()

    def row(self, row: int) -> "bytes | npt.NDArray[np.uint8]":
        """One of the images."""
        if self.file.suffix.lower() == ".npz":
            return np.asarray(self.array[row])
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        if group != self.group:
            column = pq.ParquetFile(self.file).read_row_group(group, columns=[self.name]).column(0)
            self.images = [bytes_in(value) for value in column.to_pylist()]
            self.group = group
        return self.images[row - int(self.starts[group])]

    @cached_property
    def array(self) -> npt.NDArray[np.uint8]:
        """The array, shape (n_images, height, width) or (n_images, height, width, n_channels)."""
        return read_from_npz(self.file, self.name)

    @cached_property
    def starts(self) -> npt.NDArray[np.int64]:
        """The first row of each group of rows of a Parquet file."""
        about = pq.read_metadata(self.file)
        sizes = [about.row_group(number).num_rows for number in range(about.num_row_groups)]
        return np.cumsum([0, *sizes[:-1]])


def bytes_in(value: Any) -> bytes:
    """The bytes of a cell, or of its field `bytes` as in data sets of the hub; empty if it has no bytes."""
    held = value.get("bytes") if isinstance(value, dict) else value
    return held if isinstance(held, bytes) else b""


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"the image {path} cannot be read ({error}); correct its path") from error


def sha256_of(source: "bytes | npt.NDArray[np.uint8]") -> str:
    """SHA-256 of an image's bytes, or of the shape and the values of its array."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    return hashlib.sha256(repr(source.shape).encode() + source.tobytes()).hexdigest()


def decoded(
    source: "bytes | npt.NDArray[np.uint8]", max_pixels: int | None = None
) -> "tuple[Image, list[str]]":
    """An image in RGB, and the changes that this required.

    Args:
        source: bytes of a file, or an array of bytes.
        max_pixels: largest number of pixels; None: any.

    Raises:
        HugeImageError: it has more.
        ValueError: it cannot be read; or another error of `UNREADABLE`.
    """
    from PIL import Image, ImageOps

    try:
        opened = (
            Image.open(io.BytesIO(source), formats=FORMATS)
            if isinstance(source, bytes)
            else Image.fromarray(source.squeeze())
        )
    except Image.DecompressionBombError as error:
        raise HugeImageError(str(error)) from None
    if max_pixels is not None and opened.width * opened.height > max_pixels:
        raise HugeImageError(f"{opened.width} x {opened.height} pixels")
    said = [ANIMATED] if getattr(opened, "is_animated", False) else []
    opened.load()
    image, changes = _in_rgb(ImageOps.exif_transpose(opened))
    return image, said + changes


def _in_rgb(image: "Image") -> "tuple[Image, list[str]]":
    """The image with three channels of 8 bits, and the changes other than the format of its colours."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
    if image.mode.startswith("I"):
        eight = np.clip(np.asarray(image, dtype=np.int64) // SIXTEEN_BITS, 0, OPAQUE).astype(np.uint8)
        return Image.fromarray(eight).convert("RGB"), [DEEP]
    if not image.has_transparency_data:
        return image.convert("RGB"), [CMYK] if image.mode == "CMYK" else []
    clear = image.convert("RGBA")
    on_white = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    is_clear = np.asarray(clear.getchannel("A")).min() < OPAQUE
    return on_white, [CLEAR] if is_clear else []


def why_unusable(
    source: "bytes | npt.NDArray[np.uint8]", max_pixels: int
) -> tuple[type[Exception] | None, list[str]]:
    """The kind of error when reading an image, None if it can be used; and the changes made to it."""
    try:
        return None, decoded(source, max_pixels)[1]
    except HugeImageError:
        return HugeImageError, []
    except UNREADABLE as error:
        return type(error), []


def _pixels(box: Box, size: tuple[int, int]) -> Box:
    """A box in pixels, at least one wide and one high."""
    width, height = size
    left, upper = box[0] * width // SCALE, box[1] * height // SCALE
    right, lower = -(-box[2] * width // SCALE), -(-box[3] * height // SCALE)
    return left, upper, max(right, left + 1), max(lower, upper + 1)
