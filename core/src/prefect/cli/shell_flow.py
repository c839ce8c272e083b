"""The flow that runs a shell command."""

from __future__ import annotations

import subprocess
from typing import Any

from prefect._contract.state import State
from prefect.flows import flow
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

__all__ = ["run_shell_process"]

_MOST_SHOWN = 2000


@flow(name="Shell Command")
def run_shell_process(command: str, log_output: bool = True, stream_stdout: bool = True) -> State[Any]:
    """
    Run a shell command.

    Args:
        command: What to run, as the shell takes it.
        log_output: Whether what it prints is logged.
        stream_stdout: Whether it is logged line by line, while it runs, and not at its end.

    Returns:
        The state of the run: Completed if the command's exit code is 0, else Failed.
    """
    logger = get_run_logger()
    last = ""
    with subprocess.Popen(  # noqa: S602 - it is a shell command
        command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            last = line.rstrip() or last
            if log_output and stream_stdout:
                logger.info("%s", line.rstrip("\n"))
            elif log_output:
                said.append(line)
    if said:
        logger.info("%s", "".join(said).rstrip())
    if process.returncode != 0:
        return Failed(message=f"The command ended with exit code {process.returncode}: {last[-_MOST_SHOWN:]}")
    return Completed(message="The command ended with exit code 0.")
