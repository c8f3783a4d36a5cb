"""Which labelled molecules of a folder of data serve as tasks, and by which column."""

UNLABELLED = "unlabelled/zinc250k_heldout_20k.csv.gz"
# Label column and kind of each set. Left out: tdc_lipophilicity_az, the molecules of lipophilicity again, and
# adm_ames, 99 % of which is in pharmabench_ames_cls. Of the twelve assays of tox21 the one with most active
# molecules is taken, so the set counts once. Other sets share some molecules, but not their samples.
LABELS = {
    "esol": ("y", "regression"),
    "freesolv": ("y", "regression"),
    "lipophilicity": ("y", "regression"),
    "bbbp": ("y", "classification"),
    "bace": ("pIC50", "regression"),
    "tox21": ("SR-ARE", "classification"),
    "tdc_solubility_aqsoldb": ("y", "regression"),
    "pharmabench_ames_cls": ("y", "classification"),
    "pharmabench_bbb_cls": ("y", "classification"),
    "pharmabench_logd_reg": ("y", "regression"),
    "pharmabench_water_sol_reg": ("y", "regression"),
}
