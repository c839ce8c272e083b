"""Tasks that are submitted: their run is made at once, where it was submitted, and executed elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._engine.ledger import Ledger, new_task_run
from prefect.context import FlowRunContext, TaskRunContext

if TYPE_CHECKING:
    from prefect._contract.objects import RunInput
    from prefect._contract.state import State
    from prefect.futures import PrefectFuture
    from prefect.tasks import Task


@dataclass(slots=True)
class SubmittedRun:
    """A task run that waits for its turn."""

    task: Task[Any, Any]
    parameters: dict[str, Any]
    wait_for: Any
    ledger: Ledger

    @property
    def task_run_id(self) -> UUID:
        return self.ledger.task_run.id

    def call(self) -> State[Any]:
        """Execute the run on this thread, and return its final state. Does not raise."""
        from prefect._engine.task_run import execute_submitted

        return execute_submitted(self)


def prepare(
    task: Task[Any, Any],
    parameters: dict[str, Any],
    wait_for: Iterable[PrefectFuture[Any]] | None,
    dependencies: dict[str, set[RunInput]] | None,
) -> SubmittedRun:
    """Make the run of a submitted task."""
    caller = TaskRunContext.get()
    ledger = new_task_run(
        task,
        parameters,
        FlowRunContext.get(),
        wait_for=wait_for,
        dependencies=dependencies,
        parent=caller.task_run if caller is not None else None,
    )
    return SubmittedRun(task, parameters, wait_for, ledger)


def submit_to_process(executor: ProcessPoolExecutor, run: SubmittedRun) -> Future[Any]:
    """
    Execute a run in a process of the pool, once the runs that it depends on have ended.

    What is waited for is waited for here: the other process knows nothing of this one's futures.
    """
    from prefect.context import serialize_context

    outcome: Future[Any] = Future()
    context = serialize_context()
    pending = _unfinished(run)

    def launch() -> None:
        import cloudpickle

        from prefect._engine.task_run import ready_parameters_now

        ready = ready_parameters_now(run)
        if not isinstance(ready, dict):
            outcome.set_result(ready)
            return
        try:
            payload = cloudpickle.dumps((run.task, ready, run.ledger.task_run, run.ledger.lease_token, context))
        except Exception as error:
            from prefect.states import failed_state

            outcome.set_result(
                run.ledger.propose(
                    failed_state(error, message="The task or its parameters cannot be sent to another process:"),
                    retriable=False,
                )
            )
            return
        _relay(executor.submit(_execute_in_process, payload), outcome, run)

    when_all_done(pending, launch)
    return outcome


def when_all_done(futures: list[PrefectFuture[Any]], then: Callable[[], None]) -> None:
    """Call `then` once, when the runs of all futures have ended."""
    left = len(futures)
    guard = threading.Lock()

    def count_down(_: Any) -> None:
        nonlocal left
        with guard:
            left -= 1
            last = left == 0
        if last:
            then()

    if not futures:
        then()
    for future in futures:
        future.add_done_callback(count_down)


def _unfinished(run: SubmittedRun) -> list[PrefectFuture[Any]]:
    from prefect._engine.inputs import _futures_in

    futures = [*_futures_in(run.parameters), *_futures_in(run.wait_for)]
    return [future for future in dict.fromkeys(futures) if not future.state.is_final()]


def _relay(inner: Future[Any], outcome: Future[Any], run: SubmittedRun) -> None:
    """Pass a process's answer on; a process that died without one crashes the run."""

    def done(finished: Future[Any]) -> None:
        import cloudpickle

        from prefect.states import crashed_state

        if finished.cancelled():
            outcome.set_result(
                run.ledger.propose(crashed_state(RuntimeError("The pool of processes was shut down before it began.")))
            )
            return
        error = finished.exception()
        if error is None:
            outcome.set_result(cloudpickle.loads(finished.result()))
        else:
            outcome.set_result(run.ledger.propose(crashed_state(error)))

    inner.add_done_callback(done)


def _execute_in_process(payload: bytes) -> bytes:
    """The other side of `submit_to_process`: parameters in, final state out."""
    import cloudpickle

    from prefect._engine.recorder import recorder_of
    from prefect._engine.task_run import execute_submitted
    from prefect.client.base import current_transport
    from prefect.context import hydrated_context

    task, parameters, task_run, lease_token, context = cloudpickle.loads(payload)
    with hydrated_context(context):
        recorder = recorder_of(current_transport())
        state = execute_submitted(SubmittedRun(task, parameters, None, Ledger(task_run, recorder, lease_token)))
        recorder.flush()
    try:
        return cloudpickle.dumps(state)  # type: ignore[no-any-return]
    except Exception as error:
        from prefect.states import failed_state

        return cloudpickle.dumps(  # type: ignore[no-any-return]
            failed_state(error, message="The task's result cannot be sent back from its process:")
        )
