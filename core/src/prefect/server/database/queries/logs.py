"""Lines of logs, written in batches by the driver: see `recording`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.engine import Connection

from prefect.server.database import tables
from prefect.server.database.queries.batches import insert_new
from prefect.server.database.types import moment_text
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.runs import LogCreate

__all__ = ["add_logs"]

_ALL_IDS = 2**128


def add_logs(connection: Connection, logs: Sequence[LogCreate], now: datetime, key: UUID | None = None) -> None:
    """
    Store lines of logs.

    Args:
        connection: The transaction.
        logs: The lines.
        now: The moment.
        key: Names this batch of lines. Storing it twice has one effect: the ids of the lines follow from it.
    """
    first = (key or uuid7()).int
    stamp = moment_text(now)
    texts: dict[UUID | None, str | None] = {None: None}  # the same few runs, again and again
    rows: list[tuple[Any, ...]] = []
    for number, line in enumerate(logs):
        for identifier in (line.flow_run_id, line.task_run_id):
            if identifier not in texts:
                texts[identifier] = str(identifier)
        rows.append(
            (
                str(UUID(int=(first + number) % _ALL_IDS)),
                stamp,
                stamp,
                line.name,
                line.level,
                texts[line.flow_run_id],
                texts[line.task_run_id],
                line.message,
                moment_text(line.timestamp),
            )
        )
    insert_new(connection, tables.log, rows)
