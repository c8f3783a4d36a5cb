"""Language models with equal test loss: formal languages, small models, and how their behaviour differs.

After Reizinger et al., ICML 2024 (arXiv 2405.01964).
"""
