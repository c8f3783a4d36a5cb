"""Which embedding model carries the most information about my data, without labels? And how sure can I be?"""

from typing import TYPE_CHECKING

from suffice._version import __version__
from suffice.lazy import lazy_names

if TYPE_CHECKING:
    from suffice.analyses.explain import Explanation, explain_pair
    from suffice.estimators.estimate import estimate
    from suffice.estimators.registry import ESTIMATORS
    from suffice.estimators.result import Sufficiency
    from suffice.ranking.rank import Ranking, rank

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


def __dir__() -> list[str]:
    """The public names, including those that are not imported yet."""
    return __all__


__getattr__ = lazy_names(
    __name__,
    {
        "ESTIMATORS": "suffice.estimators.registry",
        "Explanation": "suffice.analyses.explain",
        "Ranking": "suffice.ranking.rank",
        "Sufficiency": "suffice.estimators.result",
        "estimate": "suffice.estimators.estimate",
        "explain_pair": "suffice.analyses.explain",
        "rank": "suffice.ranking.rank",
    },
)
