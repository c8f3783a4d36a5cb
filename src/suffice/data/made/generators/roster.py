"""The generators: how each is built, how long it is trained, and the names of its checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EARLY, MIDDLE, LATE = 100, 600, 4_000  # steps of training


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        kind: of the generator: gaussian, autoencoder, vae, flow or diffusion.
        checkpoints: steps of training, increasing, by the name of the generator after them.
        settings: of the generator.
        also: more vectors of a checkpoint: by their name, the checkpoint and the level of noise.
    """

    kind: str
    checkpoints: Mapping[str, int]
    settings: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def stages(name: str, *, untrained: bool = False) -> dict[str, int]:
    """Checkpoints of one run, by name."""
    steps = {"untrained": 0, "early": EARLY, "middle": MIDDLE, "late": LATE}
    return {f"{name}-{stage}": n for stage, n in steps.items() if n or untrained}


RUNS = (
    *(Run("gaussian", {f"gaussian-{n}": 0}, {"n_latent": n}) for n in (8, 32, 128)),
    *(Run("autoencoder", {f"ae-{n}": LATE}, {"n_latent": n}) for n in (2, 8)),
    Run("autoencoder", stages("ae-32"), {"n_latent": 32}),
    *(Run("vae", {f"vae-{n}": LATE}, {"n_latent": n}) for n in (2, 8)),
    Run("vae", stages("vae-32", untrained=True), {"n_latent": 32}),
    Run("vae", {"vae-32-beta-4": LATE}, {"n_latent": 32, "beta": 4.0}),
    Run("vae", {"vae-32-beta-0.25": LATE}, {"n_latent": 32, "beta": 0.25}),
    Run("flow", stages("flow")),
    Run(
        "diffusion",
        stages("diffusion", untrained=True),
        also={f"diffusion-late-{noise}": ("diffusion-late", noise) for noise in ("low", "high")},
    ),
)


def names() -> list[str]:
    """The names of all vectors."""
    return [name for run in RUNS for name in (*run.checkpoints, *run.also)]
