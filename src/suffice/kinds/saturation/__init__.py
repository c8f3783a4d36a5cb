"""Language models of equal test loss: formal languages, small models, and how differently these behave.

After Reizinger et al., ICML 2024 (arXiv 2405.01964).
"""
