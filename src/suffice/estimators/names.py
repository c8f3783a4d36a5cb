"""Names of estimators, and a warning, for modules that import no estimator."""

DEFAULT_ESTIMATOR = "linear"
WITH_TWO_LOOKS = ("linear", "neighbours")
"""The estimators whose pairs together order models best with two looks; see docs/method.md."""
FEW_ITEMS_WARNING = "too low: the source has more than half as many dimensions as there are items (or groups)"
