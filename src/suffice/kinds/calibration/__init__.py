"""Channels with known truth, and the results of estimators on them."""
