"""What a deployment needs to know of its flow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.exceptions import ScriptError
from prefect.flows.loading import load_flow_arguments_from_entrypoint, load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.parameter_schemas import ParameterSchema, parameter_schema_from_entrypoint

if TYPE_CHECKING:
    from prefect.flows import Flow

__all__ = ["DescribedFlow", "describe", "describe_entrypoint", "entrypoint_of"]


@dataclass(frozen=True, slots=True)
class DescribedFlow:
    """
    What a deployment needs to know of its flow.

    Args:
        name: Its name.
        description: What it does.
        version: Its version.
        schema: The parameters that it takes.
        retries: How often it is tried again.
        retry_delay_seconds: Seconds after which it is.
    """

    name: str
    description: str | None
    version: str | None
    schema: ParameterSchema
    retries: int = 0
    retry_delay_seconds: float = 0


def describe(flow: Flow[..., Any]) -> DescribedFlow:
    """What a deployment needs to know of a flow."""
    schema = flow._schema or flow.parameters
    return DescribedFlow(flow.name, flow.description, flow.version, schema, flow.retries, flow.retry_delay_seconds)


def describe_entrypoint(entrypoint: str) -> DescribedFlow:
    """
    What a deployment needs to know of the flow at an entrypoint.

    If the flow's file cannot be run here, as what it needs is not installed, it is only read.

    Raises:
        MissingFlowError: What is there is not a flow.
        ValueError: There is no such file or function.
    """
    try:
        return describe(load_flow_from_entrypoint(entrypoint))
    except (ScriptError, ImportError):
        options = load_flow_arguments_from_entrypoint(entrypoint, ["name", "description", "version"])
        schema = parameter_schema_from_entrypoint(entrypoint)
        return DescribedFlow(options["name"], options.get("description"), options.get("version"), schema)


def entrypoint_of(flow: Flow[..., Any], kind: EntrypointType) -> str:
    """
    Where a flow can be loaded from by another process.

    Args:
        flow: The flow.
        kind: Whether by its file, relative to the working directory if it is in there, or by its module.

    Raises:
        ValueError: It cannot be loaded by another process.
    """
    function: Any = flow.fn
    name = getattr(function, "__qualname__", "<locals>")
    if "<locals>" in name:
        raise ValueError(
            f"The flow {flow.name!r} is defined within a function, where no other process can find it. Define it at the top "
            "level of its file."
        )
    if kind is EntrypointType.MODULE_PATH:
        if function.__module__ == "__main__":
            raise ValueError(
                f"The flow {flow.name!r} is in the script that runs, which is no module for other processes. Import it from "
                "a module, or use EntrypointType.FILE_PATH."
            )
        return f"{function.__module__}.{name}"
    entrypoint = flow.entrypoint
    if entrypoint is None:
        raise ValueError(f"The flow {flow.name!r} was not defined in a file, so no other process can load it.")
    file, _, name = entrypoint.rpartition(":")
    path = Path(file)
    is_below = path.is_relative_to(Path.cwd())
    return f"{path.relative_to(Path.cwd()) if is_below else path}:{name}"
