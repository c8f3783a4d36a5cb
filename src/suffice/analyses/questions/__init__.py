"""The questions, one in each file: settings, figure and words; the arithmetic is one folder up."""
