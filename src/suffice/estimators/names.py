"""The estimators that are taken where none is named."""

DEFAULT_ESTIMATOR = "linear"
WITH_TWO_LOOKS = ("linear", "neighbours")
"""The estimators whose pairs together order models best with two looks; see docs/method.md."""
