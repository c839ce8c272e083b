"""
The deployment of the flow run that this code is in.

Attributes:
    id: Its id, as text.
    name: Its name.
    flow_run_id: The id of the flow run.
    parameters: What the flow was called with.
    version: Its version when the flow run was made.
"""

from __future__ import annotations

from typing import Any

from prefect.runtime import flow_run
from prefect.runtime.attributes import install
from prefect.utilities.dual import Steps, drive

__all__ = [
    "flow_run_id",  # noqa: F822 - answered by `__getattr__`, like all that are no functions
    "get_flow_run_id",
    "get_id",
    "get_name",
    "get_parameters",
    "get_version",
    "id",
    "name",  # noqa: F822
    "parameters",  # noqa: F822
    "version",  # noqa: F822
]


def get_id() -> str | None:
    """The id of the deployment; None if the flow run has none."""
    run = flow_run._run()
    return None if run is None or run.deployment_id is None else str(run.deployment_id)


def _name_steps() -> Steps[str | None]:
    run = yield from flow_run._run_steps()
    if run is None or run.deployment_id is None:
        return None
    from prefect._contract.endpoints import deployments
    from prefect.client.base import ask

    return (yield from ask(deployments.read_deployment(run.deployment_id))).name


def get_name() -> str | None:
    """
    The name of the deployment, read from the orchestrator; None if the flow run has none.

    Raises:
        ObjectNotFound: The deployment has been deleted since the flow run began.
    """
    return drive(_name_steps())


def get_flow_run_id() -> str | None:
    """The id of the flow run."""
    return flow_run.get_id()


def get_parameters() -> dict[str, Any]:
    """What the flow was called with."""
    return flow_run.get_parameters()


def get_version() -> str | None:
    """The version of the deployment when the flow run was made; None if the flow run has no deployment."""
    run = flow_run._run()
    return None if run is None else run.deployment_version


install(
    globals(),
    {
        "id": get_id,
        "name": get_name,
        "flow_run_id": get_flow_run_id,
        "parameters": get_parameters,
        "version": get_version,
    },
)
