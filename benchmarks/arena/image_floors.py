"""Floors that any encoder of images should beat: pixels, colours and edges, none of them trained."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from assemble import Network
from skimage.feature import hog
from sklearn.decomposition import PCA
from torch.nn import functional

from suffice.seeds import derive_seed

Floats = npt.NDArray[np.floating]
Images = Sequence[npt.NDArray[np.uint8]]
SEED = 0
N_COMPONENTS, N_PROJECTED = 128, 256
COLOURS = 4  # steps per channel
HOG_CELL = 16  # pixels


def pixels(images: Images, side: int) -> torch.Tensor:
    """Images at another size by averaging, shape (n_images, 3, side, side), 0 to 255."""
    given = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
    if side == given.shape[-1]:
        return given
    return functional.interpolate(given, (side, side), mode="bilinear", antialias=True, align_corners=False)


def grey(images: torch.Tensor) -> torch.Tensor:
    """Luminance, shape (n_images, 1, side, side)."""
    weights = images.new_tensor([0.299, 0.587, 0.114])[None, :, None, None]
    return (images * weights).sum(1, keepdim=True)


def floors(items: Images) -> list[Network]:
    """Five floors; principal components are those of the items."""
    components = PCA(N_COMPONENTS, random_state=SEED).fit(flat(items, 32))
    generator = np.random.default_rng(derive_seed(SEED, "random-projection"))
    directions = generator.standard_normal((3 * 32 * 32, N_PROJECTED)) / N_PROJECTED**0.5
    return [
        floor("pixels-pca", lambda images: components.transform(flat(images, 32))),
        floor("pixels-8x8", lambda images: flat(images, 8)),
        floor("random-projection", lambda images: flat(images, 32) @ directions),
        floor("colour-histogram", lambda images: np.array([histogram(each) for each in images])),
        floor("hog", edges),
    ]


def floor(name: str, vectors: Callable[[Images], Floats]) -> Network:
    """A model that is not a network; pixels and what is linear in them are one family."""
    family = "pixels" if name.startswith(("pixels", "random")) else name
    return Network(family, (name,), lambda images: {name: vectors(images)})


def flat(images: Images, side: int) -> Floats:
    """Pixels of small images, 0 to 1, shape (n_images, 3 * side * side)."""
    return np.asarray(pixels(images, side).flatten(1).numpy() / 255)


def histogram(image: npt.NDArray[np.uint8]) -> Floats:
    """Square root of the share of the pixels of each of 64 colours."""
    steps = (image.reshape(-1, 3).astype(int) * COLOURS) // 256
    codes = steps @ np.array([COLOURS**2, COLOURS, 1])
    return np.sqrt(np.bincount(codes, minlength=COLOURS**3) / len(codes))


def edges(images: Images) -> Floats:
    """Histograms of oriented gradients. Source: Dalal and Triggs 2005, doi 10.1109/CVPR.2005.177."""
    small = grey(pixels(images, 64))[:, 0].numpy() / 255
    cell = (HOG_CELL, HOG_CELL)
    return np.array([hog(each, pixels_per_cell=cell, cells_per_block=(2, 2)) for each in small])
