"""A study: models x data sets x tasks x estimators, read from a folder of small files and checked."""

from suffice.lazy import lazy_names

HOMES = {
    "DatasetRow": "suffice.study.model",
    "EstimatorChoice": "suffice.study.model",
    "ModelRow": "suffice.study.model",
    "Study": "suffice.study.model",
    "StudySettings": "suffice.study.model",
    "TaskRow": "suffice.study.model",
    "load_study": "suffice.study.read",
}
__all__ = list(HOMES)
__getattr__ = lazy_names(__name__, HOMES)
