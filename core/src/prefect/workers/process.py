"""The worker that executes flow runs in processes of its own machine."""

from __future__ import annotations

import builtins
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import Field

from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.runner.endings import hooks_command
from prefect.runner.forkserver import ForkServer, forking
from prefect.runner.processes import FlowRunProcess, executing, parts_of
from prefect.workers._configuration import DEFAULT_COMMAND, BaseJobConfiguration, BaseVariables
from prefect.workers.base import BaseWorker, BaseWorkerResult

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from prefect._contract.objects import FlowRun

__all__ = ["ProcessJobConfiguration", "ProcessVariables", "ProcessWorker", "ProcessWorkerResult"]

_STREAM = "Whether what the flow run prints is shown where the worker runs."
_WHERE = "The directory in which flow runs begin; without it each has a new one, which is removed afterwards."


class ProcessJobConfiguration(BaseJobConfiguration):
    """What a process is started with."""

    stream_output: bool = Field(default=True, description=_STREAM)
    working_dir: Optional[Path] = Field(default=None, title="Working Directory", description=_WHERE)


class ProcessVariables(BaseVariables):
    """The job variables of work pools of the type `process`."""

    stream_output: bool = Field(default=True, description=_STREAM)
    working_dir: Optional[Path] = Field(default=None, title="Working Directory", description=_WHERE)


class ProcessWorkerResult(BaseWorkerResult):
    """How the process of a flow run has ended."""


class ProcessWorker(BaseWorker[ProcessJobConfiguration, ProcessVariables, ProcessWorkerResult]):
    """Executes flow runs in processes of its own machine."""

    type: ClassVar[str] = "process"
    job_configuration: ClassVar[builtins.type[BaseJobConfiguration]] = ProcessJobConfiguration
    job_configuration_variables: ClassVar[builtins.type[BaseVariables] | None] = ProcessVariables

    _description: ClassVar[str] = "Executes flow runs as processes, on the machine on which the worker runs."
    _is_local: ClassVar[bool] = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._processes: dict[str, FlowRunProcess] = {}
        self._forks: ForkServer | None = None

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., None] = print
    ) -> None:
        """Take runs and execute them; see `BaseWorker.start`."""
        async with forking(unless=run_once) as self._forks:
            await super().start(run_once, with_healthcheck, printer)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: ProcessJobConfiguration,
        task_status: TaskStatus[Any] | None = None,
    ) -> ProcessWorkerResult:
        """
        Execute a flow run in a process, and wait until that has ended. If this is cancelled, the process is ended.

        Args:
            flow_run: The run.
            configuration: What it is started with.
            task_status: Told the machine and the number of the process.
        """
        claim = None if self._supervision is None else self._supervision.claims.token(flow_run.id)
        async with executing(
            flow_run.id,
            parts_of(configuration.command or DEFAULT_COMMAND),
            env=configuration.env,
            cwd=configuration.working_dir,
            stream_output=configuration.stream_output,
            claim=claim,
            forks=self._forks,
        ) as process:
            identifier = f"{socket.gethostname()}:{process.pid}"
            self._processes[identifier] = process
            if task_status is not None:
                task_status.started(identifier)
            try:
                code = await process.wait()
            finally:
                del self._processes[identifier]
        return ProcessWorkerResult(identifier=identifier, status_code=code)

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: ProcessJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """
        End the process of a flow run that was cancelled.

        Args:
            infrastructure_pid: The machine and the number of the process.
            configuration: What it was started with.
            grace_seconds: How long it may take to end by itself.

        Raises:
            prefect.exceptions.InfrastructureNotFound: It has ended. Processes do not outlive the worker that started them.
            prefect.exceptions.InfrastructureNotAvailable: It is on another machine.
        """
        host, _, _ = infrastructure_pid.rpartition(":")
        if host != socket.gethostname():
            raise InfrastructureNotAvailable(f"The process {infrastructure_pid!r} is on another machine.")
        process = self._processes.get(infrastructure_pid)
        if process is None:
            raise InfrastructureNotFound(f"The process {infrastructure_pid!r} has ended.")
        process.cancel()
        await process.end(grace_seconds)

    async def _call_hooks(self, flow_run: FlowRun, configuration: ProcessJobConfiguration) -> None:
        command = hooks_command(flow_run.id)
        async with executing(
            flow_run.id,
            command,
            env=configuration.env,
            cwd=configuration.working_dir,
            stream_output=configuration.stream_output,
            forks=self._forks,
        ) as process:
            if await process.wait() != 0:
                self._logger.error("The hooks of flow run %r (%s) could not be called.", flow_run.name, flow_run.id)
