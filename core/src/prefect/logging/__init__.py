"""Logging of runs: `get_run_logger()` in a flow or a task, `get_logger(name)` anywhere else."""

from __future__ import annotations

from prefect.logging.loggers import LogEavesdropper, disable_run_logger, get_logger, get_run_logger
from prefect.utilities import lazy

__all__ = ["LogEavesdropper", "disable_run_logger", "get_logger", "get_run_logger"]

lazy.install(globals(), {})
