"""All rows of one group of settings by one estimator; each is stored as soon as it is measured."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from suffice.kinds.calibration.chains import ChainSize
from suffice.kinds.calibration.channel import ChannelSize
from suffice.kinds.calibration.evaluate import Row, evaluate_chain, evaluate_channel, evaluate_invariance
from suffice.kinds.calibration.study import Part
from suffice.seeds import derive_seed
from suffice.storage.files import sha256_of_json
from suffice.storage.provenance import computed_by
from suffice.storage.store import ResultStore
from suffice.study.estimators import EstimatorChoice


def measure_group(
    part: Part,
    settings: Sequence[dict[str, Any]],
    choice: EstimatorChoice,
    seed: int,
    device: str,
    store: ResultStore,
) -> tuple[pd.DataFrame, int]:
    """Measure the settings that are not in the store yet.

    Args:
        part: kind of measurement.
        settings: name, size and draw of each, from `CalibrationStudy.measured`.
        choice: the estimator.
        seed: the study's seed; every draw has its own.
        device: torch device.
        store: keeps rows, by everything that they depend on.

    Returns:
        One table, and the number of settings measured now.
    """
    rows: list[Row] = []
    n_made = 0
    estimator = type(choice.build(seed, device)).__module__
    depends_on = [seed, device, computed_by("suffice.kinds.calibration.evaluate", estimator)]
    for each in settings:
        what = [part, each["name"], each["size"], each["draw"], choice.kind, choice.settings]
        key = sha256_of_json([*what, *depends_on])
        found = store.get(key)
        if found is None:
            found = {"rows": _measure(part, each, choice, derive_seed(seed, f"draw {each['draw']}"), device)}
            store.put(key, found)
            n_made += 1
        rows += [row | {"estimator": choice.name} for row in found["rows"]]
    return pd.DataFrame(rows), n_made


def _measure(
    part: Part, setting: dict[str, Any], choice: EstimatorChoice, seed: int, device: str
) -> list[Row]:
    if part == "chains":
        return evaluate_chain(setting["name"], ChainSize(**setting["size"]), choice, seed, device)
    size = ChannelSize(**setting["size"])
    if part == "invariance":
        return evaluate_invariance(setting["name"], size, choice, seed, device)
    return [evaluate_channel(setting["name"], size, choice, seed, device)]
