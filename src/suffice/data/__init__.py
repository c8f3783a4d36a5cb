"""Corpora: reading, cleaning, splitting and describing the items of a data set."""
