"""Density families that are fitted in closed form by regression."""
