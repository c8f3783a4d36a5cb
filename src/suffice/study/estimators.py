"""The estimators of a study: defaults, settings, and rankings by several together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from suffice.errors import StudyError
from suffice.estimators.base import Estimator
from suffice.estimators.registry import get_estimator
from suffice.settings import did_you_mean
from suffice.study.names import check_key
from suffice.study.tables import checked

COMBINES, TARGETS = "combines", "targets"


@dataclass(frozen=True)
class EstimatorChoice:
    """An estimator in a study: a name, a kind and its settings.

    Attributes:
        targets: its own targets; empty: those of the study.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    targets: tuple[str, ...] = ()

    def build(self, seed: int, device: str) -> Estimator[Any]:
        """The estimator itself."""
        return get_estimator(self.kind)(seed=seed, device=device, **self.settings)


def by_default(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The entries of `estimators` for some families: their combination if there are several, then each."""
    together = {"-and-".join(names): {COMBINES: list(names)}} if len(names) > 1 else {}
    return {**together, **{name: {} for name in names}}


def read_estimators(
    path: Path, given: Mapping[str, dict[str, Any]], seed: int, of_models: bool = False
) -> dict[str, EstimatorChoice]:
    """The estimators that study.yaml names, each built once to check its settings.

    They are built on the CPU because the computer that plans a study may lack the GPU of its jobs.

    Args:
        path: the file.
        given: settings by name.
        seed: seed of the study.
        of_models: whether the study compares models, so that an estimator may have its own targets.

    Raises:
        StudyError: a name, a kind or a setting is wrong.
    """
    choices = {}
    for name, settings in given.items():
        check_key(path, f"estimators.{name}", name)
        own = {key: value for key, value in settings.items() if key != "estimator"}
        targets = _own_targets(f"{path}: estimators.{name}", own) if of_models else ()
        choice = EstimatorChoice(name, str(settings.get("estimator", name)), own, targets)
        checked(path, f"estimators.{name}", partial(choice.build, seed, "cpu"))
        choices[name] = choice
    return choices


def _own_targets(where: str, own: dict[str, Any]) -> tuple[str, ...]:
    """Take an estimator's own targets out of its settings."""
    found = own.pop(TARGETS, None)
    if found is None:
        return ()
    if not isinstance(found, list) or not found or not all(isinstance(name, str) for name in found):
        raise StudyError(f"{where}.{TARGETS} must be a list of names of models, not {found!r}")
    return tuple(dict.fromkeys(found))


def read_combining(
    path: Path, given: Mapping[str, dict[str, Any]], aggregate: str, seed: int
) -> dict[str, EstimatorChoice]:
    """The estimators that study.yaml names, after checking the entries that combine some of them.

    Raises:
        StudyError: an estimator is wrong, or estimators cannot be combined.
    """
    estimators = read_estimators(
        path, {name: own for name, own in given.items() if COMBINES not in own}, seed, of_models=True
    )
    for name in given.keys() - estimators.keys():
        check_key(path, f"estimators.{name}", name)
        _check_combination(f"{path}: estimators.{name}", given[name], aggregate, estimators)
    return estimators


def _check_combination(
    where: str, own: Mapping[str, Any], aggregate: str, estimators: Mapping[str, EstimatorChoice]
) -> None:
    """Raise StudyError unless an entry has only the key for at least two estimators of different kinds."""
    parts = own[COMBINES]
    names = parts if isinstance(parts, list) and all(isinstance(part, str) for part in parts) else []
    if set(own) != {COMBINES} or len(names) < 2:
        raise StudyError(
            f"{where} must have the one key {COMBINES} with at least two estimators, such as "
            f"[linear, neighbours], not {dict(own)}"
        )
    for part in names:
        if part not in estimators:
            known = did_you_mean(part, list(estimators))
            raise StudyError(f"{where}.{COMBINES}: no estimator {part!r}{known}")
        if estimators[part].targets:
            raise StudyError(f"{where}.{COMBINES}: {part} has targets of its own; leave one of the two out")
    if len({estimators[part].kind for part in names}) < len(names):
        raise StudyError(f"{where}.{COMBINES}: {', '.join(names)} must be of different kinds")
    if aggregate != "ranks":
        raise StudyError(
            f"{where} combines estimators, whose nats are not on one scale; set ranking.aggregate to ranks, "
            f"not {aggregate}"
        )
