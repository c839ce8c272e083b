"""Logs: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.objects import Log

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._contract.actions.runs import LogCreate
    from prefect._contract.filters.logs import LogFilter
    from prefect._contract.sorting import LogSort

__all__ = ["create_logs", "read_logs"]


def create_logs(logs: Iterable[LogCreate]) -> Call[None]:
    """Keep some lines of logs."""
    return Call("POST", "/logs/", None, body=list(logs))


def read_logs(
    log_filter: LogFilter | None = None,
    limit: int | None = None,
    offset: int | None = None,
    sort: LogSort | None = None,
) -> Call[list[Log]]:
    """List the selected lines of logs."""
    body = given(logs=log_filter, limit=limit, offset=offset, sort=sort)
    return Call("POST", "/logs/filter", list[Log], body=body)
