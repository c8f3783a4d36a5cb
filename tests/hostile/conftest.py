"""How much is tried: the same examples on every run; HYPOTHESIS_PROFILE=search asks for many new ones."""

import os

from hypothesis import HealthCheck, settings

ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile(
    "same", derandomize=True, deadline=None, max_examples=25, database=None, suppress_health_check=ALLOWED
)
settings.register_profile(
    "search",
    derandomize=False,
    deadline=None,
    max_examples=2000,
    database=None,
    suppress_health_check=ALLOWED,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
