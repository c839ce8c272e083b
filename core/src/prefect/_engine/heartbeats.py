"""Telling, again and again, that flow runs are under way: for automations that act when that is no longer heard."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun

__all__ = ["Heartbeat", "heartbeat_of", "tell_of_run"]


def tell_of_run(event: str, resource_id: str, name: str, run: FlowRun) -> None:
    """Emit an event in which a flow run is involved, with what that belongs to."""
    import prefect
    from prefect._contract.events import Event
    from prefect.events.worker import EventsWorker

    resource = {
        "prefect.resource.id": resource_id,
        "prefect.resource.name": name,
        "prefect.version": prefect.__version__,
    }
    EventsWorker.instance().send(Event(event=event, resource=resource), (run, None, None))


class Heartbeat:
    """
    The signs of life of a flow run. It is told of where it was made, whatever thread beats.

    Args:
        run: The flow run.
        seconds: How often.
        clock: Seconds that pass.
    """

    def __init__(self, run: FlowRun, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._next = clock() + seconds
        self._context = copy_context()

    def beat(self) -> None:
        """Give a sign of life, if it is time for one."""
        moment = self._clock()
        if moment < self._next:
            return
        self._next = moment + self._seconds
        resource = f"prefect.flow-run.{self._run.id}"
        self._context.run(tell_of_run, "prefect.flow-run.heartbeat", resource, self._run.name, self._run)


def heartbeat_of(run: FlowRun) -> Heartbeat | None:
    """
    The heartbeat of a run that begins here; None if there is to be none.

    Of a run that a runner or worker has started this process for, they give the signs of life.
    """
    from prefect.settings import get_current_settings

    seconds = get_current_settings().flows.heartbeat_frequency
    if not seconds or os.environ.get("PREFECT__FLOW_RUN_ID") == str(run.id):
        return None
    return Heartbeat(run, seconds)
