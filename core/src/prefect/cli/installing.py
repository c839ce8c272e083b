"""Installing the packages that types of workers are part of."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from enum import Enum
from typing import TYPE_CHECKING

from prefect.cli.errors import CliError
from prefect.cli.output import confirm, is_interactive, say

if TYPE_CHECKING:
    import typer

__all__ = ["InstallPolicy", "install_worker_type"]


class InstallPolicy(str, Enum):
    """Whether the package is installed that a type of workers is part of."""

    ALWAYS = "always"
    IF_NOT_PRESENT = "if-not-present"
    NEVER = "never"
    PROMPT = "prompt"


def install_worker_type(context: typer.Context, kind: str, policy: InstallPolicy) -> None:
    """
    Install the package that a type of workers is part of, as a policy says, and begin anew with it.

    Raises:
        CliError: It could not be installed.
    """
    from prefect.plugins import registries
    from prefect.plugins.known import distribution_for

    distribution = distribution_for(registries.workers.family.key, kind)
    if distribution is None or policy is InstallPolicy.NEVER:
        return
    is_there = kind in registries.workers.names() or _is_installed(distribution)
    if is_there and policy is not InstallPolicy.ALWAYS:
        return
    if policy is InstallPolicy.PROMPT:
        if not is_interactive(context):
            return  # whoever looks for the type says what to do
        confirm(context, f"Workers of type {kind!r} are part of {distribution}, which is not installed. Install it?")
    say(f"Installs {distribution}.")
    done = subprocess.run([*_installer(), "--upgrade", distribution], check=False)  # noqa: S603
    if done.returncode != 0:
        raise CliError(f"{distribution} could not be installed: see above.")
    # What is installed is known at the start of a process only.
    again = [sys.executable, "-m", "prefect", *sys.argv[1:], "--install-policy", InstallPolicy.NEVER.value]
    os.execv(sys.executable, again)  # noqa: S606


def _is_installed(distribution: str) -> bool:
    """Whether it is; published packages say what types of workers they have only when they are imported."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _installer() -> list[str]:
    """
    What installs packages into the environment of this process.

    Raises:
        CliError: Nothing does.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install"]
    uv = shutil.which("uv")
    if uv is None:
        raise CliError(f"Neither pip nor uv is installed for {sys.executable}. Install the package another way.")
    return [uv, "pip", "install", "--python", sys.executable]
