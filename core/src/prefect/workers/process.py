"""The worker that executes flow runs in processes of its own machine."""

from __future__ import annotations

import builtins
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from pydantic import Field

from prefect.utilities.processutils import command_from_string, open_process
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
        channel = None if configuration.stream_output else subprocess.DEVNULL
        async with AsyncExitStack() as stack:
            folder = configuration.working_dir or stack.enter_context(
                tempfile.TemporaryDirectory(prefix="prefect-", ignore_cleanup_errors=True)
            )
            process = await stack.enter_async_context(
                open_process(
                    _parts_of(configuration.command or DEFAULT_COMMAND),
                    env=_environment(configuration.env),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=channel,
                    stderr=channel,
                    start_new_session=True,  # Ctrl-C is for the worker, which then lets its processes end
                )
            )
            identifier = f"{socket.gethostname()}:{process.pid}"
            if task_status is not None:
                task_status.started(identifier)
            code = await process.wait()
        return ProcessWorkerResult(identifier=identifier, status_code=code)


def _parts_of(command: str) -> list[str]:
    """A command in parts. Our own program is the one of this installation, wherever PATH leads."""
    parts = command_from_string(command)
    return [sys.executable, "-m", "prefect", *parts[1:]] if parts[:1] == ["prefect"] else parts


def _environment(changes: dict[str, str | None]) -> dict[str, str]:
    """This process's environment with changes; None removes a variable."""
    variables = {**os.environ, **changes}
    return {name: value for name, value in variables.items() if value is not None}
