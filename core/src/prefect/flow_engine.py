"""Run flows as the engine does: for processes that execute runs which exist already."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import contextmanager
from logging import Logger
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from prefect._contract.endpoints.flow_runs import read_flow_run
from prefect._engine import flow_run as _engine
from prefect._engine.effects import Overtime as FlowRunTimeoutError
from prefect.bundles.places import bundled_flow
from prefect.client.base import current_transport
from prefect.context import hydrated_context
from prefect.flows.loading import load_flow_from_entrypoint
from prefect.utilities.dual import drive

if TYPE_CHECKING:
    from prefect._contract.objects import FlowRun
    from prefect.flows import Flow
    from prefect.futures import PrefectFuture

__all__ = [
    "FlowRunTimeoutError",
    "load_flow",
    "load_flow_and_flow_run",
    "load_flow_run",
    "locate_flow",
    "run_flow",
    "run_flow_async",
    "run_flow_in_subprocess",
    "run_flow_sync",
    "run_generator_flow_async",
    "run_generator_flow_sync",
]

ReturnType = Literal["state", "result"]


def load_flow_run(flow_run_id: UUID) -> FlowRun:
    """
    Read a flow run.

    Raises:
        ObjectNotFound: There is none of that id.
    """
    return current_transport().send(read_flow_run(flow_run_id))


def locate_flow(flow_run: FlowRun) -> str:
    """
    Get the code of a flow run to this machine, go to where it is, and say where its flow is from there.

    `PREFECT__FLOW_ENTRYPOINT` goes before what the run's deployment says, and that before what its record says. Who has
    fetched the code already says where to by `PREFECT__STORAGE_BASE_PATH`.

    Returns:
        The entrypoint: `path/to/file.py:function` or `package.module:function`.

    Raises:
        ValueError: Nothing says where the code is, or it is not there.
        StepExecutionError: A step by which the code is got failed.
    """
    from prefect.deployments.code import locate_code

    fetched = os.environ.get("PREFECT__STORAGE_BASE_PATH")
    locating = locate_code(flow_run, fetched, ignore_storage=fetched is not None)
    return os.environ.get("PREFECT__FLOW_ENTRYPOINT") or drive(locating)


def load_flow(flow_run: FlowRun) -> Flow[Any, Any]:
    """
    Load the flow of a run: from the bundle that this process was given, else see `locate_flow`.

    Raises:
        ValueError: Nothing says where the code is, or it is not there.
        StepExecutionError: A step by which the code is got failed.
        ScriptError: The code raised an exception while it was loaded.
    """
    bundled = bundled_flow()
    return load_flow_from_entrypoint(locate_flow(flow_run)) if bundled is None else bundled[0]


def load_flow_and_flow_run(flow_run_id: UUID) -> tuple[FlowRun, Flow[Any, Any]]:
    """
    Read a flow run, and load its flow.

    Raises:
        ObjectNotFound: There is no run of that id.
        ValueError: Nothing says where the flow's code is.
    """
    flow_run = load_flow_run(flow_run_id)
    return flow_run, load_flow(flow_run)


def run_flow_in_subprocess(
    flow: Flow[..., Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    context: dict[str, Any] | None = None,
    env: dict[str, str | None] | None = None,
) -> multiprocessing.process.BaseProcess:
    """
    Run a flow in a new process, and return that process at once.

    Args:
        flow: The flow.
        flow_run: Its run, if it exists already.
        parameters: What it is called with, by name.
        wait_for: Runs that must have ended before; waited for here.
        context: What `serialize_context()` returned; made here without.
        env: Environment variables for the process; None removes one.
    """
    import cloudpickle

    from prefect.context import serialize_context
    from prefect.futures import resolve_futures_to_results

    resolved = resolve_futures_to_results(parameters) if parameters is not None else None
    for future in wait_for or ():
        future.wait()
    payload = cloudpickle.dumps((flow, flow_run, resolved, context or serialize_context()))
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_run_payload, args=(payload, env or {}))
    process.start()
    return process


def _run_payload(payload: bytes, env: dict[str, str | None]) -> None:
    import asyncio

    import cloudpickle

    for name, value in env.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    flow, flow_run, parameters, context = cloudpickle.loads(payload)
    answer = run_flow(flow, flow_run, parameters, return_type="result", context=context)
    if flow.isgenerator:
        list(answer)
    elif flow.isasync:
        asyncio.run(answer)


@contextmanager
def _execution(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None,
    parameters: dict[str, Any] | None,
    wait_for: Any,
    context: dict[str, Any] | None,
) -> Generator[_engine.FlowExecution, None, None]:
    if parameters is None:
        parameters = dict(flow_run.parameters) if flow_run is not None else {}
    from prefect.utilities.callables import get_parameter_defaults

    parameters = {**get_parameter_defaults(flow.fn), **parameters}
    with hydrated_context(context):
        yield _engine.execution(flow, parameters, flow_run=flow_run, wait_for=wait_for)


def run_flow_sync(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    return_type: ReturnType = "result",
    context: dict[str, Any] | None = None,
) -> Any:
    """
    Run a sync flow on this thread.

    Args:
        flow: The flow.
        flow_run: Its run, if it exists already.
        parameters: What it is called with, by name; those of the run without.
        wait_for: Runs that must have ended before.
        return_type: Return its result, or its final state.
        context: What `serialize_context()` returned elsewhere.
    """
    with _execution(flow, flow_run, parameters, wait_for, context) as run:
        return _engine.execute(run, return_type)


async def run_flow_async(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    return_type: ReturnType = "result",
    context: dict[str, Any] | None = None,
) -> Any:
    """Run an async flow in this event loop; see `run_flow_sync`."""
    with _execution(flow, flow_run, parameters, wait_for, context) as run:
        return await _engine.aexecute(run, return_type)


def run_generator_flow_sync(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    return_type: ReturnType = "result",
    context: dict[str, Any] | None = None,
) -> Generator[Any, None, Any]:
    """Run a generator flow on this thread, value by value; see `run_flow_sync`."""
    _refuse_state(return_type)
    with _execution(flow, flow_run, parameters, wait_for, context) as run:
        return (yield from _engine.stream(run))


async def run_generator_flow_async(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    return_type: ReturnType = "result",
    context: dict[str, Any] | None = None,
) -> AsyncGenerator[Any, None]:
    """Run an async generator flow in this event loop, value by value; see `run_flow_sync`."""
    _refuse_state(return_type)
    with _execution(flow, flow_run, parameters, wait_for, context) as run:
        async for value in _engine.astream(run):
            yield value


def run_flow(
    flow: Flow[Any, Any],
    flow_run: FlowRun | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[PrefectFuture[Any]] | None = None,
    return_type: ReturnType = "result",
    error_logger: Logger | None = None,
    context: dict[str, Any] | None = None,
) -> Any:
    """
    Run a flow the way its function wants to be run: a value, an awaitable, a generator or an async generator.

    Args:
        flow: The flow.
        flow_run: Its run, if it exists already.
        parameters: What it is called with, by name.
        wait_for: Runs that must have ended before.
        return_type: Return its result, or its final state.
        error_logger: Told of what keeps the run from starting, before it is raised.
        context: What `serialize_context()` returned elsewhere.
    """
    arguments = (flow, flow_run, parameters, wait_for, return_type, context)
    try:
        if flow.isgenerator:
            return run_generator_flow_async(*arguments) if flow.isasync else run_generator_flow_sync(*arguments)
        return run_flow_async(*arguments) if flow.isasync else run_flow_sync(*arguments)
    except Exception:
        if error_logger is not None:
            error_logger.exception("Flow run could not be executed by process %s.", os.getpid())
        raise


def _refuse_state(return_type: ReturnType) -> None:
    if return_type != "result":
        raise ValueError(f"The return_type for a generator flow must be 'result', got {return_type!r}.")
