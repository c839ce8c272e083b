"""Deployments: flows made ready to be run elsewhere, and runs of them."""

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect.deployments.base import initialize_project
    from prefect.deployments.flow_runs import arun_deployment, run_deployment
    from prefect.deployments.runner import adeploy, deploy

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(),
    {
        "adeploy": "prefect.deployments.runner",
        "arun_deployment": "prefect.deployments.flow_runs",
        "deploy": "prefect.deployments.runner",
        "initialize_project": "prefect.deployments.base",
        "run_deployment": "prefect.deployments.flow_runs",
    },
)
