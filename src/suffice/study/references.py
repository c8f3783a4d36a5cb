"""Names that one file of a study uses and another must define."""

from collections.abc import Iterable
from functools import partial

from suffice.analyses.registry import ANALYSES
from suffice.embed.registry import get_loader
from suffice.errors import StudyError
from suffice.estimators.registry import get_estimator
from suffice.ranking.targets import check_targets
from suffice.settings import must_exist
from suffice.study.model import Study
from suffice.study.names import check_key
from suffice.study.tables import checked

SETTINGS = "study.yaml"


def check_references(study: Study) -> None:
    """Names that one file uses and another must define."""
    for name, training in study.settings.training.items():
        check_key(study.folder / SETTINGS, f"training.{name}", name)
        must_exist(study.folder / SETTINGS, f"training.{name}", "data set", training.dataset, study.datasets)
    _check_targets(study)
    _check_prices(study)
    for analysis in ANALYSES:
        analysis.check(study, study.folder / SETTINGS)
    _check_models(study)
    _check_parts(study)
    _check_public_scores(study)


def _check_models(study: Study) -> None:
    """The training runs and models that a model is made from."""
    for model in study.models.values():
        if model.training:
            training_name, step = model.training
            must_exist(study.models_file, model.name, "training", training_name, study.settings.training)
            steps = study.settings.training[training_name].steps
            if step not in steps:
                raise StudyError(
                    f"{study.models_file}: row {model.name!r}: training {training_name!r} saves no step "
                    f"{step}; it saves {', '.join(map(str, steps))}"
                )
        if model.version_of:
            rest = {name: row for name, row in study.models.items() if name != model.name}
            must_exist(study.models_file, model.name, "model", model.version_of, rest)
        for base in model.base_models:
            others = {name: row for name, row in study.models.items() if name != model.name}
            must_exist(study.models_file, model.name, "model", base, others)
            if study.models[base].base_models:
                raise StudyError(
                    f"{study.models_file}: row {model.name!r} is made from {base!r}, "
                    "which is itself made from another model; name that other model"
                )


def _check_prices(study: Study) -> None:
    """The models that have a price: each must count tokens."""
    for name in study.settings.prices:
        must_exist(study.folder / SETTINGS, "prices", "model", name, study.models)
        kind = study.models[name].kind
        if not get_loader(kind).counts_tokens:
            raise StudyError(
                f"{study.folder / SETTINGS}: prices: models of kind {kind} count no tokens, so {name!r} "
                "has no price per item; remove it"
            )


def _check_public_scores(study: Study) -> None:
    """Public tasks in addition to the study's own, and models with public scores."""
    public = study.settings.public_scores
    if public is None:
        return
    shared = sorted(set(public.tasks) & set(study.tasks))
    if shared:
        raise StudyError(f"{study.tasks_file}: row {shared[0]!r} is also a public task; rename the row")
    if not any(model.public_name for model in study.models.values()):
        raise StudyError(
            f"{study.models_file}: no model has public scores because no checkpoint is a hub name; fill in "
            "the column public_name, or remove public_scores from study.yaml"
        )


def _check_parts(study: Study) -> None:
    """The data sets that another one is made of."""
    path = study.datasets_file
    for row in study.datasets.values():
        for part in row.settings.parts:
            others = {name: other for name, other in study.datasets.items() if name != row.name}
            must_exist(path, row.name, "data set", part, others)
            if others[part].settings.parts:
                raise StudyError(
                    f"{path}: row {row.name!r} is made of {part!r}, which is itself made of others; name "
                    "those data sets"
                )
            if row.settings.parts.count(part) > 1:
                raise StudyError(f"{path}: row {row.name!r}: path names {part!r} twice; remove one")


def _check_targets(study: Study) -> None:
    """The targets that study.yaml asks for and the models that may be targets."""
    wanted = study.settings.ranking.targets
    _check_named_targets(study, "ranking.targets", wanted if isinstance(wanted, tuple) else ())
    checked(study.folder / SETTINGS, "ranking.targets", study.check_targets)
    self_pairs = bool(study.settings.ranking.self_pairs)
    for choice in study.all_estimators.values():
        key = f"estimators.{choice.name}.targets"
        _check_named_targets(study, key, choice.targets)
        if choice.targets and get_estimator(choice.kind).shares_work:
            raise StudyError(
                f"{study.folder / SETTINGS}: {key}: {choice.kind} takes little longer for all targets; "
                "remove it, or set ranking.targets"
            )
        if choice.targets:
            found = partial(check_targets, choice.targets, study.candidates, self_pairs)
            checked(study.folder / SETTINGS, key, found)


def _check_named_targets(study: Study, key: str, names: Iterable[str]) -> None:
    """The models that a key names exist and may be targets."""
    for name in names:
        must_exist(study.folder / SETTINGS, key, "model", name, study.models)
        if not study.models[name].is_target:
            raise StudyError(
                f"{study.models_file}: row {name!r}: target is false, but {key} names it; change one of "
                "the two"
            )
