"""Logs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select

from prefect._contract.objects import Log
from prefect.server.database import tables
from prefect.server.database.queries import filters, records
from prefect.server.database.queries.logs import add_logs
from prefect.server.operations.work import UnitOfWork, read_only

if TYPE_CHECKING:
    from prefect._contract.actions.runs import LogCreate
    from prefect._contract.filters.logs import LogFilter
    from prefect._contract.sorting import LogSort

__all__ = ["create_logs", "read_logs"]


def create_logs(work: UnitOfWork, body: Sequence[LogCreate]) -> None:
    """Keep some lines of logs. A batch that is sent again under its key is kept once."""
    add_logs(work.connection, body, work.now, work.key)


@read_only
def read_logs(
    work: UnitOfWork,
    logs: LogFilter | None = None,
    limit: int | None = None,
    offset: int | None = None,
    sort: LogSort | None = None,
) -> list[Log]:
    """List the selected lines of logs."""
    log = tables.log
    order = records.order(log, "TIMESTAMP_ASC" if sort is None else sort.value)
    statement = select(log).where(*filters.rows_where(log, logs)).order_by(*order)
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [Log.model_validate(row) for row in records.read_all(work.connection, log, page)]
