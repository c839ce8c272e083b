"""Flows that run as tasks of ECS, wherever they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from typing_extensions import ParamSpec

from prefect.flows import Flow, InfrastructureBoundFlow, bind_flow_to_infrastructure
from prefect_aws.workers.ecs_worker import ECSWorker

if TYPE_CHECKING:
    from prefect.bundles import BundleLauncher

__all__ = ["ecs"]

P = ParamSpec("P")
R = TypeVar("R")


def ecs(
    work_pool: str,
    include_files: Optional[Sequence[str]] = None,
    launcher: Optional[BundleLauncher] = None,
    **job_variables: Any,
) -> Callable[[Flow[P, R]], InfrastructureBoundFlow[P, R]]:
    """
    Bind a flow to a work pool of the type `ecs`.

        @ecs(work_pool="ecs-pool", memory=4096)
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
            flow, work_pool, ECSWorker, job_variables, launcher=launcher, include_files=include_files
        )

    return bind
