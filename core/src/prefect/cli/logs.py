"""Logs of runs, as `flow-run logs` and `task-run logs` show them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Optional
from uuid import UUID

import typer

from prefect.cli.output import paint, print_json, say

if TYPE_CHECKING:
    from prefect._contract.filters.logs import LogFilter
    from prefect._contract.objects import Log

__all__ = ["Head", "NumLogs", "Reverse", "Selection", "Tail", "read_selected", "write_logs"]

Head = Annotated[
    bool,
    typer.Option(
        "--head/--no-head", "-h", help="Show the first ones: 20, or as many as asked for.", show_default=False
    ),
]
Tail = Annotated[
    bool,
    typer.Option("--tail/--no-tail", "-t", help="Show the last ones: 20, or as many as asked for.", show_default=False),
]
Reverse = Annotated[
    bool, typer.Option("--reverse/--no-reverse", "-r", help="Show the latest first.", show_default=False)
]
NumLogs = Annotated[
    Optional[int], typer.Option("--num-logs", "-n", metavar="N", min=1, help="How many to show at most.")
]

_FEW = 20
_LEVEL_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


@dataclass(frozen=True)
class Selection:
    """Which of a run's logs, and in which order: see the options."""

    head: bool
    tail: bool
    reverse: bool
    number: int | None

    def __post_init__(self) -> None:
        if self.head and self.tail:
            raise typer.BadParameter("Cannot use both --head and --tail: give one of them.")

    @property
    def limit(self) -> int | None:
        """How many at most; None for all."""
        return _FEW if self.number is None and (self.head or self.tail) else self.number

    @property
    def latest_first(self) -> bool:
        """Whether those that are meant are the latest ones."""
        return self.tail or (self.reverse and not self.head)


def read_selected(log_filter: LogFilter, selection: Selection) -> Iterable[Log]:
    """The logs that are meant, in the order in which they are shown."""
    from prefect._contract.endpoints.logs import read_logs
    from prefect._contract.sorting import LogSort
    from prefect.cli.asking import pages

    sort = LogSort.TIMESTAMP_DESC if selection.latest_first else LogSort.TIMESTAMP_ASC
    found = pages(lambda limit, offset: read_logs(log_filter, limit, offset, sort), selection.limit)
    return found if selection.latest_first == selection.reverse else reversed(list(found))


def write_logs(logs: Iterable[Log], names: Mapping[UUID, str], output: str | None) -> None:
    """
    Write logs.

    Args:
        logs: The logs.
        names: The names of runs by their ids.
        output: `json`, or None for lines.
    """
    if output:
        print_json(list(logs))
        return
    for log in logs:
        say(_line(log, names))


def _line(log: Log, names: Mapping[UUID, str]) -> str:
    from prefect.cli.moments import clock

    level = logging.getLevelName(log.level)
    colour = _LEVEL_COLOURS.get(level)
    shown = paint(level.ljust(7), colour, sys.stdout) if colour else level.ljust(7)
    return f"{clock(log.timestamp)} | {shown} | {_who(log, names)} - {log.message}"


def _who(log: Log, names: Mapping[UUID, str]) -> str:
    """Who speaks: the run, and the logger if it is not that of runs."""
    run_id = log.task_run_id or log.flow_run_id
    kind = "Task run" if log.task_run_id is not None else "Flow run"
    run = f"{kind} {names[run_id]!r}" if run_id is not None and run_id in names else kind
    return run if log.name in {"prefect.flow_runs", "prefect.task_runs"} else f"{run} - {log.name}"
