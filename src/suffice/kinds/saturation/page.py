"""The page of a study of equal test loss: one self-contained HTML file."""

from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.saturation.bridge_tables import ARMS_APART, IN_CONTEXT, READ_OUT_APART
from suffice.kinds.saturation.figures import FIGURES
from suffice.kinds.saturation.generalisation import get_kind
from suffice.kinds.saturation.generalisation_tables import CHANCE
from suffice.kinds.saturation.languages import get_language
from suffice.kinds.saturation.prompts import OUT_TEST
from suffice.kinds.saturation.settings import SaturationSettings
from suffice.kinds.saturation.verdict import headline
from suffice.numbers import Column, correlation, integer, interval, number, text
from suffice.page.figures import FigureView, view_figure
from suffice.page.made import write_page
from suffice.page.tables import Table, make_table
from suffice.storage.files import read_table, whole_files

VERDICT = (
    Column("case", "Part"),
    Column("where", "Of"),
    Column("asked", "Asked"),
    Column("shown", "Shown"),
    Column("measured", "Measured", number),
    Column("note", "Note", text),
)
PLACE = (Column("language", "Language"), Column("architecture", "Architecture"), Column("arm", "Arm"))
ARMS = (
    *PLACE,
    Column("excess_nats", "Excess, nats per string", number),
    Column("id", "Rule 1, in distribution", number),
    Column("ood", "Rule 1, unseen prompts", number),
    Column("ood_low", "95 % interval", interval, "ood_low", "ood_high"),
    Column("ood_finished", "finished only", number),
    Column("trained", "Rule 1, training prompts", number),
    Column("rule_2_after", "Rule 2 after the prompt", number),
    Column("finished", "Finished", number),
    Column("n_seeds", "Seeds", integer),
)
EQUIVALENCE = (
    *PLACE[:2],
    Column("first", "Arm"),
    Column("second", "Other arm"),
    Column("difference", "Difference, nats per string", number),
    Column("low", "90 % interval", interval, "low", "high"),
    Column("p_value", "p", number),
    Column("equivalent", "Equal"),
)
TELLS = (
    *PLACE[:2],
    Column("among", "Among"),
    Column("spearman", "Spearman's ρ of excess and rule 1", correlation),
    Column("p_value", "p", number),
    Column("n_networks", "Networks", integer),
)
BASELINES = (
    Column("language", "Language"),
    Column("baseline", "Without a model"),
    Column("part", "Prompts"),
    Column("accuracy", "Rule 1", number),
    Column("n_prompts", "Completions", integer),
)
TWINS = (
    Column("n_examples", "Examples", integer),
    Column("accuracy_mixture", "Mixture", number),
    Column("accuracy_twin", "Twin", number),
    Column("form_probability", "P(form)", number),
    Column("kl_nats", "KL, nats per document", number),
    Column("kl_max_nats", "at most", number),
)
PAIRS = (
    Column("quantity", "Quantity"),
    Column("n_examples", "Examples", integer),
    Column("likelihood", "Likelihood", number),
    Column("mislabelling", "Mislabelling", number),
    Column("ceiling", "Bayes' rule", number),
    Column("mean", "Difference", number),
    Column("low", "95 % interval", interval, "low", "high"),
    Column("n_seeds", "Seeds", integer),
)
TUNING = (
    Column("optimiser", "Optimiser"),
    Column("rate", "Learning rate"),
    Column("twin", "Twin"),
    Column("measure", "Measure"),
    Column("value", "Twin", number),
    Column("unchanged", "Unchanged", number),
    Column("mean", "Difference", number),
    Column("low", "95 % interval", interval, "low", "high"),
    Column("quotient", "Quotient", number),
    Column("reached", "Reached", number),
    Column("at_edge", "Rate at the grid's edge", number),
    Column("n_seeds", "Seeds", integer),
)
AUC = (
    Column("contrast", "Contrast"),
    Column("measure", "Measure"),
    Column("probe", "Prefixes"),
    Column("noise", "Noise", number),
    Column("auc", "AUC", correlation),
    Column("p_value", "p", number),
    Column("n_networks", "Networks", integer),
)
BEHAVIOUR = (
    Column("measure", "Measure"),
    Column("probe", "Prefixes"),
    Column("noise", "Noise", number),
    Column("spearman", "Spearman's ρ with the difference in rule 1", correlation),
    Column("p_value", "p", number),
)
KINDS = (
    *PLACE[:2],
    Column("measure", "Measure"),
    Column("probe", "Prefixes"),
    Column("kind", "Pairs"),
    Column("mean", "Mean", number),
    Column("least", "Range", interval, "least", "most"),
    Column("n_pairs", "Pairs", integer),
)
FLOOR = (
    *PLACE[:2],
    Column("measure", "Measure"),
    Column("probe", "Prefixes"),
    Column("floor_nats", "Largest difference by a twin, nats", number),
    Column("spread_nats", "Spread of all pairs, nats", number),
)
GENERALISATION = (
    Column("kind", "Kind"),
    Column("part", "Prompts"),
    Column("architecture", "Architecture"),
    Column("mean", "Accuracy", number),
    Column("low", "95 % interval", interval, "low", "high"),
    Column("least", "Range", interval, "least", "most"),
    Column("chance", "Another answer", number),
    Column("excess_nats", "Excess, nats per string", number),
    Column("n_seeds", "Seeds", integer),
)
BEHAVIOURS = (
    Column("kind", "Kind"),
    Column("part", "Prompts"),
    Column("architecture", "Architecture"),
    Column("behaviour", "Behaviour"),
    Column("n_with", "Seeds with it", integer),
    Column("n_seeds", "Seeds", integer),
    Column("share", "Share", number),
    Column("low", "95 % interval", interval, "low", "high"),
)
ORDERS = (
    Column("first", "Kind"),
    Column("second", "Other kind"),
    Column("among", "Among"),
    Column("spearman", "Spearman's ρ", correlation),
    Column("low", "95 % interval", interval, "low", "high"),
    Column("n", "Architectures", integer),
)
BIAS = (
    Column("kind", "Kind"),
    Column("part", "Prompts"),
    Column("information_nats", "Architecture and behaviour, nats", number),
    Column("chance_information_nats", "by chance", number),
    Column("p_information", "p", number),
    Column("share_of_variance", "Variance between architectures", number),
    Column("chance_share_of_variance", "by chance", number),
    Column("p_variance", "p", number),
    Column("n_networks", "Networks", integer),
)
KIND_EQUIVALENCE = (
    Column("kind", "Kind"),
    Column("first", "Architecture"),
    Column("second", "Other architecture"),
    *EQUIVALENCE[4:],
)
PUBLISHED = (
    Column("source", "Source"),
    Column("language", "Language"),
    Column("architecture", "Architecture"),
    Column("arm", "Arm"),
    Column("n_runs", "Runs", integer),
    Column("excess_nats", "Excess, nats per string", number),
    Column("test_loss", "Test loss, nats per position", number),
    Column("id_rule_1", "Rule 1, in distribution", number),
    Column("ood_rule_1", "Rule 1, out of distribution", number),
    Column("flaws", "Known flaws", text),
)


def page_of_saturation(settings: SaturationSettings, output: Path) -> None:
    """Write the page; tables, figures and summary are in folders beside it."""
    tables = {path.stem: read_table(path) for path in whole_files(output.parent / "tables", "*.csv")}
    verdict = read_table(output.parent / "summary.csv")
    write_page(
        output,
        "saturation/page.html.j2",
        settings.seed,
        _configuration(settings),
        settings=settings,
        headline=headline(verdict),
        facts=_facts(tables, verdict),
        languages=_languages(settings),
        kinds_of_generalisation=_kinds(settings),
        figures=_figures(output.parent / "figures"),
        **_content(tables, verdict),
    )


def _configuration(settings: SaturationSettings) -> dict[str, Any]:
    """The settings in use, with only the chosen scale."""
    content = settings.model_dump(mode="json")
    return {**content, "scales": {settings.scale: content["scales"][settings.scale]}}


def _content(tables: dict[str, pd.DataFrame], verdict: pd.DataFrame) -> dict[str, Any]:
    baselines = tables["baselines"]
    return {
        "verdict": make_table(
            _yes_or_no(verdict, "shown"), VERDICT, "Requirements and results", 1, "verdict.csv"
        ),
        "arms": make_table(wide_arms(tables["arms"]), ARMS, "Means over seeds", 2),
        "equivalence": make_table(
            _yes_or_no(tables["equivalence"], "equivalent"), EQUIVALENCE, "Two one-sided tests of losses", 2
        ),
        "tells": make_table(tables["loss_tells"], TELLS, "Does the loss predict behaviour?"),
        "baselines": make_table(
            baselines[baselines["rule"] == "rule_1"], BASELINES, "Rule 1 without a model", 1
        ),
        "twins": make_table(tables["twins"], TWINS, "The exact twin"),
        "pairs_table": make_table(tables["pair_differences"], PAIRS, "Pairs trained to the same loss"),
        "tuning": make_table(tables["tuning_contrasts"], TUNING, "Twins against the unchanged network", 2),
        **_bridge_content(tables),
        **_kind_content(tables),
        "published": make_table(tables["published"], PUBLISHED, "Published, for reference")
        if len(tables["published"])
        else None,
    }


def _bridge_content(tables: dict[str, pd.DataFrame]) -> dict[str, Table | None]:
    areas = tables["bridge_auc"]
    floor = tables["bridge_floor"]
    return {
        "auc": _areas(areas, ARMS_APART, "Separation of arms"),
        "read_out": _areas(areas, READ_OUT_APART, "The planned counterexample"),
        "in_context": _areas(areas, IN_CONTEXT, "Separation of trained pairs"),
        "behaviour": make_table(tables["bridge_behaviour"], BEHAVIOUR, "Behaviour predicted"),
        "kinds": make_table(tables["bridge_kinds"], KINDS, "Pairs by their arms", 4),
        "floor": make_table(floor, FLOOR, "The noise floor", 1) if len(floor) else None,
    }


def _kind_content(tables: dict[str, pd.DataFrame]) -> dict[str, Table]:
    shares = tables["generalisation_behaviours"]
    return {
        "generalisation": make_table(wide_kinds(tables), GENERALISATION, "Means over seeds", 2),
        "behaviours": make_table(
            shares[shares["n_with"] > 0], BEHAVIOURS, "Shares of seeds by their behaviour", 2
        ),
        "bias": make_table(tables["generalisation_bias"], BIAS, "What the architecture decides", 1),
        "orders": make_table(tables["generalisation_orders"], ORDERS, "Do kinds order networks alike?", 1),
        "kind_equivalence": make_table(
            _yes_or_no(tables["generalisation_equivalence"], "equivalent"),
            KIND_EQUIVALENCE,
            "Two one-sided tests of losses",
            2,
        ),
    }


def wide_kinds(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Accuracy of each architecture on each part, with the mean excess and the accuracy of another answer."""
    means, baselines = tables["generalisation_means"], tables["generalisation_baselines"]
    accuracy = means[means["quantity"] == "accuracy"]
    excess = means[means["quantity"] == "excess_nats"].rename(columns={"mean": "excess_nats"})
    chance = baselines[baselines["baseline"] == CHANCE].rename(columns={"accuracy": "chance"})
    return accuracy.merge(chance[["kind", "part", "chance"]], on=["kind", "part"]).merge(
        excess[["kind", "architecture", "excess_nats"]], on=["kind", "architecture"]
    )


def _kinds(settings: SaturationSettings) -> dict[str, str]:
    """The rule of each kind of generalisation, and what is new."""
    return {
        name: f"{get_kind(name).text}. New: {'; '.join(get_kind(name).splits.values())}"
        for name in settings.chosen.generalisation.kinds
    }


def _areas(areas: pd.DataFrame, contrast: str, caption: str) -> Table:
    return make_table(areas[areas["contrast"] == contrast], AUC, caption, 1)


def _yes_or_no(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.assign(**{column: table[column].map({True: "yes", False: "no"})})


def wide_arms(arms: pd.DataFrame) -> pd.DataFrame:
    """One row per language, architecture and arm, from the rows of `arm_table`."""
    keys = ["language", "architecture", "arm"]
    wide = arms.assign(part=arms["part"].fillna("")).set_index([*keys, "quantity", "part"])
    short = {
        "excess_nats": ("excess_nats", "", "mean"),
        "id": ("rule_1", "in distribution", "mean"),
        "trained": ("rule_1", "out of distribution, training", "mean"),
        "ood": ("rule_1", OUT_TEST, "mean"),
        "ood_low": ("rule_1", OUT_TEST, "low"),
        "ood_high": ("rule_1", OUT_TEST, "high"),
        "ood_finished": ("rule_1_finished", OUT_TEST, "mean"),
        "rule_2_after": ("rule_2_after", OUT_TEST, "mean"),
        "finished": ("finished", OUT_TEST, "mean"),
        "n_seeds": ("rule_1", OUT_TEST, "n_seeds"),
    }
    columns = {
        name: wide.xs((quantity, part), level=("quantity", "part"))[value]
        for name, (quantity, part, value) in short.items()
    }
    return pd.DataFrame(columns).loc[list(dict.fromkeys(map(tuple, arms[keys].to_numpy())))].reset_index()


def _facts(tables: dict[str, pd.DataFrame], verdict: pd.DataFrame) -> list[dict[str, str]]:
    cloud = tables["cloud"]
    usual = cloud[cloud["reached"]]
    last = tables["twins"].sort_values("n_examples").iloc[-1]
    return [
        {
            "name": "networks with equal loss",
            "value": f"{len(usual)} of {len(cloud)}",
            "detail": f"largest excess {number(usual['excess_nats'].max())} nats per string",
        },
        {
            "name": "rule 1 on unseen prompts",
            "value": interval(usual["ood_rule_1"].min(), usual["ood_rule_1"].max()),
            "detail": "lowest and highest of these networks",
        },
        {
            "name": "exact twin",
            "value": number(last["accuracy_mixture"] - last["accuracy_twin"]),
            "detail": f"gap in accuracy at a divergence of {number(last['kl_nats'])} nats per document",
        },
        {
            "name": "requirements met",
            "value": f"{int(verdict['shown'].sum())} of {len(verdict)}",
            "detail": "listed in the table below",
        },
    ]


def _languages(settings: SaturationSettings) -> dict[str, str]:
    """Notation and rules of each language."""
    return {
        f"{name}: {get_language(name).notation}": f"rule 1: {get_language(name).rule_1_text}; "
        f"rule 2: {get_language(name).rule_2_text}"
        for name in settings.chosen.languages
    }


def _figures(folder: Path) -> dict[str, FigureView]:
    return {name: view_figure(*words, "", folder / f"{name}.svg") for name, words in FIGURES.items()}
