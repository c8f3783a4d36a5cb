"""Images as items: their content is the path of the file, and the hash of its bytes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from suffice.data.modalities.base import Modality
from suffice.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from suffice.data.dataset_settings import DatasetSettings

MAX_PIXELS = 50_000_000
PIXELS = {"loader": "image_pixels", "family": "pixels"}


class ImageSettings(Settings):
    """Columns of datasets.tsv for images only."""

    max_pixels: int = Field(
        MAX_PIXELS, ge=1, description="largest image kept, in pixels; larger ones are not even unpacked"
    )


class Image(Modality):
    """Images, read by Pillow.

    Nearness agrees better with tasks than `linear`, see docs/method.md.
    """

    name = "image"
    items = "images"
    summary = (
        "items are images, in a folder (its sub-folders become the column label), in the column `path` of a "
        "table (relative to it), as bytes in a column of a .parquet file, or as arrays in a .npz file"
    )
    content = "path"
    Settings = ImageSettings
    sources = ("file",)
    packages = ("pillow",)
    read_as = ("image",)
    views = ("files", "group", "crops")
    auto_views = ("files", "group", "crops")
    estimators = ("neighbours",)
    estimators_of_looks = ("neighbours",)
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

    def table(self, path: Path) -> "pd.DataFrame":
        """A folder, table or .npz file, with the location of each image as text."""
        from suffice.data.images import read_image_table

        return read_image_table(path)

    def read(self, settings: "DatasetSettings") -> "tuple[pd.DataFrame, dict[str, int]]":
        """The images that can be read."""
        from suffice.data.images import read_images

        return read_images(settings)

    def check(self, settings: "DatasetSettings") -> None:
        """Refuse limits on characters, and URLs, which name one file."""
        if settings.min_chars != 1 or settings.max_chars is not None:
            raise ValueError("min_chars and max_chars are for texts; use max_pixels for images")
        if "," in (settings.content or ""):
            raise ValueError("pairs of images are not read; name one column in content")
        if settings.is_remote:
            raise ValueError("images are read from this computer; download the file, and give its path")

    def place(self, settings: "DatasetSettings", folder: Path) -> dict[str, Any]:
        """The folder that the images' paths start from, relative to the folder of the corpus."""
        from suffice.data.images import root_of

        return {"root": root_of(Path(str(settings.path)), folder)}

    def state(self, settings: "DatasetSettings") -> dict[str, str]:
        """A hash of size and time of each image's file."""
        from suffice.data.images import state_of_files

        return {"images": state_of_files(settings)}

    def shown(self, content: str) -> str:
        """The path of an image, without the hash of its bytes."""
        from suffice.data.image_files import ImageRef

        ref = ImageRef.parse(content)
        return ref.path if ref.row is None else f"{ref.path}, row {ref.row}"


IMAGE = Image()
