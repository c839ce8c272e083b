"""Steps that run commands and install packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from typing import Any, TextIO, TypedDict

from anyio import create_task_group
from anyio.streams.text import TextReceiveStream

from prefect.utilities.processutils import command_from_string, open_process, stream_text

__all__ = ["RunShellScriptResult", "pip_command", "pip_install_requirements", "run_shell_script"]

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


class RunShellScriptResult(TypedDict):
    """What a command wrote, without blanks around it: of a script of several commands the last one."""

    stdout: str
    stderr: str


async def run_shell_script(
    script: str,
    directory: str | None = None,
    env: dict[str, str] | None = None,
    stream_output: bool = True,
    expand_env_vars: bool = False,
    shell: bool = False,
) -> RunShellScriptResult:
    """
    Run commands one after another, each a line of its own.

    Args:
        script: The commands. Without `shell` a line is a program and its arguments: no pipes, no `&&`.
        directory: Where they run; the working directory without.
        env: Environment variables for them, beside those of this process.
        stream_output: Whether what they write is shown, too.
        expand_env_vars: Whether `$NAME` and `${NAME}` in the script are replaced before.
        shell: Whether the whole script is given to the shell of this machine.

    Returns:
        What the last command wrote.

    Raises:
        RuntimeError: A command failed; later ones are not run.
        FileNotFoundError: There is no such program or directory.
    """
    environment = {**os.environ, **(env or {})}
    if expand_env_vars:
        script = _VARIABLE.sub(lambda found: environment.get(found[1] or found[2], found[0]), script)
    lines = [script] if shell else [line for line in script.splitlines() if line.strip()]
    result = RunShellScriptResult(stdout="", stderr="")
    for line in lines:
        command = _shell_command(line) if shell else command_from_string(line)
        status, result = await _run(command, stream_output, cwd=directory, env=environment)
        if status != 0:
            raise RuntimeError(f"`run_shell_script` failed with error code {status}: {result['stderr']}")
    return result


def _shell_command(script: str) -> list[str]:
    return ["cmd", "/c", script] if sys.platform == "win32" else ["sh", "-c", script]


async def pip_install_requirements(
    directory: str | None = None, requirements_file: str = "requirements.txt", stream_output: bool = True
) -> RunShellScriptResult:
    """
    Install what a requirements file names into the environment of this process.

    Args:
        directory: Where the file is; the working directory without.
        requirements_file: Its name.
        stream_output: Whether what the installer writes is shown, too.

    Returns:
        What the installer wrote.

    Raises:
        RuntimeError: It failed.
    """
    command = [*pip_command(), "-r", requirements_file]
    status, result = await _run(command, stream_output, cwd=directory, env=None)
    if status != 0:
        raise RuntimeError(f"pip_install_requirements failed with error code {status}: {result['stderr']}")
    return result


def pip_command() -> list[str]:
    """
    What installs packages into the environment of this process.

    Raises:
        RuntimeError: There is neither pip nor uv.
    """
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    uv = shutil.which("uv")
    if uv is None:
        raise RuntimeError("Packages cannot be installed: there is neither pip nor uv in this environment.")
    return [uv, "pip", "install", "--python", sys.executable]


async def _run(command: list[str], stream_output: bool, **options: Any) -> tuple[int, RunShellScriptResult]:
    kept = StringIO(), StringIO()
    shown: tuple[TextIO | None, TextIO | None] = (sys.stdout, sys.stderr) if stream_output else (None, None)
    async with open_process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        async with create_task_group() as reading:
            for stream, sinks in ((process.stdout, (kept[0], shown[0])), (process.stderr, (kept[1], shown[1]))):
                assert stream is not None
                reading.start_soon(stream_text, TextReceiveStream(stream, errors="replace"), *sinks)
        status = await process.wait()
    return status, RunShellScriptResult(stdout=kept[0].getvalue().strip(), stderr=kept[1].getvalue().strip())
