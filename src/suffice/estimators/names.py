"""The estimators that are taken where none is named."""

DEFAULT_ESTIMATOR = "linear"
WITH_TWO_LOOKS = ("linear", "neighbours")
"""Whose pairs together order models best where source and target see two looks; see docs/method.md."""
