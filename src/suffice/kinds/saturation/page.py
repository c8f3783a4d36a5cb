"""The page of a study of equal test loss: one self-contained HTML file."""

from pathlib import Path
from typing import Any

import pandas as pd

from suffice.kinds.saturation import page_columns as columns
from suffice.kinds.saturation.bridge_tables import ARMS_APART, IN_CONTEXT, READ_OUT_APART
from suffice.kinds.saturation.figures import FIGURES
from suffice.kinds.saturation.generalisation import get_kind
from suffice.kinds.saturation.generalisation_tables import CHANCE
from suffice.kinds.saturation.languages import get_language
from suffice.kinds.saturation.practice_tables import ALL, CHOICE, CONTINUATION, LOSS, NEIGHBOURS, TOKEN
from suffice.kinds.saturation.prompts import OUT_TEST
from suffice.kinds.saturation.real_texts import OTHER, TEST
from suffice.kinds.saturation.settings import SaturationSettings
from suffice.kinds.saturation.verdict import headline
from suffice.numbers import interval, number, percent
from suffice.page.figures import FigureView, view_figure
from suffice.page.made import write_page
from suffice.page.tables import Table, make_table
from suffice.storage.files import read_table, whole_files


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
        practice=practice_findings(tables, settings.chosen.practice.texts.continuation_tokens),
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
            _yes_or_no(verdict, "shown"), columns.VERDICT, "Requirements and results", 1, "verdict.csv"
        ),
        "arms": make_table(wide_arms(tables["arms"]), columns.ARMS, "Means over seeds", 2),
        "equivalence": make_table(
            _yes_or_no(tables["equivalence"], "equivalent"),
            columns.EQUIVALENCE,
            "Two one-sided tests of losses",
            2,
        ),
        "tells": make_table(tables["loss_tells"], columns.TELLS, "Does the loss predict behaviour?"),
        "baselines": make_table(
            baselines[baselines["rule"] == "rule_1"], columns.BASELINES, "Rule 1 without a model", 1
        ),
        "twins": make_table(tables["twins"], columns.TWINS, "The exact twin"),
        "pairs_table": make_table(
            tables["pair_differences"], columns.PAIRS, "Pairs trained to the same loss"
        ),
        "tuning": make_table(
            tables["tuning_contrasts"], columns.TUNING, "Twins against the unchanged network", 2
        ),
        **_bridge_content(tables),
        **_kind_content(tables),
        **_practice_content(tables),
        "published": make_table(tables["published"], columns.PUBLISHED, "Published, for reference")
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
        "behaviour": make_table(tables["bridge_behaviour"], columns.BEHAVIOUR, "Behaviour predicted"),
        "kinds": make_table(tables["bridge_kinds"], columns.KINDS, "Pairs by their arms", 4),
        "floor": make_table(floor, columns.FLOOR, "The noise floor", 1) if len(floor) else None,
    }


def _kind_content(tables: dict[str, pd.DataFrame]) -> dict[str, Table]:
    shares = tables["generalisation_behaviours"]
    return {
        "generalisation": make_table(wide_kinds(tables), columns.GENERALISATION, "Means over seeds", 2),
        "behaviours": make_table(
            shares[shares["n_with"] > 0], columns.BEHAVIOURS, "Shares of seeds by their behaviour", 2
        ),
        "bias": make_table(tables["generalisation_bias"], columns.BIAS, "What the architecture decides", 1),
        "orders": make_table(
            tables["generalisation_orders"], columns.ORDERS, "Do kinds order networks alike?", 1
        ),
        "kind_bridge": make_table(
            tables["generalisation_bridge"].replace({"_": " "}, regex=True),
            columns.KIND_BRIDGE,
            "Do similar hidden states answer alike?",
            3,
        ),
        "effects": make_table(tables["design_effects"], columns.EFFECTS, "Main effects of settings", 1),
        "functions": make_table(tables["initial_functions"], columns.FUNCTIONS, "Functions before training"),
        "initial": make_table(
            tables["initial_relations"], columns.INITIAL_RELATIONS, "Simplicity before, accuracy after", 1
        ),
        "kind_equivalence": make_table(
            _yes_or_no(tables["generalisation_equivalence"], "equivalent"),
            columns.KIND_EQUIVALENCE,
            "Two one-sided tests of losses",
            2,
        ),
    }


def _practice_content(tables: dict[str, pd.DataFrame]) -> dict[str, Table]:
    return {
        "differences": make_table(
            tables["practice_differences"], columns.DIFFERENCES, "How often two models differ", 0
        ),
        "ranges": make_table(tables["practice_ranges"], columns.RANGES, "How far models lie apart"),
        "text_models": make_table(tables["practice_models"], columns.TEXT_MODELS, "Models of real text"),
        "text_equivalence": make_table(
            _yes_or_no(tables["practice_equivalence"], "equivalent"),
            columns.TEXT_EQUIVALENCE,
            "Two one-sided tests of test losses",
        ),
        "text_states": make_table(
            tables["practice_states"], columns.TEXT_STATES, "Hidden states of models of text"
        ),
        "relations": make_table(
            tables["practice_relations"], columns.RELATIONS, "Do similar models answer alike?"
        ),
        "ensembles": make_table(tables["practice_ensembles"], columns.ENSEMBLES, "Ensembles"),
        "choices": make_table(
            tables["practice_choices"], columns.CHOICES, "Choosing a model by a few labels"
        ),
    }


def practice_findings(tables: dict[str, pd.DataFrame], n_tokens: int) -> dict[str, str]:
    """What two models with one test loss differ by, in words, from the tables of case 5."""
    found = tables["practice_differences"]
    found = found[(found["domain"] == TEST) & (found["differing"] == ALL)].set_index("question")
    mean, low, high = (found[column].to_dict() for column in ("mean", "low", "high"))
    said = {
        "test loss": (LOSS, "of the loss"),
        f"next {n_tokens} tokens, written greedily": (CONTINUATION, "of prompts"),
        "next token": (TOKEN, "of prompts"),
        "first choice among continuations": (CHOICE, "of prompts"),
        "nearest texts by hidden states": (NEIGHBOURS, "of neighbours"),
    }
    words = {
        name: f"{percent(mean[question])} {of} ({percent(low[question])} to {percent(high[question])})"
        for name, (question, of) in said.items()
    }
    ranges = tables["practice_ranges"].set_index(["quantity", "domain"])["range"]
    apart = ranges["loss, nats per token", OTHER]
    return {**words, "loss on another package": f"{number(apart)} nats per token between best and worst"}


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
    return make_table(areas[areas["contrast"] == contrast], columns.AUC, caption, 1)


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
