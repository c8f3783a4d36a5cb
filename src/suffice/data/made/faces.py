"""Small grey pictures, half of them faces: a part of Labeled Faces in the Wild in scikit-image."""

import numpy as np

from suffice.data.made.base import Arrays, Maker, file_of

N_FACES = 100  # the first ones; the others do not show a face


def small_faces(seed: int) -> Arrays:
    """All 200 pictures; nothing is random."""
    grey = np.load(file_of("skimage", "data/lfw_subset.npy"), allow_pickle=False)
    kind = np.where(np.arange(len(grey)) < N_FACES, "face", "other")
    return {"image": (grey * 255).astype(np.uint8), "kind": kind}


FACES = Maker(
    content_type="image",
    summary="200 pictures, half of them faces, from scikit-image",
    content="image",
    columns=("kind",),
    arrays=small_faces,
    packages={"scikit-image": "skimage"},
)
