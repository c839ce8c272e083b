"""
Answers of an orchestrator that are no plain records.

Modules are imported when one of their names is first asked for.
"""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.responses.concurrency import *
    from prefect._contract.responses.deployments import *
    from prefect._contract.responses.events import *
    from prefect._contract.responses.graph import *
    from prefect._contract.responses.orchestration import *
    from prefect._contract.responses.pages import *
    from prefect._contract.responses.runs import *
    from prefect._contract.responses.schema_values import *
    from prefect._contract.responses.work_pools import *

_NAMES = {
    "concurrency": (
        "ConcurrencyLimitV2",
        "ConcurrencyLimitWithLeaseResponse",
        "GlobalConcurrencyLimitResponse",
        "MinimalConcurrencyLimitResponse",
    ),
    "deployments": ("DeploymentBulkDeleteResponse", "DeploymentPaginationResponse", "DeploymentResponse"),
    "events": ("EventCount", "EventPage"),
    "graph": ("DependencyResult", "Edge", "Graph", "GraphArtifact", "GraphState", "Node"),
    "orchestration": (
        "FlowRunBulkSetStateResponse",
        "FlowRunOrchestrationResult",
        "OrchestrationResult",
        "SetStateStatus",
        "StateAbortDetails",
        "StateAcceptDetails",
        "StateRejectDetails",
        "StateResponseDetails",
        "StateWaitDetails",
    ),
    "pages": ("Page",),
    "runs": (
        "CountByState",
        "FlowBulkDeleteResponse",
        "FlowPaginationResponse",
        "FlowRunBulkCreateResponse",
        "FlowRunBulkDeleteResponse",
        "FlowRunCreateResult",
        "FlowRunPaginationResponse",
        "FlowRunResponse",
        "HistoryResponse",
        "HistoryResponseState",
        "SimpleFlowRun",
        "SimpleNextFlowRun",
        "TaskRunCount",
        "TaskRunPaginationResponse",
        "TaskRunResponse",
        "UITaskRun",
    ),
    "schema_values": ("SchemaValueIndexError", "SchemaValuePropertyError", "SchemaValuesValidationResponse"),
    "work_pools": (
        "FlowRunSlotSummary",
        "TaskWorkerResponse",
        "WorkPoolConcurrencyStatus",
        "WorkPoolResponse",
        "WorkQueueConcurrencyStatus",
        "WorkQueueConcurrencyStatusDetail",
        "WorkQueueResponse",
        "WorkerFlowRunResponse",
        "WorkerResponse",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}
)
