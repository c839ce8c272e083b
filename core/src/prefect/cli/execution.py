"""Running a flow run in this process, for people who watch it."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, Coroutine, Generator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prefect.cli.output import say, show_state

if TYPE_CHECKING:
    from prefect._engine.flow_run import FlowExecution

__all__ = ["carry_out"]

INTERRUPTED = 130
"""The exit code after Ctrl-C, by convention 128 and the number of the signal."""


def carry_out(run: FlowExecution) -> int:
    """
    Run a flow run to its end, show how far it is, and say how it ended.

    Returns:
        The exit code: 0 if it completed, 130 if it was interrupted, else 1.
    """
    from prefect.cli.live import watching
    from prefect.utilities.time import now

    began, since = time.monotonic(), now()
    interrupted = False
    with watching(run):
        try:
            _perform(run)
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            # What ends a flow from outside is recorded as its final state, and that is what is told of it.
            if run.final is None:
                raise
    sys.stdout.flush()
    if run.flow_run is not None:
        say(summary(run, time.monotonic() - began, since))
    if interrupted:
        return INTERRUPTED
    return 0 if run.flow_run is not None and run.state.is_completed() else 1


def _perform(run: FlowExecution) -> None:
    import asyncio

    from prefect.flows import run_execution

    outcome = run_execution(run, "state")
    if isinstance(outcome, Generator):
        for _ in outcome:
            pass
    elif isinstance(outcome, AsyncGenerator):
        asyncio.run(_exhaust(outcome))
    elif isinstance(outcome, Coroutine):
        asyncio.run(outcome)


async def _exhaust(values: AsyncGenerator[Any, Any]) -> None:
    async for _ in values:
        pass


def summary(run: FlowExecution, seconds: float, since: datetime) -> str:
    """
    One line: the state, which flow and run, how long it took, the tasks by state, the id.

    Args:
        run: The flow run.
        seconds: How long this attempt took.
        since: When it began.
    """
    from prefect.cli.moments import seconds_of
    from prefect.cli.progress import task_counts, words_for

    state = run.state
    parts = [
        show_state(state.name, state.type),
        f"flow {run.flow.name!r}",
        f"run {run.run.name!r}",
        f"in {seconds_of(seconds)}",
        f"tasks: {words_for(task_counts(run.run, since)) or 'none'}",
        f"id {run.run.id}",
    ]
    return " | ".join(parts)
