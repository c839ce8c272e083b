"""Executing a bundled flow run in a process of this machine that nobody supervises."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.bundles.places import FLOW_BUNDLE, keep_bundle

if TYPE_CHECKING:
    from prefect.bundles.making import SerializedBundle

__all__ = ["execute_bundle_in_subprocess"]


def execute_bundle_in_subprocess(
    bundle: SerializedBundle, env: dict[str, str | None] | None = None, cwd: Path | str | None = None
) -> multiprocessing.process.BaseProcess:
    """
    Execute the flow run of a bundle in a new process, and return that process at once.

    Args:
        bundle: The bundle. The files that go with it are where the process begins already.
        env: Environment variables for the process; None removes one.
        cwd: The directory in which it begins; that of this process by default.
    """
    process = multiprocessing.get_context("spawn").Process(target=_execute, args=(bundle, env or {}, cwd))
    process.start()
    return process


def _execute(bundle: SerializedBundle, env: dict[str, str | None], cwd: Path | str | None) -> None:
    for name, value in env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if cwd is not None:
        os.chdir(cwd)
    with tempfile.TemporaryDirectory(prefix="prefect-bundle-") as folder:
        os.environ[FLOW_BUNDLE] = str(keep_bundle(bundle, Path(folder)))
        sys.argv = ["prefect.engine", bundle["flow_run"]["id"]]
        runpy.run_module("prefect.engine", run_name="__main__")
