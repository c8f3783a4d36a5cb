"""What can be recomputed from the numbers that Darrin et al. (NeurIPS 2024, arXiv 2406.07640) published."""
