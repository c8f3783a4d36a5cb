"""Train the generators, and write their vectors of the held-out digits and the quality of their samples."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from suffice.data.made.base import Score, one_thread, write_scores
from suffice.data.made.generators.base import (
    Generator,
    bits_per_pixel,
    middles,
    nearest_levels,
    random_points,
    trained,
)
from suffice.data.made.generators.diffusion import NOISE_LEVELS, Diffusion
from suffice.data.made.generators.digits import ITEMS, MEASURES
from suffice.data.made.generators.flow import CouplingFlow
from suffice.data.made.generators.latent import Autoencoder, GaussianFactors, VariationalAutoencoder
from suffice.data.made.generators.quality import Classifier, frechet_distance
from suffice.data.made.generators.roster import RUNS, Run
from suffice.data.made.generators.small_digits import Digits, Levels, levels_of, three_parts, versions_of
from suffice.seeds import derive_seed

KINDS: dict[str, Callable[..., Generator]] = {
    "gaussian": GaussianFactors,
    "autoencoder": Autoencoder,
    "vae": VariationalAutoencoder,
    "flow": CouplingFlow,
    "diffusion": Diffusion,
}
N_SAMPLES = 2_000  # of each generator

SAMPLES = "samples", "generation", "negative Fréchet distance"
LIKELIHOOD = "likelihood", "density", "bits per pixel"


def make_generators(folder: Path) -> None:
    """Write the items, the vectors of each generator, and the table of what its samples are worth.

    Args:
        folder: where; it exists.
    """
    with one_thread(), torch.random.fork_rng(devices=[]):
        _make(folder)


def _make(folder: Path) -> None:
    generator = np.random.default_rng(derive_seed(0, "digits of generators"))
    training, others, held_out = three_parts(generator)
    items = versions_of(held_out, generator)
    np.savez(folder / ITEMS, allow_pickle=False, **items)
    measure = Measure(others, held_out)
    scores = measure.references(training)
    for run in RUNS:
        for name, model in checkpoints(run, training.levels):
            scores += measure.scores(name, model)
            for vectors_name, vectors in vectors_of(run, name, model, levels_of(items["image"])).items():
                np.savez(folder / f"{vectors_name}.npz", allow_pickle=False, vectors=vectors, id=items["id"])
    write_scores(folder / MEASURES, scores)


def checkpoints(run: Run, levels: Levels) -> Iterator[tuple[str, Generator]]:
    """Name and generator of each checkpoint of a run, which is trained now.

    Args:
        run: the run.
        levels: the digits to learn, shape (n, 196).
    """
    random = seeded(*run.checkpoints)
    torch.manual_seed(derive_seed(0, "weights", *run.checkpoints))
    model = KINDS[run.kind](random_points(levels, random), **run.settings)
    return zip(run.checkpoints, trained(model, levels, list(run.checkpoints.values()), random), strict=True)


@torch.inference_mode()
def vectors_of(run: Run, name: str, model: Generator, levels: Levels) -> dict[str, npt.NDArray[np.float32]]:
    """The vectors of digits by a checkpoint, at each level of noise that the run names."""
    found = {name: model.vectors(middles(levels))}
    for vectors_name, (checkpoint, noise) in run.also.items():
        if checkpoint == name and isinstance(model, Diffusion):
            found[vectors_name] = model.vectors(middles(levels), NOISE_LEVELS[noise])
    return {key: np.asarray(value.numpy(), dtype=np.float32) for key, value in found.items()}


def seeded(*words: str) -> torch.Generator:
    """A source of random numbers that depends on these words only."""
    return torch.Generator().manual_seed(derive_seed(0, *words))


class Measure:
    """Measures of generators against held-out digits.

    Args:
        others: digits that the classifier of the features is trained on.
        held_out: digits that samples are compared with, and whose likelihood is computed.
    """

    def __init__(self, others: Digits, held_out: Digits) -> None:
        torch.manual_seed(derive_seed(0, "classifier"))
        self.classifier, self.held_out = Classifier(others, seeded("classifier")), held_out
        self.features = self.classifier.features(held_out.levels)

    def references(self, training: Digits) -> list[Score]:
        """The distance of the training digits themselves, and the accuracy of the classifier."""
        accuracy = self.classifier.accuracy(self.held_out)
        return [
            ("training-digits", *SAMPLES, -self.distance(training.levels)),
            ("classifier", "accuracy", "classification", "accuracy", accuracy),
        ]

    def distance(self, levels: Levels) -> float:
        """Fréchet distance to the held-out digits."""
        return frechet_distance(self.classifier.features(levels), self.features)

    @torch.inference_mode()
    def scores(self, name: str, model: Generator) -> list[Score]:
        """The distance of its samples, and its likelihood if it has one."""
        samples = nearest_levels(model.samples(N_SAMPLES, seeded("samples", name)))
        scores: list[Score] = [(name, *SAMPLES, -self.distance(samples))]
        levels = self.held_out.levels
        random = seeded("likelihood", name)
        found = model.log_density(random_points(levels, random), random)
        if found is not None:
            bits = bits_per_pixel(found.double().numpy(), levels.shape[1])
            scores.append((name, *LIKELIHOOD, bits))
        return scores
