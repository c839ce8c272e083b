"""How records of task runs go to a server of ours: as JSON that costs little on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from prefect._contract.recording import TaskRunRecord

if TYPE_CHECKING:
    from typing import Any

__all__ = ["encode_records"]

_LEFT_OUT: Any = {"__all__": {"task_run": {"state"}}}
"""The current state is the last one that was entered, or known from an earlier record."""


@cache
def _adapter() -> TypeAdapter[list[TaskRunRecord]]:
    return TypeAdapter(list[TaskRunRecord])


def encode_records(records: Sequence[TaskRunRecord]) -> bytes:
    """
    The JSON of records: `[{"task_run": {…}, "states": [{…}, …]}, …]`, without what is null.

    A record without states keeps its `task_run.state`, as nothing else says what it is.
    """
    if all(record.states for record in records):
        return _adapter().dump_json(list(records), exclude=_LEFT_OUT, exclude_none=True)
    return _adapter().dump_json(list(records), exclude_none=True)
