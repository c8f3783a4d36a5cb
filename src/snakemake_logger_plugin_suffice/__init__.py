"""A logger of Snakemake that writes what happens to jobs as lines of JSON, for `suffice run` to read."""

import json
import logging
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase

WATCH_SECONDS = 0.5
FACTS = {
    LogEvent.RUN_INFO: ("stats",),
    LogEvent.JOB_INFO: ("jobid", "rule_name", "wildcards", "log"),
    LogEvent.JOB_FINISHED: ("job_id",),
    LogEvent.JOB_ERROR: ("jobid", "rule_name", "log"),
}


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """Where the lines go, and who reads them."""

    events: str = field(default="", metadata={"help": "File to write events to", "required": True})
    listener: int = field(default=0, metadata={"help": "Process without which this run ends; 0: none"})


class LogHandler(LogHandlerBase):
    """Writes one line per event, at once."""

    writes_to_stream = False
    writes_to_file = False  # Snakemake would name the file to the user as a log
    has_filter = True  # none: what Snakemake is quiet about is wanted here
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Open the file, and watch the listener."""
        settings: Any = self.settings
        self.stream = Path(settings.events).open("a", encoding="utf-8")
        if settings.listener and os.name == "posix":
            threading.Thread(target=end_without, args=(settings.listener,), daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event that a record is of, or the message of an error."""
        kind = getattr(record, "event", None)
        if kind in FACTS:
            self._write(str(kind), {name: getattr(record, name, None) for name in FACTS[kind]})
        elif record.levelno >= logging.ERROR:
            self._write("error", {"message": record.getMessage()})

    def _write(self, kind: str, facts: dict[str, Any]) -> None:
        self.stream.write(json.dumps({"event": kind, **facts}, default=str) + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
        super().close()


def end_without(listener: int) -> None:
    """Start no more jobs once the parent process has been killed; jobs that are running end first."""
    while os.getppid() == listener:
        time.sleep(WATCH_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
