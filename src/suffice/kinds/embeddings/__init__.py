"""The study of embeddings: its figures and its page."""
