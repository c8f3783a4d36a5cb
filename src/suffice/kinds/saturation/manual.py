"""The manual of a study of equal test loss."""

from pydantic import BaseModel

from suffice.kinds.keys import key_table
from suffice.kinds.saturation.fine_tuning import FineTuningSettings
from suffice.kinds.saturation.fitting import FittingSettings
from suffice.kinds.saturation.in_context import InContextSettings
from suffice.kinds.saturation.real_texts import TextSettings
from suffice.kinds.saturation.settings import (
    Acceptance,
    BridgeSettings,
    DesignSettings,
    FastFitting,
    GeneralisationSettings,
    LanguageChoice,
    PracticeSettings,
    SaturationSettings,
    Scale,
    TwinSettings,
)

HEAD = """## A study of the kind `saturation`

With `kind: saturation` the study trains small language models to the same test loss and compares their behaviour.
It has only a `study.yaml`, with these keys, and optional tables of published numbers beside it. `make study
STUDY=saturation CONFIG='scale=quick'` runs another of its scales.
"""


def manual() -> str:
    """Every key, as Markdown."""
    parts = [HEAD, key_table(SaturationSettings), "### `scales`, for each name\n", key_table(Scale)]
    nested: dict[str, type[BaseModel]] = {
        "`languages`, for each name": LanguageChoice,
        "`fitting`": FittingSettings,
        "`in_context`": TwinSettings,
        "`in_context`: `training`": InContextSettings,
        "`fine_tuning`": FineTuningSettings,
        "`bridge`": BridgeSettings,
        "`generalisation`": GeneralisationSettings,
        "`generalisation`: `fitting`": FastFitting,
        "`design`": DesignSettings,
        "`practice`": PracticeSettings,
        "`practice`: `texts`": TextSettings,
    }
    for heading, model in nested.items():
        parts += [f"#### {heading}\n", key_table(model)]
    return "\n".join([*parts, "### `acceptance`\n", key_table(Acceptance)])
