"""How Pillow reads one image."""

import io
from typing import TYPE_CHECKING

import numpy as np

from suffice.data.media_files import MediaFiles, Part, Source
from suffice.data.modalities.media import Seen
from suffice.storage.untrusted import UNREADABLE

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[int, int, int, int]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""Formats that are read. Other formats of Pillow are left out because one of them runs another program."""
SCALE = 10_000  # parts of width and height, the unit of a crop's box
SIXTEEN_BITS, OPAQUE = 257, 255  # the step from 16 bits to 8; the alpha of an opaque pixel
ANIMATED = "more than one frame; the first one is used"
CMYK, CLEAR, DEEP = (
    "CMYK colours, converted to RGB",
    "transparent parts, put on white",
    "16 bits per channel, reduced to 8",
)


class HugeImageError(ValueError):
    """An image has more pixels than its data set allows."""


class ImageFiles(MediaFiles["Image"]):
    """Images in RGB. A part is left, upper, right and lower edge, in ten-thousandths of width and height."""

    name, one, items = "image", "image", "images"

    def opened(self, source: Source, part: Part | None) -> "Image":
        """The image, or its pixels inside a box."""
        whole, _ = decoded(source)
        return whole if part is None else whole.crop(_pixels(part, whole.size))


def decoded(source: Source, max_pixels: int | None = None) -> "tuple[Image, list[str]]":
    """An image in RGB, and the changes that this required.

    Args:
        source: bytes of a file, or an array of bytes, shape (height, width) or (height, width, n_channels).
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


def inspected(source: Source, max_pixels: int) -> Seen:
    """Why an image cannot be used, or the changes made to it."""
    try:
        return Seen(changes=decoded(source, max_pixels)[1])
    except HugeImageError:
        return Seen("huge")
    except UNREADABLE:
        return Seen("corrupt")


def _pixels(box: Part, size: tuple[int, int]) -> Box:
    """A box in pixels, at least one wide and one high."""
    width, height = size
    left, upper = box[0] * width // SCALE, box[1] * height // SCALE
    right, lower = -(-box[2] * width // SCALE), -(-box[3] * height // SCALE)
    return left, upper, max(right, left + 1), max(lower, upper + 1)
