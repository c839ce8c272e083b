"""What is told and heard over websockets: events, logs, background task runs, workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.server.api.gate import Policy
    from prefect.server.api.performance import Performer

__all__ = ["websocket_routes"]


def websocket_routes(performer: Performer, policy: Policy) -> list[Any]:
    """The routes of all websockets, below `/api`."""
    return []
