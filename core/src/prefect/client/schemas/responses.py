"""Answers of an orchestrator that are no plain records."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.responses.concurrency import *
    from prefect._contract.responses.deployments import *
    from prefect._contract.responses.orchestration import *
    from prefect._contract.responses.runs import *
    from prefect._contract.responses.work_pools import *

_NAMES = {
    "responses.concurrency": (
        "ConcurrencyLimitWithLeaseResponse",
        "GlobalConcurrencyLimitResponse",
        "MinimalConcurrencyLimitResponse",
    ),
    "responses.deployments": ("DeploymentResponse",),
    "responses.orchestration": (
        "OrchestrationResult",
        "SetStateStatus",
        "StateAbortDetails",
        "StateAcceptDetails",
        "StateRejectDetails",
        "StateResponseDetails",
        "StateWaitDetails",
    ),
    "responses.runs": ("FlowRunResponse", "HistoryResponse", "HistoryResponseState"),
    "responses.work_pools": (
        "FlowRunSlotSummary",
        "WorkPoolConcurrencyStatus",
        "WorkQueueConcurrencyStatus",
        "WorkQueueConcurrencyStatusDetail",
        "WorkerFlowRunResponse",
    ),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
