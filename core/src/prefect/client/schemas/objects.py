"""The records of an orchestrator."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.administration import *
    from prefect._contract.artifacts import *
    from prefect._contract.blocks import *
    from prefect._contract.concurrency import *
    from prefect._contract.deployments import *
    from prefect._contract.objects import *
    from prefect._contract.state import *
    from prefect._contract.work_pools import *

_NAMES = {
    "administration": (
        "Configuration",
        "CsrfToken",
        "SavedSearch",
        "SavedSearchFilter",
        "ServerDefaultResultStorage",
        "ServerDefaultResultStorageUpdate",
    ),
    "artifacts": ("Artifact", "ArtifactCollection", "FlowRunInput", "Variable"),
    "blocks": (
        "DEFAULT_BLOCK_SCHEMA_VERSION",
        "BlockDocument",
        "BlockDocumentReference",
        "BlockSchema",
        "BlockSchemaReference",
        "BlockType",
    ),
    "concurrency": (
        "ConcurrencyLeaseHolder",
        "ConcurrencyLimit",
        "ConcurrencyLimitConfig",
        "ConcurrencyLimitStrategy",
        "ConcurrencyOptions",
        "GlobalConcurrencyLimit",
    ),
    "deployments": (
        "BranchingScheduleHandling",
        "Deployment",
        "DeploymentBranchingOptions",
        "DeploymentSchedule",
        "DeploymentStatus",
        "VersionInfo",
    ),
    "objects": (
        "Constant",
        "Flow",
        "FlowRun",
        "FlowRunPolicy",
        "FlowRunResult",
        "Log",
        "Parameter",
        "RunInput",
        "TaskRun",
        "TaskRunPolicy",
        "TaskRunResult",
    ),
    "state": ("TERMINAL_STATES", "RunType", "State", "StateDetails", "StateType", "data_discriminator"),
    "work_pools": (
        "DEFAULT_AGENT_WORK_POOL_NAME",
        "Agent",
        "Integration",
        "QueueFilter",
        "WorkPool",
        "WorkPoolStatus",
        "WorkPoolStorageConfiguration",
        "WorkQueue",
        "WorkQueueHealthPolicy",
        "WorkQueueStatus",
        "WorkQueueStatusDetail",
        "Worker",
        "WorkerMetadata",
        "WorkerStatus",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
