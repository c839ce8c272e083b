"""Where the code of a flow run is, and how this process gets there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._contract.endpoints.deployments import read_deployment
from prefect._engine.effects import CallEither
from prefect.client.base import ask
from prefect.logging.loggers import flow_run_logger
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect._contract.responses.deployments import DeploymentResponse

__all__ = ["locate_code"]


def locate_code(flow_run: FlowRun, base: str | None = None, *, ignore_storage: bool = False) -> Steps[str]:
    """
    Get the code of a flow run to this machine, go to where it is, and say where the flow is from there.

    What the run's deployment says goes before what its record says.

    Args:
        flow_run: The run.
        base: The folder that the path of its deployment starts from; the working directory without.
        ignore_storage: Whether the code is here already.

    Returns:
        The entrypoint: `path/to/file.py:function` or `package.module:function`.

    Raises:
        ValueError: Nothing says where the code is, or it is not there.
        StepExecutionError: A step by which the code is got failed.
    """
    entrypoint = ""
    if flow_run.deployment_id is not None:
        deployment = yield from ask(read_deployment(flow_run.deployment_id))
        if not ignore_storage:
            yield from _get_code(deployment, flow_run)
        if ignore_storage or not deployment.pull_steps:
            _go_to(base or "", deployment.path, f"deployment {deployment.name!r} ({deployment.id})")
        entrypoint = deployment.entrypoint or ""
    entrypoint = entrypoint or str(flow_run.labels.get("prefect.flow.entrypoint") or "")
    if not entrypoint:
        raise ValueError(
            f"It is not known where the code of flow run '{flow_run.id}' is: its flow was not defined in a file. Set "
            "PREFECT__FLOW_ENTRYPOINT to 'path/to/file.py:function'."
        )
    return _found(entrypoint)


def _found(entrypoint: str) -> str:
    if ":" not in entrypoint:
        module, _, name = entrypoint.rpartition(".")
        return f"{module}:{name}"
    file = Path(entrypoint.rpartition(":")[0])
    if file.suffix == ".py" and not file.is_file():
        raise ValueError(
            f"There is no file '{file}', in which the flow should be, in '{Path.cwd()}'. Execute the run where its code is, "
            "or deploy it with the place that the code is to be got from: flow.from_source(...)."
        )
    return entrypoint


def _get_code(deployment: DeploymentResponse, flow_run: FlowRun) -> Steps[None]:
    whose = f"deployment {deployment.name!r} ({deployment.id})"
    if deployment.pull_steps:
        from prefect.deployments.steps.core import run_steps

        logger = flow_run_logger(flow_run=flow_run)
        start = Path.cwd()
        options: dict[str, Any] = {
            "print_function": logger.info,
            "deployment": deployment,
            "flow_run": flow_run,
            "logger": logger,
        }
        outputs = yield CallEither(lambda: run_steps(deployment.pull_steps or [], **options), ())
        directory = outputs.get("directory")
        _go_to(str(start) if directory else "", directory or ".", whose)
    elif deployment.storage_document_id is not None:
        from prefect.blocks.core import Block

        block = yield from Block._load_from_ref_steps({"block_document_id": deployment.storage_document_id})
        copying: Any = getattr(block, "get_directory", None)
        if copying is None:
            raise ValueError(
                f"The block in which {whose} keeps its code cannot hold any: it is a {type(block).__name__}."
            )
        yield CallEither(lambda: copying(from_path=deployment.path, local_path="."), ())


def _go_to(base: str, place: str | None, whose: str) -> None:
    """Make a folder the working directory, from which modules are found."""
    if not (base or place):
        return
    folder = Path(base, place or "").expanduser().absolute()
    if not folder.is_dir():
        raise ValueError(f"The code of {whose} should be in '{folder}', which is no directory on this machine.")
    os.chdir(folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
