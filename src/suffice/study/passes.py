"""Which models of a study can share one forward pass of their checkpoint."""

from collections.abc import Callable, Mapping
from typing import Any

from suffice.embed.one_pass import pass_key
from suffice.embed.registry import get_loader
from suffice.study.model import ModelRow, Study


def models_of_pass(
    study: Study,
    model: str,
    settings_of: Callable[[ModelRow], Mapping[str, Any]],
    code_of: Callable[[str], str],
) -> dict[str, Any]:
    """The other models that can share a model's forward pass, and what they have in common.

    Args:
        study: the study.
        model: the model.
        settings_of: settings of a model's loader.
        code_of: version of the code of a kind of loader.

    Returns:
        `key`, see `suffice.embed.one_pass.pass_key`, and `others`: model, kind, settings, seed and code.
    """

    def key_of(row: ModelRow) -> str | None:
        return pass_key(get_loader(row.kind), settings_of(row), study.seed_of(row.name))

    key = key_of(study.models[model])
    rows = [row for row in study.models.values() if row.name != model] if key else []
    return {
        "key": key,
        "others": [
            {
                "model": row.name,
                "kind": row.kind,
                "settings": dict(settings_of(row)),
                "seed": study.seed_of(row.name),
                "code": code_of(row.kind),
            }
            for row in rows
            if key_of(row) == key
        ],
    }
