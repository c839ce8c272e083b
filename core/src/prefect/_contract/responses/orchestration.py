"""What becomes of a proposed state."""

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import Field

from prefect._contract.base import PrefectBaseModel
from prefect._contract.state import State
from prefect.utilities.collections import AutoEnum

__all__ = [
    "FlowRunBulkSetStateResponse",
    "FlowRunOrchestrationResult",
    "OrchestrationResult",
    "SetStateStatus",
    "StateAbortDetails",
    "StateAcceptDetails",
    "StateRejectDetails",
    "StateResponseDetails",
    "StateWaitDetails",
]


class SetStateStatus(AutoEnum):
    """What became of a proposed state."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


class StateAcceptDetails(PrefectBaseModel):
    """The run is in the proposed state."""

    type: Literal["accept_details"] = "accept_details"


class StateRejectDetails(PrefectBaseModel):
    """The run is in another state than the proposed one."""

    type: Literal["reject_details"] = "reject_details"
    reason: str | None = None


class StateAbortDetails(PrefectBaseModel):
    """Nothing has changed, and the proposer must stop."""

    type: Literal["abort_details"] = "abort_details"
    reason: str | None = None


class StateWaitDetails(PrefectBaseModel):
    """Nothing has changed yet: propose again after a delay."""

    type: Literal["wait_details"] = "wait_details"
    delay_seconds: int
    reason: str | None = None


R = TypeVar("R")

StateResponseDetails = StateAcceptDetails | StateWaitDetails | StateRejectDetails | StateAbortDetails
"""What else is to be said of the outcome; the field `type` tells which it is."""


class OrchestrationResult(PrefectBaseModel, Generic[R]):
    """What became of a proposed state, and the state that the run is in now."""

    state: State[Any] | None
    status: SetStateStatus
    details: StateResponseDetails

    if not TYPE_CHECKING:

        def __class_getitem__(cls, item):  # noqa: ANN001, ANN204
            """`OrchestrationResult[int]` is for type checkers, as is `State[int]`."""
            return cls


class FlowRunOrchestrationResult(PrefectBaseModel):
    """What became of the proposed state of one of many flow runs."""

    flow_run_id: UUID
    status: SetStateStatus
    state: State[Any] | None = None
    details: StateResponseDetails


class FlowRunBulkSetStateResponse(PrefectBaseModel):
    """What became of a state that was proposed for many flow runs."""

    results: list[FlowRunOrchestrationResult] = Field(default_factory=list)
