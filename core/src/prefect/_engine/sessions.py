"""What a process needs once before its first run: logging, and the way of log records to the orchestrator."""

from __future__ import annotations

import os
from pathlib import Path

_ready_in: list[int] = []


def ensure_session() -> None:
    """Configure logging and connect it to the recorder, once per process."""
    if _ready_in and _ready_in[0] == os.getpid():
        return
    from prefect._engine.recorder import recorder_of, spool_folder
    from prefect.client.base import current_transport
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import install_sink

    setup_logging()
    install_sink(lambda record: recorder_of(current_transport()).log(record))
    _ready_in[:] = [os.getpid()]
    if (folder := spool_folder()).is_dir():
        _deliver_spooled(folder)


def _deliver_spooled(folder: Path) -> None:
    """Record what an earlier process could not. What still cannot be stays where it is."""
    import logging

    from prefect._engine.spool import deliver
    from prefect.client.base import current_transport

    try:
        deliver(folder, current_transport().send)
    except Exception as error:
        logging.getLogger("prefect.spool").warning("Records in %s could not be delivered: %s", folder, error)
