"""Generators of small handwritten digits, with their vectors of digits and the quality of their samples."""
