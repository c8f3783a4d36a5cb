"""Density families that are fitted by gradient descent."""
