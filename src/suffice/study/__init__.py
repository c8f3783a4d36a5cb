"""A study: models x data sets x tasks x estimators, read from a folder of small files and checked."""

from suffice.study.model import DatasetRow, EstimatorChoice, ModelRow, Study, StudySettings, TaskRow
from suffice.study.read import load_study

__all__ = ["DatasetRow", "EstimatorChoice", "ModelRow", "Study", "StudySettings", "TaskRow", "load_study"]
