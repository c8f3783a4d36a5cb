"""The manual of a calibration study."""

from suffice.kinds.calibration.channels import CHANNELS
from suffice.kinds.calibration.settings import CalibrationSettings, ChainGroup, ChannelGroup, Grid, Limit
from suffice.kinds.keys import key_table

HEAD = """## A study of the kind `calibration`

With `kind: calibration` a study compares estimators with known truth instead of models with one another. It has
only a `study.yaml`, with these keys. `make study STUDY=calibration CONFIG='grid=full'` runs another of its grids.
"""
OF_CHANNELS = """Chains of known order are `noise`, `projection` and `quantisation`. `rotation` is a chain
of equal models.

| channel | family | description |
|---|---|---|
"""


def manual() -> str:
    """Every key, as Markdown."""
    parts = [HEAD, key_table(CalibrationSettings), "### `grids`, for each name\n", key_table(Grid)]
    parts += ["#### `channels` and `invariance`, for each group\n", key_table(ChannelGroup)]
    rows = [f"| `{name}` | {channel.family} | {channel.summary} |" for name, channel in CHANNELS.items()]
    parts += [OF_CHANNELS + "\n".join(rows) + "\n"]
    parts += ["#### `chains`, for each group\n", key_table(ChainGroup)]
    return "\n".join([*parts, "#### `limits`, for each estimator\n", key_table(Limit)])
