"""Images as items."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from suffice.data.modalities.media import Media, Seen
from suffice.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from suffice.data.dataset_settings import DatasetSettings
    from suffice.data.image_files import ImageFiles
    from suffice.data.media_files import Source

MAX_PIXELS = 50_000_000
PIXELS = {"loader": "image_pixels", "family": "pixels"}
GREY_DIMS, COLOUR_DIMS = 3, 4  # of an array of grey images, and of one with channels
CHANNELS = (1, 3, 4)


class ImageSettings(Settings):
    """Columns of datasets.tsv for images only."""

    max_pixels: int = Field(
        MAX_PIXELS, ge=1, description="largest image kept, in pixels; larger ones are not even unpacked"
    )


class Image(Media):
    """Images, read by Pillow.

    Nearness agrees better with tasks than `linear`, see docs/method.md.
    """

    name = "image"
    one = "image"
    items = "images"
    summary = (
        "items are images, in a folder (its sub-folders become the column label), in the column `path` of a "
        "table (relative to it), as bytes in a column of a .parquet file, or as arrays in a .npz file"
    )
    suffixes = (
        ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
    )  # fmt: skip
    Settings = ImageSettings
    packages = ("pillow",)
    module, extra, limit = "PIL", "images", "max_pixels"
    read_as = ("image",)
    views = ("files", "group", "crops")
    auto_views = ("files", "group", "crops")
    estimators = ("neighbours",)
    estimators_of_looks = ("neighbours",)
    record = (
        "On three pools of image models with labelled tasks, rankings by neighbours agreed with the tasks "
        "at a mean rank correlation of 0.84."
    )
    checkpoint_loader = "image_model"
    models = {
        "pixels-8": PIXELS | {"side": "8"},
        "pixels-pca-32": PIXELS | {"n_components": "32"},
        "colours": {"loader": "image_pixels", "family": "colours", "features": "colours"},
        "edges": {"loader": "image_pixels", "family": "edges", "features": "edges", "side": "64"},
    }
    control = (
        "untrained-projection-128",
        PIXELS
        | {
            "family": "untrained control",
            "n_components": "128",
            "reduction": "random_projection",
            "target": "false",
            "control": "true",
        },
    )
    """Pixels under a random projection: nothing is trained, and no download is needed."""

    def files(self, root: Path) -> "ImageFiles":
        """The images below a root."""
        from suffice.data.image_files import ImageFiles

        return ImageFiles(root)

    def are_items(self, name: str, array: "np.ndarray") -> bool:
        """Whether an array contains images; ValueError if its numbers are not bytes."""
        is_grey = array.ndim == GREY_DIMS
        if not is_grey and (array.ndim != COLOUR_DIMS or array.shape[-1] not in CHANNELS):
            return False
        if array.dtype != "uint8":
            raise ValueError(f"the array {name} is of {array.dtype}; save images as uint8, from 0 to 255")
        return True

    def inspector(self, settings: "DatasetSettings") -> "Callable[[Source], Seen]":
        """A function that unpacks an image."""
        from suffice.data.image_files import inspected

        limit = ImageSettings(**settings.modality_settings).max_pixels
        return lambda source: inspected(source, limit)


IMAGE = Image()
