"""
A worker that executes flow runs in processes of its own machine.

It takes a run by making it Pending: of several workers one is allowed to. From then on the process that executes it holds
the run's lease and reports for itself; the worker only says that it has crashed when it ended without a last word.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect._contract.endpoints.deployments import read_deployment
from prefect._contract.endpoints.flow_runs import read_flow_run, set_flow_run_state, update_flow_run
from prefect._contract.endpoints.work_pools import (
    get_scheduled_flow_runs_for_work_pool,
    read_work_pool,
    send_worker_heartbeat,
)
from prefect._contract.state import State, StateType
from prefect.client.base import current_transport
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.utilities.time import now
from prefect.workers._jobs import Job, job_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from prefect._contract.objects import FlowRun

__all__ = ["LocalWorker"]

_TICK_SECONDS = 0.2
_GRACE_SECONDS = 30.0
"""How long processes may take to end after the worker was told to stop."""


@dataclass(slots=True)
class _Child:
    """A process that executes a flow run."""

    run: FlowRun
    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str] | None


@dataclass(slots=True)
class LocalWorker:
    """
    Takes runs from a work pool, and executes each in a process of its own.

    Args:
        pool: The name of the work pool, of the type `process`.
        name: What the worker is called.
        queues: The queues that it takes runs from; all of them if None.
        limit: How many runs it executes at once; any number if None.
        prefetch_seconds: How many seconds before its time a run is taken.
        tell: Shows what happens.
    """

    pool: str
    name: str
    queues: list[str] | None = None
    limit: int | None = None
    prefetch_seconds: float | None = None
    tell: Callable[[str], None] = print
    _children: list[_Child] = field(default_factory=list)
    _stopping: bool = False

    def run(self, *, once: bool = False) -> None:
        """
        Take runs until a signal says to stop, or once; those that were begun are waited for.

        Raises:
            prefect.exceptions.ObjectNotFound: There is no such work pool.
        """
        settings = get_current_settings().worker
        next_look = next_beat = 0.0
        with self._stopped_by_signals():
            while not self._stopping:
                if time.monotonic() >= next_beat:
                    self._beat(settings.heartbeat_seconds)
                    next_beat = time.monotonic() + settings.heartbeat_seconds
                if time.monotonic() >= next_look:
                    self._take_runs()
                    next_look = time.monotonic() + settings.query_seconds
                self._see_who_has_ended()
                if once:
                    break
                time.sleep(_TICK_SECONDS)
            self._wait_for_children(until_they_end=once)

    @contextmanager
    def _stopped_by_signals(self) -> Iterator[None]:
        def stop(*_: Any) -> None:
            self._stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # -- runs

    def _beat(self, seconds: float) -> None:
        current_transport().send(send_worker_heartbeat(self.pool, self.name, max(1, int(seconds))))

    def _take_runs(self) -> None:
        room = None if self.limit is None else self.limit - len(self._children)
        if room is not None and room <= 0:
            return
        seconds = self.prefetch_seconds
        prefetch = timedelta(seconds=get_current_settings().worker.prefetch_seconds if seconds is None else seconds)
        asked = get_scheduled_flow_runs_for_work_pool(self.pool, self.queues, now() + prefetch, limit=room)
        for found in current_transport().send(asked):
            if self._stopping:
                return
            self._take(found.flow_run)

    def _take(self, run: FlowRun) -> None:
        pending: State[Any] = State(type=StateType.PENDING)
        answer = current_transport().send(set_flow_run_state(run.id, pending))
        if answer.status.value != "ACCEPT" or answer.state is None or not answer.state.is_pending():
            return  # another worker has it, or it may not begin now
        self.tell(f"Executes flow run {run.name!r} ({run.id}).")
        try:
            self._start(run)
        except (OSError, ValueError, ObjectNotFound) as error:
            self._say_crashed(run.id, f"The process of the flow run could not be started: {error}")

    def _start(self, run: FlowRun) -> None:
        transport = current_transport()
        deployment = None if run.deployment_id is None else transport.send(read_deployment(run.deployment_id))
        job = job_of(transport.send(read_work_pool(self.pool)), deployment, run)
        folder = None if job.working_dir else tempfile.TemporaryDirectory(prefix="prefect-", ignore_cleanup_errors=True)
        process = subprocess.Popen(  # noqa: S603 - what the work pool and the deployment say is what is to be run
            job.arguments,
            env=self._environment(job, run),
            cwd=job.working_dir or (folder.name if folder else None),
            stdin=subprocess.DEVNULL,
            stdout=None if job.stream_output else subprocess.DEVNULL,
            stderr=None if job.stream_output else subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the worker, which then lets its processes end
        )
        self._children.append(_Child(run, process, folder))
        transport.send(update_flow_run(run.id, infrastructure_pid=f"{os.uname().nodename}:{process.pid}"))

    def _environment(self, job: Job, run: FlowRun) -> dict[str, str]:
        variables: dict[str, str | None] = {
            **os.environ,
            **get_current_settings().to_environment_variables(exclude_unset=True),
            **job.env,
            "PREFECT__FLOW_RUN_ID": str(run.id),
        }
        return {name: value for name, value in variables.items() if value is not None}

    # -- their ends

    def _see_who_has_ended(self) -> None:
        for child in list(self._children):
            code = child.process.poll()
            if code is not None:
                self._children.remove(child)
                self._settle(child, code)

    def _settle(self, child: _Child, code: int) -> None:
        run = current_transport().send(read_flow_run(child.run.id))
        state = run.state
        if state is not None and (state.is_pending() or state.is_running() or state.is_cancelling()):
            self._say_crashed(run.id, f"The process of the flow run ended with exit code {code} without a last word.")
        else:
            self.tell(f"Flow run {run.name!r} ({run.id}) is {run.state_name}.")
        if child.folder is not None:
            child.folder.cleanup()

    def _say_crashed(self, run_id: UUID, message: str) -> None:
        crashed: State[Any] = State(type=StateType.CRASHED, message=message)
        answer = current_transport().send(set_flow_run_state(run_id, crashed))
        self.tell(f"Flow run {run_id} is {answer.state.name if answer.state else 'unknown'}: {message}")

    def _wait_for_children(self, *, until_they_end: bool) -> None:
        """Wait for the processes that were begun; those that take too long after a signal are told to end."""
        deadline = time.monotonic() + _GRACE_SECONDS
        told = False
        while self._children:
            self._see_who_has_ended()
            late = (self._stopping or not until_they_end) and time.monotonic() > deadline
            if late:
                for child in self._children:
                    child.process.send_signal(signal.SIGKILL if told else signal.SIGTERM)
                told, deadline = True, time.monotonic() + _GRACE_SECONDS
            time.sleep(_TICK_SECONDS)
