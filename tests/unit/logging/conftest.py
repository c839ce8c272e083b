from __future__ import annotations

import logging
import os

import pytest

from prefect.logging import configuration, handlers
from prefect.settings.context import reload_settings

NAMES = (
    "",
    "prefect",
    "prefect.extra",
    "prefect.flow_runs",
    "prefect.task_runs",
    "prefect.server",
    "prefect._internal",
)


@pytest.fixture(autouse=True)
def fresh_logging(tmp_path, monkeypatch):
    """An empty home, and logging as if this process had just begun. All is put back."""
    for name in list(os.environ):
        if name.upper().startswith("PREFECT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    reload_settings()
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate, logger.disabled) for logger in loggers]
    for logger in loggers:
        logger.handlers = []
    configuration.PROCESS_LOGGING_CONFIG.clear()
    yield
    configuration.PROCESS_LOGGING_CONFIG.clear()
    handlers.install_sink(None)
    for logger, its_handlers, level, propagate, disabled in before:
        logger.handlers = its_handlers
        logger.setLevel(level)
        logger.propagate = propagate
        logger.disabled = disabled
    monkeypatch.undo()
    reload_settings()


@pytest.fixture
def without_handlers():
    """Takes away what the test runner gives the root logger for each test: the program has configured nothing."""

    def take_away():
        logging.getLogger().handlers = []

    return take_away


@pytest.fixture
def sent():
    """The records that were sent to the orchestrator."""
    records: list[dict] = []
    handlers.install_sink(records.append)
    return records
