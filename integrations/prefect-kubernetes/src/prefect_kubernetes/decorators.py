"""Flows that run as Jobs of a cluster, wherever they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from typing_extensions import ParamSpec

from prefect.flows import Flow, InfrastructureBoundFlow, bind_flow_to_infrastructure
from prefect_kubernetes.worker import KubernetesWorker

if TYPE_CHECKING:
    from prefect.bundles import BundleLauncher

__all__ = ["kubernetes"]

P = ParamSpec("P")
R = TypeVar("R")


def kubernetes(
    work_pool: str,
    include_files: Optional[Sequence[str]] = None,
    launcher: Optional[BundleLauncher] = None,
    **job_variables: Any,
) -> Callable[[Flow[P, R]], InfrastructureBoundFlow[P, R]]:
    """
    Bind a flow to a work pool of the type `kubernetes`.

        @kubernetes(work_pool="kubernetes-pool", memory_limit="4Gi")
        @flow
        def train(): ...

    Args:
        work_pool: The work pool, by name. It needs storage for the flow's code.
        include_files: Files, folders and patterns that go along with the code.
        launcher: What starts the storage steps of the work pool, rather than `uv run`.
        job_variables: Overrides for the work pool's job template.
    """

    def bind(flow: Flow[P, R]) -> InfrastructureBoundFlow[P, R]:
        return bind_flow_to_infrastructure(
            flow, work_pool, KubernetesWorker, job_variables, launcher=launcher, include_files=include_files
        )

    return bind
