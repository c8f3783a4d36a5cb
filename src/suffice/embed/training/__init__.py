"""Training of small models on a study's own corpus, saved at several steps."""
