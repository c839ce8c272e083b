"""Logs as files."""

from __future__ import annotations

import csv
import io
from uuid import UUID

from sqlalchemy import select

from prefect.server.database.tables import log
from prefect.server.operations.work import UnitOfWork

__all__ = ["logs_as_csv"]

_COLUMNS = ("timestamp", "level", "flow_run_id", "task_run_id", "message")


def logs_as_csv(work: UnitOfWork, flow_run_id: UUID) -> str:
    """The logs of a flow run as comma-separated values, oldest first, under a line that names the columns."""
    statement = select(*(log.c[name] for name in _COLUMNS)).where(log.c.flow_run_id == flow_run_id)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for row in work.connection.execute(statement.order_by(log.c.timestamp, log.c.id)):
        timestamp, *rest = row
        writer.writerow([timestamp.isoformat(), *rest])
    return file.getvalue()
