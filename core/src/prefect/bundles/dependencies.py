"""The packages that a bundled flow needs, where it is executed."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from importlib.metadata import distributions

from prefect.logging.loggers import get_logger
from prefect.utilities.slugify import slugify

__all__ = ["install_missing"]

_logger = get_logger("bundles")


def install_missing(dependencies: str) -> None:
    """
    Install the packages of a list that are not here, by uv or pip. Other versions of those that are here are left alone.

    The flow may well not need them: if they cannot be installed that is logged, and the run goes on.

    Args:
        dependencies: Lines such as `numpy==2.4.6`.
    """
    present = {slugify(each.metadata["Name"] or "") for each in distributions()}
    missing = [line for line in dependencies.split() if slugify(line.partition("==")[0]) not in present]
    if not missing:
        return
    uv = shutil.which("uv")
    install = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    _logger.info("Installs %d packages that the flow was submitted with: %s", len(missing), " ".join(missing))
    done = subprocess.run([*install, *missing], capture_output=True, text=True, check=False)  # noqa: S603 - a list
    if done.returncode != 0:
        _logger.warning("They cannot be installed, and the flow is executed without: %s", done.stderr.strip()[-2000:])
    importlib.invalidate_caches()
