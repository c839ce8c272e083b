"""Run steps: find the function that each names, fill in its inputs, hand its outputs on to the next."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import anyio

from prefect.client.references import resolve_block_document_references, resolve_variables
from prefect.logging.loggers import get_logger
from prefect.plugins import registries
from prefect.utilities.importtools import import_object
from prefect.utilities.templating import apply_values

__all__ = ["RESERVED_KEYWORDS", "StepExecutionError", "run_step", "run_steps"]

RESERVED_KEYWORDS = {"id", "requires"}
"""Inputs that are for whoever runs a step, and not for its function."""

_REQUIREMENT = re.compile(r"[A-Za-z0-9].*")


class StepExecutionError(Exception):
    """A step failed."""


async def run_step(step: dict[str, Any], upstream_outputs: dict[str, Any] | None = None) -> Any:
    """
    Run a step.

    Args:
        step: The dotted name of a function, or the name that a plugin gave one, and its inputs by name:
            `{"prefect.deployments.steps.git_clone": {"repository": "https://…"}}`. Inputs may hold `{{ name }}` for outputs
            of steps before, `{{ $NAME }}` for environment variables, `{{ prefect.variables.NAME }}` and
            `{{ prefect.blocks.TYPE.NAME }}`. `requires` names packages that are installed if the function is not there.
        upstream_outputs: Outputs of steps before, by name.

    Returns:
        What the function returns.

    Raises:
        ValueError: The step does not name exactly one function.
        ImportError: There is no such function.
        TypeError: The function cannot be called with these inputs.
    """
    name, inputs = _parts(step)
    function = await _function(name, inputs.get("requires"))
    filled: Any = apply_values(inputs, upstream_outputs or {})
    filled = await resolve_variables(await resolve_block_document_references(filled))
    arguments = {key: value for key, value in filled.items() if key not in RESERVED_KEYWORDS}
    _check_arguments(name, function, arguments)
    answer = function(**arguments)
    return await answer if inspect.isawaitable(answer) else answer


def _parts(step: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(step, dict) or not step:
        raise ValueError(f"Invalid step: {step!r}. Give a function and its inputs: {{'package.function': {{…}}}}.")
    (name, inputs), *others = step.items()
    if others:
        keys = ", ".join(str(key) for key, _ in others)
        raise ValueError(f"Step has unexpected additional keys: {keys}. Indent the inputs of {name!r} below it.")
    if not isinstance(inputs, (dict, type(None))):
        raise ValueError(f"Invalid inputs of step {name!r}: {inputs!r}. Give them by name.")
    return name, inputs or {}


def _check_arguments(name: str, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        given = ", ".join(arguments) or "none"
        raise TypeError(
            f"The step {name!r} cannot be run with the inputs it has: {error}. It has: {given}. Inputs that are nothing "
            "but a placeholder without a value are left out."
        ) from None


async def _function(name: str, requires: str | list[str] | None) -> Callable[..., Any]:
    try:
        return _found(name)
    except ImportError:
        if not requires:
            raise
    packages = [requires] if isinstance(requires, str) else list(requires)
    get_logger("deployments.steps").warning("The step %s is not there: installing %s.", name, ", ".join(packages))
    await _install(packages)
    return _found(name)


def _found(name: str) -> Callable[..., Any]:
    if name in registries.deployment_steps.names():
        return registries.deployment_steps.get(name)
    module, _, attribute = name.rpartition(".")
    if not module:
        known = ", ".join(registries.deployment_steps.names())
        raise ImportError(f"There is no step {name!r}. Give a dotted name, or one of: {known}.")
    try:
        function: Any = import_object(name)
    except AttributeError as error:
        raise ImportError(f"There is no step {name!r}: the module {module!r} has no function {attribute!r}.") from error
    if not callable(function):
        raise ImportError(f"The step {name!r} is no function, but a {type(function).__name__}.")
    return function  # type: ignore[no-any-return]


async def _install(packages: list[str]) -> None:
    refused = [package for package in packages if not _REQUIREMENT.fullmatch(package)]
    if refused:
        raise ValueError(f"Invalid requires: {', '.join(map(repr, refused))}. Give names of packages.")
    from prefect.deployments.steps.utility import pip_command

    done = await anyio.run_process([*pip_command(), "--", *packages], check=False, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise ImportError(f"{', '.join(packages)} could not be installed: {done.stdout.decode(errors='replace')}")
    importlib.invalidate_caches()


async def run_steps(
    steps: list[dict[str, Any]],
    upstream_outputs: dict[str, Any] | None = None,
    print_function: Any = print,
    deployment: Any | None = None,
    flow_run: Any | None = None,
    logger: Any | None = None,
) -> dict[str, Any]:
    """
    Run steps one after another.

    Args:
        steps: The steps; see `run_step`. A step with an `id` hands its outputs on below that name, too.
        upstream_outputs: What the first step finds.
        print_function: Called with what is being done.
        deployment: Whose steps they are, for errors.
        flow_run: What they are run for, for errors.
        logger: Told of a step that fails.

    Returns:
        The outputs of all steps by name: those of later ones go before those of earlier ones.

    Raises:
        StepExecutionError: A step failed; why is its cause.
    """
    outputs = deepcopy(upstream_outputs) if upstream_outputs else {}
    whose = "".join(
        f" for {kind} {thing.name!r}"
        for kind, thing in (("deployment", deployment), ("flow run", flow_run))
        if thing is not None
    )
    for index, step in enumerate(steps):
        if not step:
            continue
        name, inputs = _parts(step)
        try:
            print_function(f" > Running {name.rpartition('.')[2]} step...")
            answer = await run_step(step, outputs)
        except Exception as error:
            _tell("failed", index, step, deployment, flow_run)
            message = f"Encountered error while running {name}{whose}: {error}"
            if logger is not None:
                logger.error(message)
            raise StepExecutionError(message) from error
        _tell("executed", index, step, deployment, flow_run)
        if isinstance(answer, dict):
            if inputs.get("id"):
                outputs[inputs["id"]] = answer
            outputs.update(answer)
    return outputs


def _tell(what: str, index: int, step: dict[str, Any], deployment: Any | None, flow_run: Any | None) -> None:
    """Emit what became of a step by which a flow run gets its code. Its inputs are told as written, not filled in."""
    if flow_run is None:
        return
    from prefect.events.utilities import emit_event

    name, inputs = _parts(step)
    payload = {
        "index": index,
        "qualified_name": name,
        "step_name": name.rpartition(".")[2],
        "id": inputs.get("id"),
        "inputs": {key: value for key, value in inputs.items() if key not in RESERVED_KEYWORDS},
    }
    resource = {"prefect.resource.id": f"prefect.flow-run.{flow_run.id}"}
    role = {"prefect.resource.role": "deployment"}
    related = [] if deployment is None else [{"prefect.resource.id": f"prefect.deployment.{deployment.id}", **role}]
    emit_event(f"prefect.flow-run.pull-step.{what}", resource=resource, related=related, payload=payload)
