"""What is told and heard over websockets: events, logs, background task runs, workers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.routing import WebSocketRoute

from prefect.server.api.tail import EventTail
from prefect.server.api.websockets.events import EventsIn, EventsOut
from prefect.server.api.websockets.logs import LogsOut
from prefect.server.api.websockets.tasks import ScheduledTaskRuns
from prefect.server.api.websockets.workers import WorkerChannel

if TYPE_CHECKING:
    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer

__all__ = ["websocket_routes"]

_OVERLAP_ALONE = timedelta(milliseconds=100)
_OVERLAP_TOGETHER = timedelta(seconds=5)
"""Where transactions of several servers write at a time, one may be committed a while after a later one."""


def websocket_routes(performer: Performer, policy: Policy) -> list[Any]:
    """The routes of all websockets, below `/api`."""
    overlap = _OVERLAP_ALONE if performer.writes_one_by_one else _OVERLAP_TOGETHER
    handlers: dict[str, Any] = {
        "/events/in": EventsIn(performer, policy),
        "/events/out": EventsOut(performer, policy, EventTail(performer, overlap)),
        "/logs/out": LogsOut(performer, policy, overlap),
        "/task_runs/subscriptions/scheduled": ScheduledTaskRuns(performer, policy),
        "/work_pools/{work_pool_name}/workers/connect": WorkerChannel(performer, policy),
    }
    return [WebSocketRoute(path, handler.__call__) for path, handler in handlers.items()]
