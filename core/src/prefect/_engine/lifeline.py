"""
The line to the process that started this one to execute a flow run.

It is a pipe whose other end only the starter has. What it says there is done at once; when it is gone, however it went, the
pipe ends, and this process does not stay behind alone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from uuid import UUID

from prefect._engine.leases import cancel_here
from prefect._engine.signals import end_process, reschedule_on_sigterm
from prefect.logging.loggers import get_logger

__all__ = ["CANCEL", "LIFELINE", "RESCHEDULE", "listen_to_starter"]

LIFELINE = "PREFECT__LIFELINE"
"""The variable that names the file descriptor."""

CANCEL = b"c"
"""Says: the flow run is cancelled."""

RESCHEDULE = b"r"
"""Says: end the flow run here, and let it be executed elsewhere."""

GRACE_SECONDS = 10.0
"""How long the flow's code may take to end once the starter is gone."""

_logger = get_logger("engine")


def listen_to_starter(flow_run_id: UUID) -> None:
    """Listen to the process that started this one, if it listens, too. To be called before the flow run is executed."""
    number = os.environ.pop(LIFELINE, None)
    if number is None:
        return
    descriptor = int(number)
    os.set_inheritable(descriptor, False)
    threading.Thread(target=_listen, args=(descriptor, flow_run_id), name="prefect-lifeline", daemon=True).start()


def _listen(descriptor: int, flow_run_id: UUID) -> None:
    while said := os.read(descriptor, 1):
        if said == CANCEL:
            cancel_here(flow_run_id)
        elif said == RESCHEDULE:
            reschedule_on_sigterm()
            _terminate()
    _logger.error("The process that started this one is gone: this flow run ends here.")
    _terminate()
    time.sleep(GRACE_SECONDS)
    end_process()


def _terminate() -> None:
    """A real signal to the main thread, because only that ends a blocking call."""
    ident = threading.main_thread().ident
    assert ident is not None
    signal.pthread_kill(ident, signal.SIGTERM)
