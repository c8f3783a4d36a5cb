"""Labelled tasks: how well an embedding serves them, measured by one probe for each kind.

`suffice.tasks.settings` says what a task is and `suffice.tasks.probes` measures it; the first is light
to import, the second brings scikit-learn.
"""
