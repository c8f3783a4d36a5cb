"""The requirements for a study of equal test loss, its results, and whether they are met."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from suffice.kinds.saturation.arms import ADVERSARIAL, LIKELIHOOD, ORACLE, READ_OUT
from suffice.kinds.saturation.practice_tables import ALL, CHOICE
from suffice.kinds.saturation.prompts import IN
from suffice.kinds.saturation.real_texts import TEST
from suffice.kinds.saturation.rule_tables import WITHIN, named, separated
from suffice.kinds.saturation.settings import Acceptance, SaturationSettings
from suffice.kinds.saturation.tuned_twins import COMMON, PERMUTED

CASE_1, CASE_2, CASE_3 = "rule extrapolation", "in-context learning", "fine-tuning"
CASE_4, CASE_5 = "kinds of generalisation", "in practice"
MAIN_ARMS = (LIKELIHOOD, ADVERSARIAL, ORACLE)
VERDICT_COLUMNS = ("case", "where", "asked", "measured", "shown", "note")
ENOUGH_SEEDS = 10
SAME_NATS = 1e-3  # rounding changes a curve by less


@dataclass(frozen=True)
class Check:
    """One requirement.

    Attributes:
        case: part of the study.
        where: language and architecture, or another description of the number.
        asked: the requirement in words, with its number.
        measured: the measured number.
        shown: whether the requirement is met.
        note: a note for the reader.
    """

    case: str
    where: str
    asked: str
    measured: float
    shown: bool
    note: str = ""


def verdict_table(tables: Mapping[str, pd.DataFrame], settings: SaturationSettings) -> pd.DataFrame:
    """One row per acceptance number.

    Args:
        tables: cloud, arms, equivalence, twins, pair_differences, functions, tuning_contrasts,
            generalisation, generalisation_equivalence, generalisation_means, practice_models,
            practice_equivalence, practice_differences.
        settings: of the study.

    Returns:
        Rows with `VERDICT_COLUMNS`.
    """
    accept = settings.acceptance
    checks = [
        *_rule_checks(tables, accept),
        *_in_context_checks(tables, accept),
        *_tuning_checks(tables, accept),
        *_kind_checks(tables, accept),
        *_practice_checks(tables, accept),
    ]
    return pd.DataFrame([asdict(check) for check in checks], columns=list(VERDICT_COLUMNS))


def _rule_checks(tables: Mapping[str, pd.DataFrame], accept: Acceptance) -> Iterator[Check]:
    for key, networks in tables["cloud"].groupby(WITHIN, sort=False):
        where = ", ".join(map(str, key))
        place = named(WITHIN, key)
        main = networks[networks["arm"].isin(MAIN_ARMS)]
        yield _excess_check(where, main, accept)
        yield _equivalence_check(where, _of(tables["equivalence"], place), accept)
        yield _inside_check(where, main)
        yield _apart_check(where, _of(tables["arms"], place))
        planned = networks[networks["arm"] == READ_OUT]
        if len(planned):
            yield _excess_check(f"{where}, {READ_OUT}", planned, accept)


def _of(table: pd.DataFrame, place: Mapping[str, object]) -> pd.DataFrame:
    return table[np.logical_and.reduce([table[column] == value for column, value in place.items()])]


def _excess_check(where: str, networks: pd.DataFrame, accept: Acceptance) -> Check:
    most, n_reached = float(networks["excess_nats"].max()), int(networks["reached"].sum())
    asked = f"the excess of every network is at most {accept.excess_nats:g} nats per string"
    note = f"{n_reached} of {len(networks)} networks met both targets of their training"
    return Check(CASE_1, where, asked, most, most <= accept.excess_nats, note)


def _equivalence_check(where: str, tests: pd.DataFrame, accept: Acceptance) -> Check:
    main = tests[tests["first"].isin(MAIN_ARMS) & tests["second"].isin(MAIN_ARMS)]
    asked = f"losses of arms differ by less than {accept.margin_nats:g} nats per string (two one-sided tests)"
    most = float(main["difference"].abs().max())
    note = f"{int(main['equivalent'].sum())} of {len(main)} pairs of arms are equivalent"
    return Check(CASE_1, where, asked, most, bool(main["equivalent"].all()), note)


def _inside_check(where: str, networks: pd.DataFrame) -> Check:
    least = float(networks["id_rule_1"].min())
    asked = "every network obeys rule 1 on all prompts in distribution"
    note = f"smallest share of finished completions of unseen prompts: {networks['finished_ood'].min():.2f}"
    return Check(CASE_1, where, asked, least, least == 1, note)


def _apart_check(where: str, arms: pd.DataFrame) -> Check:
    apart = separated(arms, MAIN_ARMS)
    n_seeds = int(arms["n_seeds"].max())
    asked = "95 % intervals of arms for rule 1 on unseen prompts do not overlap (smallest gap)"
    few = f"{n_seeds} seeds; {ENOUGH_SEEDS} are needed" if n_seeds < ENOUGH_SEEDS else f"{n_seeds} seeds"
    enough = bool(apart["apart"].all()) and n_seeds >= ENOUGH_SEEDS
    touching = [f"{row.first} and {row.second} overlap" for row in apart.itertuples() if not row.apart]
    return Check(CASE_1, where, asked, float(apart["gap"].min()), enough, "; ".join([few, *touching]))


def _in_context_checks(tables: Mapping[str, pd.DataFrame], accept: Acceptance) -> Iterator[Check]:
    yield from _twin_checks(tables["twins"], accept)
    differences = tables["pair_differences"]
    loss = differences[differences["quantity"] == "excess_nats"].iloc[0]
    n_seeds = int(loss["n_seeds"])
    where = f"trained pair, {n_seeds} seeds"
    asked = f"losses differ by less than {accept.margin_nats:g} nats per token (two one-sided tests)"
    note = (
        f"likelihood {loss['likelihood']:.3f}, mislabelling {loss['mislabelling']:.3f} nats above the lowest"
    )
    equal = bool(loss["equivalent"]) and loss["largest"] <= accept.margin_nats
    yield Check(CASE_2, where, asked, float(loss["largest"]), equal, note)
    asked_of = differences[differences["quantity"] == "accuracy"].sort_values("n_examples")
    none, most = asked_of.iloc[0], asked_of.iloc[-1]
    asked = f"accuracy with {most['n_examples']} examples differs by {accept.in_context_difference:g} or more"
    note = f"likelihood {most['likelihood']:.2f}, ceiling {most['ceiling']:.2f}"
    mean = float(most["mean"])
    yield Check(CASE_2, where, asked, mean, mean >= accept.in_context_difference, note)
    asked = f"accuracy without examples differs by {accept.zero_shot_difference:g} or less"
    note = f"95 % interval {none['low']:.2f} to {none['high']:.2f}"
    mean = float(none["mean"])
    yield Check(CASE_2, where, asked, mean, abs(mean) <= accept.zero_shot_difference, note)


def _twin_checks(twins: pd.DataFrame, accept: Acceptance) -> Iterator[Check]:
    ordered = twins.sort_values("n_examples")
    last = ordered.iloc[-1]
    where = "exact twin"
    gap = float(last["accuracy_mixture"] - last["accuracy_twin"])
    asked = f"the gap with {last['n_examples']:.0f} examples is at least {accept.twin_gap:g}"
    yield Check(
        CASE_2, where, asked, gap, gap >= accept.twin_gap, f"KL {last['kl_nats']:.1e} nats per document"
    )
    twin = float(last["accuracy_twin"])
    yield Check(CASE_2, where, f"twin at most at chance, {last['chance']:.3f}", twin, twin <= last["chance"])
    prompts = ordered[ordered["n_examples"] > 0]
    falls = bool((prompts["kl_max_nats"].diff().dropna() < 0).all())
    quotient = float(prompts["kl_nats"].iloc[0] / prompts["kl_nats"].iloc[-1])
    note = "falls at every step" if falls else "does not fall at every step"
    asked = "KL falls by orders of magnitude with more examples (factor 100)"
    yield Check(CASE_2, where, asked, quotient, falls and quotient >= 100, note)


def _tuning_checks(tables: Mapping[str, pd.DataFrame], accept: Acceptance) -> Iterator[Check]:
    functions, contrasts = tables["functions"], tables["tuning_contrasts"]
    most = float(functions["logit_difference"].max())
    asked = f"logits of twins differ by at most {accept.logit_difference:g} before tuning"
    note = f"losses differ by at most {functions['loss_difference_nats'].max():.1e} nats per string"
    yield Check(CASE_3, "all twins", asked, most, most <= accept.logit_difference, note)
    for optimiser, rows in contrasts.groupby("optimiser", sort=False):
        yield from _optimiser_checks(str(optimiser), rows, accept)


def _optimiser_checks(optimiser: str, rows: pd.DataFrame, accept: Acceptance) -> Iterator[Check]:
    common = rows[(rows["rate"] == COMMON)]
    permuted = common[(common["twin"] == PERMUTED) & (common["measure"] == "mean_excess_nats")].iloc[0]
    inside = permuted["low"] <= 0 <= permuted["high"] or abs(permuted["mean"]) < SAME_NATS
    asked = f"a new order of units changes the mean excess by 0, or less than {SAME_NATS:g} nats"
    note = f"95 % interval {permuted['low']:.2g} to {permuted['high']:.2g} nats"
    yield Check(CASE_3, f"{optimiser}, permuted", asked, float(permuted["mean"]), bool(inside), note)
    rescaled = common[common["twin"].str.startswith("rescaled") & (common["measure"] == "steps_to_threshold")]
    factors = rescaled["quotient"].where(rescaled["quotient"] >= 1, 1 / rescaled["quotient"])
    found = rescaled.iloc[int(np.argmax(factors))]
    sure = not found["low"] <= 0 <= found["high"]
    asked = f"steps to the threshold differ by a factor of {accept.step_factor:g} at a common rate"
    note = (
        f"{found['twin']}: {found['value']:.0f} steps, unchanged {found['unchanged']:.0f}; "
        f"{100 * found['reached']:.0f} % reached it; interval {'excludes' if sure else 'includes'} 0"
    )
    shown = bool(factors.max() >= accept.step_factor and sure)
    yield Check(CASE_3, f"{optimiser}, rescaled", asked, float(factors.max()), shown, note)


def _kind_checks(tables: Mapping[str, pd.DataFrame], accept: Acceptance) -> Iterator[Check]:
    for kind, networks in tables["generalisation"].groupby("kind", sort=False):
        inside = networks[networks["part"] == IN]
        tests = _of(tables["generalisation_equivalence"], {"kind": kind})
        yield _kind_excess_check(str(kind), inside, accept)
        yield _kind_equivalence_check(str(kind), tests, accept)
        least = float(inside["accuracy"].min())
        asked = "every network answers all prompts in distribution by the rule"
        yield Check(CASE_4, str(kind), asked, least, least == 1)
        means = _of(tables["generalisation_means"], {"kind": kind, "quantity": "accuracy"})
        for part, rows in means[means["part"] != IN].groupby("part", sort=False):
            yield _architectures_apart_check(f"{kind}, {part}", rows)


def _kind_excess_check(kind: str, networks: pd.DataFrame, accept: Acceptance) -> Check:
    most, n_reached = float(networks["excess_nats"].max()), int(networks["reached"].sum())
    asked = f"the excess of every network is at most {accept.excess_nats:g} nats per string"
    note = f"{n_reached} of {len(networks)} networks met the target of their training"
    return Check(CASE_4, kind, asked, most, most <= accept.excess_nats, note)


def _kind_equivalence_check(kind: str, tests: pd.DataFrame, accept: Acceptance) -> Check:
    margin = accept.margin_nats
    asked = f"losses of architectures differ by less than {margin:g} nats per string (two one-sided tests)"
    note = f"{int(tests['equivalent'].sum())} of {len(tests)} pairs of architectures are equivalent"
    most = float(tests["difference"].abs().max())
    return Check(CASE_4, kind, asked, most, bool(tests["equivalent"].all()), note)


def _architectures_apart_check(where: str, means: pd.DataFrame) -> Check:
    n_seeds = int(means["n_seeds"].max())
    ordered = means.sort_values("mean", kind="stable")
    best, worst = ordered.iloc[-1], ordered.iloc[0]
    gap = float(best["low"] - worst["high"])
    asked = "95 % intervals of the best and the worst architecture on new prompts do not overlap (gap)"
    few = f"; {ENOUGH_SEEDS} are needed" if n_seeds < ENOUGH_SEEDS else ""
    note = (
        f"{best['architecture']} {best['mean']:.2f}, {worst['architecture']} {worst['mean']:.2f}; "
        f"{n_seeds} seeds{few}"
    )
    return Check(CASE_4, where, asked, gap, gap > 0 and n_seeds >= ENOUGH_SEEDS, note)


def _practice_checks(tables: Mapping[str, pd.DataFrame], accept: Acceptance) -> Iterator[Check]:
    models, tests = tables["practice_models"], tables["practice_equivalence"]
    margin = accept.practice_margin_nats
    asked = f"test losses of positions differ by less than {margin:g} nats per token (two one-sided tests)"
    note = (
        f"{int(tests['equivalent'].sum())} of {len(tests)} pairs of architectures are equivalent; "
        f"{int(models['reached'].sum())} of {len(models)} models reached the loss of the checks"
    )
    most, equal = float(tests["difference"].abs().max()), bool(tests["equivalent"].all())
    yield Check(CASE_5, "real text", asked, most, equal, note)
    place = {"domain": TEST, "question": CHOICE, "differing": ALL}
    found = _of(tables["practice_differences"], place).iloc[0]
    asked = f"two models choose differently on at least {accept.practice_difference:g} of prompts"
    note = f"95 % interval {found['low']:.2f} to {found['high']:.2f}"
    differ = bool(found["low"] >= accept.practice_difference)
    yield Check(CASE_5, "real text", asked, float(found["mean"]), differ, note)


def headline(verdict: pd.DataFrame) -> str:
    """The number of requirements that were met, in a sentence."""
    return f"{int(verdict['shown'].sum())} of {len(verdict)} requirements were met."
