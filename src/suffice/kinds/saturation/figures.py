"""The figures of a study of equal test loss, and how each is drawn from the tables."""

from collections.abc import Callable
from pathlib import Path

from suffice.plots.style import Drawn, save_figure
from suffice.storage.files import read_table

FIGURES: dict[str, tuple[str, str]] = {
    "cloud": (
        "Equal test loss, different behaviour",
        "Each point is a network. It shows the exact excess over the lowest possible test loss, and how "
        "often completions of prompts that no network was trained on obey rule 1. Dashed: ending at once. "
        "Dotted: the excess that counts as zero.",
    ),
    "twin_gap": (
        "Nearly equal loss, wrong answers in context",
        "Left: accuracy of the mixture and of its exact twin against their divergence, with a point for each "
        "number of examples in the prompts. Right: two networks trained to the same loss; one was trained to "
        "mislabel prompts of several examples. The bars are ranges over seeds.",
    ),
    "tuning_curves": (
        "Fine-tuning of networks with the same function and different weights",
        "Excess over the entropy of the new language against the step, at one common learning rate. Lines "
        "are means over seeds, and bands show the middle half. The permuted twin is the negative control.",
    ),
    "state_matrix": (
        "How well the hidden states of each network predict those of the others",
        "Information sufficiency (Gaussian, nats) between the last layer's states on prefixes out of "
        "distribution. Networks are grouped by arm, and the diagonal is left out.",
    ),
    "auc_bars": (
        "Which measures separate arms of equal loss",
        "Probability that two networks of one arm are more similar than two of different arms, averaged over "
        "architectures. Filled marks: p < 0.05 by permuting arms among networks. Larger marks: more noise. "
        "At 0.5 per measure does not separate the arms.",
    ),
    "generalisation": (
        "Kinds of generalisation at equal loss",
        "Above: how often each network answers new prompts by the rule, one mark per seed, with the mean "
        "as a line. Dashed: the accuracy of another prompt's answer. Below: the shares of seeds by "
        "behaviour. A seed is mixed if too few of its answers agree with any one behaviour.",
    ),
    "kind_bridge": (
        "Do similar hidden states answer new prompts alike?",
        "Spearman's ρ, within architectures, of how similar two networks are by a measure and how often "
        "their answers to new prompts differ. Lines are 95 % intervals over networks. Filled marks: p < 0.05 "
        "by permuting networks. States are those after prompts in distribution, or after the new prompts. "
        "With fewer than three networks per architecture there are no marks.",
    ),
    "design": (
        "Which settings decide rule extrapolation at equal loss",
        "How often each network obeys the rule on new prompts, with one panel per factor of a designed "
        "experiment. Every network is in every panel. Lines are means. Factors do not depend on one another.",
    ),
    "practice": (
        "In practice: how two models of real text with one test loss differ",
        "Left: the share of held-out texts on which two models give different answers, with 95 % intervals "
        "over models and texts. The test loss is compared by its relative difference. Right: the same of two "
        "ensembles without a common member, with 95 % of draws.",
    ),
}


def _drawers() -> dict[str, tuple[Callable[..., Drawn], tuple[str, ...]]]:
    """For each figure, what draws it and from which tables; imported here, so that a plan starts soon."""
    from suffice.kinds.saturation.figure_auc import draw_auc_bars
    from suffice.kinds.saturation.figure_cloud import draw_cloud
    from suffice.kinds.saturation.figure_design import draw_design
    from suffice.kinds.saturation.figure_generalisation import draw_generalisation
    from suffice.kinds.saturation.figure_kind_bridge import draw_kind_bridge
    from suffice.kinds.saturation.figure_matrix import draw_state_matrix
    from suffice.kinds.saturation.figure_practice import draw_practice
    from suffice.kinds.saturation.figure_tuning import draw_tuning_curves
    from suffice.kinds.saturation.figure_twins import draw_twin_gap

    kinds = ("generalisation", "generalisation_baselines", "generalisation_behaviours")
    return {
        "cloud": (draw_cloud, ("cloud", "baselines")),
        "twin_gap": (draw_twin_gap, ("twins", "pairs")),
        "tuning_curves": (draw_tuning_curves, ("curves",)),
        "state_matrix": (draw_state_matrix, ("bridge_directed",)),
        "auc_bars": (draw_auc_bars, ("bridge_auc",)),
        "generalisation": (draw_generalisation, kinds),
        "kind_bridge": (draw_kind_bridge, ("generalisation_bridge",)),
        "design": (draw_design, ("design",)),
        "practice": (draw_practice, ("practice_differences", "practice_ensembles")),
    }


def draw_saturation_figure(name: str, tables: Path) -> Drawn:
    """Draw a figure of `FIGURES` from the tables of a study.

    Args:
        name: of the figure.
        tables: folder of the tables.
    """
    draw, needed = _drawers()[name]
    return draw(*(read_table(tables / f"{table}.csv") for table in needed))


def draw_saturation_figures(tables: Path, folder: Path) -> None:
    """Draw every figure of `FIGURES` from the tables of a study and write it into a folder."""
    for name in FIGURES:
        save_figure(draw_saturation_figure(name, tables), folder / name)
