"""Embeddings of a corpus: loaders, one file per kind, and the identity, health and cost of embeddings."""
