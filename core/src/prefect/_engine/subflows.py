"""Subflows that are submitted: their run is made at once, and executed on a thread of its own beside the parent's code."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, wait
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._engine.flow_execution import create_run, parent_task_run
from prefect.futures import PrefectFlowRunFuture
from prefect.states import crashed_state
from prefect.utilities.dual import drive

if TYPE_CHECKING:
    from prefect._contract.state import State
    from prefect._engine.flow_execution import FlowExecution
    from prefect.flows import Flow

__all__ = ["FlowRunInThread", "submit_flow"]

R = TypeVar("R")


class FlowRunInThread(PrefectFlowRunFuture[R]):
    """A future of a flow run on a thread of this process."""

    def __init__(self, flow_run_id: Any, outcome: Future[State[R]]) -> None:
        super().__init__(flow_run_id)
        self._outcome = outcome

    def _read(self) -> State[R]:
        return self._outcome.result() if self._outcome.done() else super()._read()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run has ended, at most `timeout` seconds."""
        if wait([self._outcome], timeout).done:
            self._final_state = self._outcome.result()

    def add_done_callback(self, fn: Any) -> None:
        """Call `fn` with this future once the run has ended; at once if it has already."""
        self._outcome.add_done_callback(lambda _: fn(self))


def submit_flow(flow: Flow[..., R], parameters: dict[str, Any], wait_for: Any) -> PrefectFlowRunFuture[R]:
    """
    Make a run of a flow, and execute it on a thread.

    Raises:
        TypeError: The flow is a generator, whose values would go nowhere.
    """
    from prefect._engine.flow_run import execution

    if flow.isgenerator:
        raise TypeError(f"Flow {flow.name!r} is a generator, and cannot be submitted: iterate over it.")
    run = execution(flow, parameters, wait_for=wait_for)
    run.parent_ledger = None if run.parent is None else parent_task_run(run)
    run.flow_run = drive(create_run(run))
    call = partial(copy_context().run, _execute, run)
    threads = None if run.parent is None else run.parent.subflows
    return FlowRunInThread(run.run.id, _on_its_own(call) if threads is None else threads.submit(call))


def _execute(run: FlowExecution) -> State[Any]:
    from prefect._engine import flow_run as engine

    try:
        state: State[Any] = (
            asyncio.run(engine.aexecute(run, "state")) if run.flow.isasync else engine.execute(run, "state")
        )
    except BaseException as error:
        return run.final or crashed_state(error)
    return state


def _on_its_own(call: Any) -> Future[Any]:
    """Call on a thread that the process waits for before it ends."""
    outcome: Future[Any] = Future()
    threading.Thread(target=lambda: outcome.set_result(call()), name="prefect-flow").start()
    return outcome
