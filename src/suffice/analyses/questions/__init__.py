"""One file per question, with its settings, figure and text; the computations are one folder up."""
