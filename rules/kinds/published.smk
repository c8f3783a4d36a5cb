"""Published: printed numbers -> the same recomputed -> side by side, figures and page."""


include: "../published/common.smk"
include: "../published/recompute.smk"


report: "../../report/published.rst"
