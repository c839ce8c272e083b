"""Why a run does not run: an addition to the public REST contract."""

from __future__ import annotations

from datetime import datetime
from typing import Optional
from uuid import UUID

from pydantic import Field

from prefect._contract.base import PrefectBaseModel

__all__ = ["FlowRunExplanation", "SlotHolder", "WaitingCause"]


class SlotHolder(PrefectBaseModel):
    """
    Who has slots that a run waits for.

    Args:
        kind: `flow_run`, `task_run`, `deployment`, or `unknown` for code that is no run's.
        id: The run.
        name: Its name.
        slots: How many slots it has.
        since: When it took them.
    """

    kind: str
    id: Optional[UUID] = None
    name: Optional[str] = None
    slots: int = 1
    since: Optional[datetime] = None


class WaitingCause(PrefectBaseModel):
    """
    One reason for which a run does not run.

    Args:
        code: Names the kind of reason, for programs.
        message: Says it, for people, and what to do.
        since: Since when that is so, where it is known.
        until: When it ends by itself, where it is known.
        holders: Who has the slots that are waited for.
    """

    code: str
    message: str
    since: Optional[datetime] = None
    until: Optional[datetime] = None
    holders: list[SlotHolder] = Field(default_factory=list)


class FlowRunExplanation(PrefectBaseModel):
    """Why a flow run does not run; no cause if nothing keeps it from that."""

    flow_run_id: UUID
    name: str
    state_type: Optional[str] = None
    state_name: Optional[str] = None
    causes: list[WaitingCause] = Field(default_factory=list)
