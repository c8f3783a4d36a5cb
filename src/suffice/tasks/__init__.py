"""Labelled tasks: how well an embedding serves them, measured by one probe for each kind."""

from suffice.tasks.probes import PROBES, TASK_COLUMNS, probe_table, run_probe
from suffice.tasks.result import ProbeResult
from suffice.tasks.settings import TaskSettings, check_task, columns_of_task

__all__ = [
    "PROBES",
    "TASK_COLUMNS",
    "ProbeResult",
    "TaskSettings",
    "check_task",
    "columns_of_task",
    "probe_table",
    "run_probe",
]
