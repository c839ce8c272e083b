"""Answers that are no plain records, as servers know them."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.responses.concurrency import *
    from prefect._contract.responses.deployments import *
    from prefect._contract.responses.graph import *
    from prefect._contract.responses.orchestration import *
    from prefect._contract.responses.runs import *
    from prefect._contract.responses.schema_values import *
    from prefect._contract.responses.work_pools import *

_NAMES = {
    "responses.concurrency": (
        "ConcurrencyLimitV2",
        "ConcurrencyLimitWithLeaseResponse",
        "GlobalConcurrencyLimitResponse",
        "MinimalConcurrencyLimitResponse",
    ),
    "responses.deployments": ("DeploymentBulkDeleteResponse", "DeploymentPaginationResponse", "DeploymentResponse"),
    "responses.graph": ("DependencyResult", "Edge", "Graph", "GraphArtifact", "GraphState", "Node"),
    "responses.orchestration": (
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
    "responses.runs": (
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
        "TaskRunPaginationResponse",
        "TaskRunResponse",
        "UITaskRun",
    ),
    "responses.schema_values": (
        "SchemaValueIndexError",
        "SchemaValuePropertyError",
        "SchemaValuesValidationResponse",
    ),
    "responses.work_pools": (
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
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
