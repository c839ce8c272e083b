"""Following a flow run that another process runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from prefect.cli.asking import ask, pages
from prefect.cli.errors import CliError
from prefect.cli.logs import write_logs
from prefect.cli.output import say, show_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from prefect._contract.objects import FlowRun, Log
    from prefect._contract.state import State

__all__ = ["follow"]

ASK_SECONDS = 1.0
LAST_LOGS_SECONDS = 0.2
"""What a run logs about its end comes a little after its last state."""


def follow(run: FlowRun, timeout: float | None, interval: float = ASK_SECONDS) -> int:
    """
    Show what a flow run logs and which states it enters, until it ends.

    Args:
        run: The flow run.
        timeout: Give up after so many seconds; None for never.
        interval: How many seconds to wait before asking again.

    Returns:
        The exit code: 0 if it completed, else 1.

    Raises:
        CliError: It has not ended in time.
    """
    from prefect._contract.endpoints.flow_runs import read_flow_run

    deadline = None if timeout is None else time.monotonic() + timeout
    logs = _Logs(run.id)
    shown: UUID | None = None
    while True:
        state = run.state
        if state is not None and state.is_final():
            time.sleep(LAST_LOGS_SECONDS)
        logs.show_new(run)
        if state is not None and state.id != shown:
            say(_line(run, state))
            shown = state.id
        if state is not None and state.is_final():
            return 0 if state.is_completed() else 1
        if deadline is not None and time.monotonic() >= deadline:
            who = f"Flow run {run.name!r} ({run.id})"
            raise CliError(f"{who} has not ended within {timeout:g} seconds: it is {run.state_name}.")
        time.sleep(interval if deadline is None else min(interval, max(deadline - time.monotonic(), 0)))
        run = ask(read_flow_run(run.id), missing=f"Flow run {run.name!r} ({run.id}) was deleted.")


def _line(run: FlowRun, state: State[Any]) -> str:
    from prefect.cli.moments import clock

    message = f": {state.message}" if state.message else ""
    return f"{clock(state.timestamp)} | STATE   | Flow run {run.name!r} - {show_state(state.name, state.type)}{message}"


class _Logs:
    """The logs of a flow run, each shown once."""

    def __init__(self, run_id: UUID) -> None:
        self._run_id = run_id
        self._shown = 0
        self._tasks: dict[UUID, str] = {}

    def show_new(self, run: FlowRun) -> None:
        """Show the logs that have come since the last time."""
        new = list(self._new())
        self._shown += len(new)
        if any(log.task_run_id is not None and log.task_run_id not in self._tasks for log in new):
            from prefect.cli.task_run import names_in

            self._tasks = names_in(self._run_id)
        write_logs(new, {run.id: run.name, **self._tasks}, None)

    def _new(self) -> Iterator[Log]:
        from prefect._contract.endpoints.logs import read_logs
        from prefect._contract.filters.logs import LogFilter, LogFilterFlowRunId
        from prefect._contract.sorting import LogSort

        chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[self._run_id]))
        order = LogSort.TIMESTAMP_ASC
        return pages(lambda limit, offset: read_logs(chosen, limit, self._shown + offset, order))
