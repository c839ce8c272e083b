"""Find flows where they are written: in scripts and modules, run or only read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from prefect.exceptions import MissingFlowError, ScriptError, UnspecifiedFlowError
from prefect.flows.definition import Flow
from prefect.utilities.sources import find_definition

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.client.orchestration import PrefectClient

__all__ = [
    "flows_in_file",
    "is_entrypoint_async",
    "load_flow_arguments_from_entrypoint",
    "load_flow_from_entrypoint",
    "load_flow_from_flow_run",
    "load_function_and_convert_to_flow",
    "load_placeholder_flow",
    "safe_load_flow_from_entrypoint",
    "select_flow",
]

P = ParamSpec("P")
R = TypeVar("R")


def select_flow(
    flows: Iterable[Flow[P, R]], flow_name: str | None = None, from_message: str | None = None
) -> Flow[P, R]:
    """
    Choose one flow.

    Args:
        flows: The flows to choose from.
        flow_name: The name of the one that is wanted; not needed when there is one only.
        from_message: Where they come from, for errors.

    Raises:
        MissingFlowError: There is none, or none of that name.
        UnspecifiedFlowError: There are several and no name was given.
    """
    by_name = {candidate.name: candidate for candidate in flows}
    origin = f" {from_message}" if from_message else ""
    known = ", ".join(repr(name) for name in sorted(by_name))
    if not by_name:
        raise MissingFlowError(f"No flows found{origin}.")
    if flow_name is not None:
        if flow_name not in by_name:
            raise MissingFlowError(f"Flow {flow_name!r} not found{origin}. Found the following flows: {known}.")
        return by_name[flow_name]
    if len(by_name) > 1:
        raise UnspecifiedFlowError(f"Found {len(by_name)} flows{origin}: {known}. Specify a flow name to select one.")
    return next(iter(by_name.values()))


def load_flow_from_entrypoint(entrypoint: str, use_placeholder_flow: bool = True) -> Flow[P, Any]:
    """
    Load a flow from `path/to/file.py:function` or `package.module:function`.

    Args:
        entrypoint: Where it is. The function may be nested in a class: `file.py:Class.method`.
        use_placeholder_flow: Accepted for compatibility; a script that cannot be imported raises either way.

    Raises:
        MissingFlowError: There is no flow of that name there.
        ScriptError: The script raised an exception while it was loaded.
    """
    from prefect.utilities.importtools import import_object

    try:
        target = import_object(entrypoint)
    except AttributeError as error:
        raise MissingFlowError(f"There is no flow at {entrypoint!r}: {error}.") from error
    if not isinstance(target, Flow):
        raise MissingFlowError(
            f"Function with name {entrypoint.rpartition(':')[2]!r} is not a flow. Make sure that it is decorated with '@flow'."
        )
    return target


def load_function_and_convert_to_flow(entrypoint: str) -> Flow[P, Any]:
    """
    Load a plain function from an entrypoint, and make a flow of it that logs what it prints.

    Raises:
        RuntimeError: What is there is not a function.
    """
    from prefect.utilities.importtools import import_object

    function = import_object(entrypoint)
    if isinstance(function, Flow):
        return function
    if not callable(function):
        raise RuntimeError(f"Unable to convert {entrypoint!r} to a flow: it is a {type(function).__name__}.")
    return Flow(fn=function, log_prints=True)


def flows_in_file(path: str | Path) -> list[Flow[Any, Any]]:
    """
    All flows that a script defines at its top level.

    Raises:
        ScriptError: The script raised an exception while it was loaded.
    """
    from prefect.utilities.importtools import load_script_as_module

    module = load_script_as_module(str(path))
    return [value for value in vars(module).values() if isinstance(value, Flow)]


def safe_load_flow_from_entrypoint(entrypoint: str) -> Flow[P, Any] | None:
    """Load a flow from an entrypoint; None when its script cannot be imported here, or holds no such flow."""
    try:
        return load_flow_from_entrypoint(entrypoint)
    except (ScriptError, ImportError, MissingFlowError, AttributeError, OSError):
        return None


def load_placeholder_flow(entrypoint: str, raises: Exception) -> Flow[P, Any]:
    """
    A flow that stands for one whose script cannot be imported here: with its name and options, but not its code.

    Args:
        entrypoint: Where the flow is.
        raises: What calling the placeholder raises.
    """
    definition = find_definition(entrypoint)
    options = load_flow_arguments_from_entrypoint(entrypoint)

    def sync_placeholder(*args: Any, **kwargs: Any) -> Any:
        raise raises

    async def async_placeholder(*args: Any, **kwargs: Any) -> Any:
        raise raises

    function: Any = async_placeholder if definition.is_async else sync_placeholder
    function.__name__ = definition.name
    return Flow(fn=function, **options)


def load_flow_arguments_from_entrypoint(
    entrypoint: str, arguments: list[str] | set[str] | None = None
) -> dict[str, Any]:
    """
    The options of a flow's decorator as they are written, read without running its script.

    Args:
        entrypoint: Where the flow is.
        arguments: The options that are wanted; name, version, description, retries and the like without.

    Raises:
        ValueError: There is no such function.
    """
    definition = find_definition(entrypoint)
    wanted = set(arguments or _READABLE_OPTIONS)
    options = {name: value for name, value in definition.options.items() if name in wanted}
    if "name" in wanted:
        options.setdefault("name", definition.name.replace("_", "-"))
    if "description" in wanted and definition.description is not None:
        options.setdefault("description", definition.description)
    return options


_READABLE_OPTIONS = (
    "name",
    "version",
    "retries",
    "retry_delay_seconds",
    "description",
    "flow_run_name",
    "timeout_seconds",
    "validate_parameters",
    "persist_result",
    "cache_result_in_memory",
    "log_prints",
)


def is_entrypoint_async(entrypoint: str) -> bool:
    """Whether the function of an entrypoint is async, read without running its script."""
    return find_definition(entrypoint).is_async


async def load_flow_from_flow_run(
    client: PrefectClient,
    flow_run: FlowRun,
    ignore_storage: bool = False,
    storage_base_path: str | None = None,
    use_placeholder_flow: bool = True,
) -> Flow[..., Any]:
    """
    Get the code of a run to this machine, and load its flow.

    Args:
        client: Asks the orchestrator.
        flow_run: The run.
        ignore_storage: Whether the code is on this machine already, so that it need not be got.
        storage_base_path: The folder that a relative path starts from; the working directory without.
        use_placeholder_flow: When the script cannot be imported, return a flow whose call raises why.

    Raises:
        ValueError: Nothing says where the code is, or it is not there.
        StepExecutionError: A step by which the code is got failed.
        ScriptError: The script cannot be imported, and no placeholder is wanted.
    """
    from prefect.client.base import through
    from prefect.deployments.code import locate_code
    from prefect.utilities.dual import adrive

    locating = locate_code(flow_run, storage_base_path, ignore_storage=ignore_storage)
    entrypoint = await adrive(through(client.transport, locating))
    try:
        return load_flow_from_entrypoint(entrypoint)
    except ScriptError as error:
        if not use_placeholder_flow:
            raise
        return load_placeholder_flow(entrypoint, error)
