"""What a process needs once before its first run: logging, and the way of log records to the orchestrator."""

from __future__ import annotations

import os

_ready_in: list[int] = []


def ensure_session() -> None:
    """Configure logging and connect it to the recorder, once per process."""
    if _ready_in and _ready_in[0] == os.getpid():
        return
    from prefect._engine.recorder import recorder_of
    from prefect.client.base import current_transport
    from prefect.settings import get_current_settings

    connect_logging()
    _ready_in[:] = [os.getpid()]
    if get_current_settings().plugins.enabled:
        _tell_plugins()
    recorder_of(current_transport()).deliver_files()


def connect_logging() -> None:
    """Configure logging and connect it to the recorder: in processes that run no flows, but have to say something of runs."""
    from prefect._engine.recorder import recorder_of
    from prefect.client.base import current_transport
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import install_sink

    setup_logging()
    install_sink(lambda record: recorder_of(current_transport()).log(record))


def forget_session() -> None:
    """Have the next run set everything up again: settings have changed, in a test."""
    _ready_in.clear()


def _tell_plugins() -> None:
    """Let plugins set up the environment, and hear that this process runs flows."""
    import prefect
    from prefect._engine.effects import run_coroutine
    from prefect.logging.loggers import get_logger
    from prefect.plugins.startup import announce, run_startup_hooks
    from prefect.plugins.types import HookContext
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    run_coroutine(run_startup_hooks(HookContext(prefect.__version__, url, get_logger)))
    announce("flow-run")
