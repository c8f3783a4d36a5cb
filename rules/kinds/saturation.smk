"""Saturation: networks of one test loss -> what they do -> equivalence, bridge, figures and page."""


include: "../saturation/common.smk"
include: "../saturation/train.smk"
include: "../saturation/tabulate.smk"


report: "../../report/saturation.rst"
