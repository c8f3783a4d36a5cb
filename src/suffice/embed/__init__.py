"""Embeddings of a corpus: loaders, one file a kind, and the identity, health and cost of what they make."""
