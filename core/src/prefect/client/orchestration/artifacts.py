"""The clients' methods for artifacts, logs and variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from prefect._contract.endpoints import artifacts, logs, variables
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.actions.runs import LogCreate
    from prefect._contract.actions.settings import VariableUpdate
    from prefect._contract.artifacts import Variable

__all__ = [
    "ArtifactAsyncClient",
    "ArtifactClient",
    "ArtifactCollectionAsyncClient",
    "ArtifactCollectionClient",
    "LogAsyncClient",
    "LogClient",
    "VariableAsyncClient",
    "VariableClient",
]


def create_logs(logs: Iterable[LogCreate | dict[str, Any]]) -> Steps[None]:
    """
    Keep some lines of logs.

    Args:
        logs: The lines, as models or as mappings with their fields.
    """
    from prefect._contract.actions.runs import LogCreate
    from prefect._contract.endpoints.logs import create_logs as endpoint

    lines = [LogCreate.model_validate(line) if isinstance(line, dict) else line for line in logs]
    yield from ask(endpoint(lines))


def read_variable_by_name(name: str) -> Steps[Variable | None]:
    """Read a variable by name; None if there is none."""
    try:
        return (yield from ask(variables.read_variable_by_name(name)))
    except ObjectNotFound:
        return None


def update_variable(variable: VariableUpdate) -> Steps[None]:
    """
    Change the variable that has the name of the update.

    Raises:
        ValueError: The update has no name.
        prefect.exceptions.ObjectNotFound: There is no variable of this name.
    """
    if variable.name is None:
        message = "An update of a variable needs the variable's name: VariableUpdate(name='...', value=...)."
        raise ValueError(message)
    yield from ask(variables.update_variable_by_name(variable.name, variable))


def read_variables(limit: int | None = None) -> Steps[list[Variable]]:
    """List variables by name."""
    return (yield from ask(variables.read_variables(limit)))


class ArtifactClient:
    """Artifacts, one by one."""

    transport: Transport
    create_artifact = blocking(artifacts.create_artifact)
    update_artifact = blocking(artifacts.update_artifact)
    delete_artifact = blocking(artifacts.delete_artifact)
    read_artifacts = blocking(artifacts.read_artifacts)


class ArtifactAsyncClient:
    """Artifacts, one by one."""

    transport: Transport
    create_artifact = awaitable(artifacts.create_artifact)
    update_artifact = awaitable(artifacts.update_artifact)
    delete_artifact = awaitable(artifacts.delete_artifact)
    read_artifacts = awaitable(artifacts.read_artifacts)


class ArtifactCollectionClient:
    """The latest artifact of each key."""

    transport: Transport
    read_latest_artifacts = blocking(artifacts.read_latest_artifacts)


class ArtifactCollectionAsyncClient:
    """The latest artifact of each key."""

    transport: Transport
    read_latest_artifacts = awaitable(artifacts.read_latest_artifacts)


class LogClient:
    """Logs."""

    transport: Transport
    create_logs = blocking_steps(create_logs)
    read_logs = blocking(logs.read_logs)


class LogAsyncClient:
    """Logs."""

    transport: Transport
    create_logs = awaitable_steps(create_logs)
    read_logs = awaitable(logs.read_logs)


class VariableClient:
    """Variables."""

    transport: Transport
    create_variable = blocking(variables.create_variable)
    read_variable_by_name = blocking_steps(read_variable_by_name)
    read_variables = blocking_steps(read_variables)
    update_variable = blocking_steps(update_variable)
    delete_variable_by_name = blocking(variables.delete_variable_by_name)


class VariableAsyncClient:
    """Variables."""

    transport: Transport
    create_variable = awaitable(variables.create_variable)
    read_variable_by_name = awaitable_steps(read_variable_by_name)
    read_variables = awaitable_steps(read_variables)
    update_variable = awaitable_steps(update_variable)
    delete_variable_by_name = awaitable(variables.delete_variable_by_name)
