"""Channels of known truth, and what estimators make of them."""
