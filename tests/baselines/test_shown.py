"""Ways to choose have names that people can read."""

from suffice.baselines.registry import BASELINES
from suffice.baselines.shown import NAMES, shown_way


def test_every_free_way_has_a_name_of_its_own_without_underscores():
    shown = [shown_way(name) for name in BASELINES]
    assert len(set(shown)) == len(shown) and not [name for name in shown if "_" in name]
    assert set(NAMES) - {"n_parameters"} <= set(BASELINES)


def test_a_ranking_keeps_its_name():
    assert shown_way("linear-and-neighbours") == "linear-and-neighbours"
