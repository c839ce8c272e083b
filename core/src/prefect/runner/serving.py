"""Executing the runs of deployments that a runner serves, each in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import anyio.abc

from prefect._contract.endpoints.deployments import get_scheduled_flow_runs_for_deployments
from prefect.logging.loggers import get_logger
from prefect.runner.endings import hooks_command
from prefect.runner.processes import FlowRunProcess, executing, parts_of

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.client.base import Transport
    from prefect.runner.forkserver import ForkServer
    from prefect.runner.storage import RunnerStorage

__all__ = ["HowToExecute", "Serving"]

_ENGINE = [sys.executable, "-m", "prefect.engine"]

_logger = get_logger("runner")


@dataclass(frozen=True, slots=True)
class HowToExecute:
    """
    How one run is executed.

    Args:
        command: What executes it; the engine if None.
        cwd: The directory in which the process begins; that of this process if None.
        env: Environment variables for the process; None removes one.
        stream_output: Whether what it prints is shown here.
        task_status: Told the number of the process.
    """

    command: str | None = None
    cwd: Path | str | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    stream_output: bool = True
    task_status: anyio.abc.TaskStatus[int] = anyio.TASK_STATUS_IGNORED


class Serving:
    """
    Finds the runs of deployments, and executes them.

    Args:
        transport: Asks the orchestrator.
    """

    def __init__(self, transport: Transport) -> None:
        self.deployments: dict[UUID, RunnerStorage | None] = {}
        self.processes: dict[UUID, FlowRunProcess] = {}
        self.ended: dict[UUID, anyio.abc.Process] = {}
        self.particular: dict[UUID, HowToExecute] = {}
        self.forks: ForkServer | None = None
        self._transport = transport

    def resources(self) -> Iterable[str]:
        """The deployments, as ids of resources of events."""
        return [f"prefect.deployment.{deployment_id}" for deployment_id in self.deployments]

    async def find_runs(self, before: datetime) -> list[FlowRun]:
        """The runs that are due before a time."""
        if not self.deployments:
            return []
        call = get_scheduled_flow_runs_for_deployments(list(self.deployments), before)
        found: list[FlowRun] = await self._transport.asend(call)
        return found

    def _how(self, run: FlowRun) -> HowToExecute:
        how = self.particular.get(run.id)
        if how is not None:
            return how
        storage = None if run.deployment_id is None else self.deployments.get(run.deployment_id)
        env = (run.job_variables or {}).get("env") or {}
        if storage is not None:
            env = {**env, "PREFECT__STORAGE_BASE_PATH": str(storage.destination)}
        return HowToExecute(cwd=None if storage is None else storage.destination, env=env)

    async def execute(self, run: FlowRun, claim: UUID | None) -> str:
        """Execute a run until its process has ended, and return what to say of it if it does not do so itself."""
        how = self._how(run)
        command = _ENGINE if how.command is None else parts_of(how.command)
        try:
            async with executing(
                run.id,
                command,
                env=how.env,
                cwd=how.cwd or Path.cwd(),
                stream_output=how.stream_output,
                claim=claim,
                forks=self.forks,
            ) as process:
                self.processes[run.id] = process
                how.task_status.started(process.pid)
                code = await process.wait()
        except OSError as error:
            return f"The process of the flow run could not be started: {error}"
        finally:
            ended = self.processes.pop(run.id, None)
            if ended is not None and run.id in self.particular:
                self.ended[run.id] = ended.process
        return f"The process of the flow run ended with exit code {code} without a last word."

    async def end_cancelled(self, run: FlowRun) -> None:
        """End a run under way that was cancelled. Returns when its process has ended."""
        process = self.processes.get(run.id)
        if process is not None:
            process.cancel()
            await process.end()

    async def call_hooks(self, run: FlowRun) -> None:
        """Call the hooks of a run whose process did not."""
        how = self._how(run)
        command, cwd = hooks_command(run.id), how.cwd or Path.cwd()
        async with executing(run.id, command, env=how.env, cwd=cwd, forks=self.forks) as process:
            if await process.wait() != 0:
                _logger.error("The hooks of flow run %r (%s) could not be called.", run.name, run.id)

    def forget(self, run: FlowRun) -> None:
        """Nothing is kept of a run that has ended."""
