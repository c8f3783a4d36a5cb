"""Labelled tasks: how well an embedding solves them, measured by one probe per kind.

`suffice.tasks.settings` defines a task and `suffice.tasks.probes` measures it. The first is light to import,
and the second imports scikit-learn.
"""
