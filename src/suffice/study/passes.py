"""Which models of a study can share one forward pass of their checkpoint."""

from collections.abc import Callable, Mapping
from typing import Any

from suffice.embed.one_pass import pass_key
from suffice.embed.registry import get_loader
from suffice.study.model import Study


def models_of_pass(
    study: Study, model: str, settings: Mapping[str, Mapping[str, Any]], code_of: Callable[[str], str]
) -> dict[str, Any]:
    """The other models that can share a model's forward pass, and what they have in common.

    Args:
        study: the study.
        model: the model.
        settings: settings of every model's loader.
        code_of: version of the code of a kind of loader.

    Returns:
        `key`, see `suffice.embed.one_pass.pass_key`, and `others`: model, kind, settings, seed and code.
    """
    key = _key(study, model, settings)
    others = [name for name in study.models if name != model and key and _key(study, name, settings) == key]
    kinds = {name: study.models[name].kind for name in others}
    return {
        "key": key,
        "others": [
            {
                "model": name,
                "kind": kind,
                "settings": settings[name],
                "seed": study.seed_of(name),
                "code": code_of(kind),
            }
            for name, kind in kinds.items()
        ],
    }


def _key(study: Study, model: str, settings: Mapping[str, Mapping[str, Any]]) -> str | None:
    return pass_key(get_loader(study.models[model].kind), settings[model], study.seed_of(model))
