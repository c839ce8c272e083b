"""The models of the contract, as clients know them."""

# ruff: noqa: F403 - type checkers read the names, and only they
from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.utilities import lazy

if TYPE_CHECKING:
    from prefect._contract.actions.blocks import *
    from prefect._contract.actions.runs import *
    from prefect._contract.blocks import *
    from prefect._contract.objects import *
    from prefect._contract.responses.orchestration import *
    from prefect._contract.state import *

_NAMES = {
    "actions.blocks": ("BlockTypeUpdate",),
    "actions.runs": ("StateCreate",),
    "blocks": ("DEFAULT_BLOCK_SCHEMA_VERSION", "BlockDocument", "BlockSchema", "BlockType"),
    "objects": ("FlowRun", "FlowRunPolicy", "FlowRunResult", "RunInput", "TaskRun", "TaskRunPolicy", "TaskRunResult"),
    "responses.orchestration": (
        "OrchestrationResult",
        "SetStateStatus",
        "StateAbortDetails",
        "StateAcceptDetails",
        "StateRejectDetails",
    ),
    "state": ("State", "StateDetails", "StateType"),
}

__all__ = lazy.install(  # noqa: PLE0605 - a list
    globals(), {name: f"prefect._contract.{module}" for module, names in _NAMES.items() for name in names}
)
