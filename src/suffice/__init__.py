"""Which embedding model carries the most information about my data, without labels, and how sure are we?"""

from suffice._version import __version__
from suffice.estimators import ESTIMATORS, Sufficiency, estimate
from suffice.explain import Explanation, explain_pair
from suffice.ranking import Ranking, rank

__all__ = [
    "ESTIMATORS",
    "Explanation",
    "Ranking",
    "Sufficiency",
    "__version__",
    "estimate",
    "explain_pair",
    "rank",
]
