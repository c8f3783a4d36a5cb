"""Calibration: estimators on channels of known truth -> tables -> figures and page."""


include: "../calibration/common.smk"
include: "../calibration/measure.smk"
include: "../calibration/figures.smk"


report: "../../report/calibration.rst"
