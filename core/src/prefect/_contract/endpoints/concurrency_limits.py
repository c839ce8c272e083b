"""Limits of task runs by tag: what is asked of them. Those of slots by name are in `global_concurrency_limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.concurrency import ConcurrencyLimit
from prefect._contract.endpoints.bodies import given

if TYPE_CHECKING:
    from prefect._contract.actions.settings import ConcurrencyLimitCreate
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse

__all__ = [
    "create_concurrency_limit",
    "decrement_v1_concurrency_slots",
    "delete_concurrency_limit",
    "delete_concurrency_limit_by_tag",
    "increment_v1_concurrency_slots",
    "read_concurrency_limit",
    "read_concurrency_limit_by_tag",
    "read_concurrency_limits",
    "reset_concurrency_limit_by_tag",
]


def create_concurrency_limit(concurrency_limit: ConcurrencyLimitCreate) -> Call[ConcurrencyLimit]:
    """Limit the task runs with a tag; a limit of the same tag is replaced."""
    return Call("POST", "/concurrency_limits/", ConcurrencyLimit, body=concurrency_limit)


def read_concurrency_limit(concurrency_limit_id: UUID) -> Call[ConcurrencyLimit]:
    """Read a limit by id."""
    return Call("GET", "/concurrency_limits/{id}", ConcurrencyLimit, {"id": concurrency_limit_id})


def read_concurrency_limit_by_tag(tag: str) -> Call[ConcurrencyLimit]:
    """Read the limit of a tag."""
    return Call("GET", "/concurrency_limits/tag/{tag}", ConcurrencyLimit, {"tag": tag})


def read_concurrency_limits(limit: int | None = None, offset: int = 0) -> Call[list[ConcurrencyLimit]]:
    """List the limits of tags."""
    body = given(limit=limit, offset=offset)
    return Call("POST", "/concurrency_limits/filter", list[ConcurrencyLimit], body=body)


def reset_concurrency_limit_by_tag(tag: str, slot_override: list[UUID] | None = None) -> Call[None]:
    """Free the slots of a tag, and give them to the task runs with these ids."""
    body = given(slot_override=slot_override)
    return Call("POST", "/concurrency_limits/tag/{tag}/reset", None, {"tag": tag}, body=body)


def delete_concurrency_limit(concurrency_limit_id: UUID) -> Call[None]:
    """Delete a limit by id."""
    return Call("DELETE", "/concurrency_limits/{id}", None, {"id": concurrency_limit_id})


def delete_concurrency_limit_by_tag(tag: str) -> Call[None]:
    """Delete the limit of a tag."""
    return Call("DELETE", "/concurrency_limits/tag/{tag}", None, {"tag": tag})


def increment_v1_concurrency_slots(names: list[str], task_run_id: UUID) -> Call[list[MinimalConcurrencyLimitResponse]]:
    """
    Take a slot of each of these tags for a task run, or none.

    Args:
        names: The tags. Those without a limit are passed over.
        task_run_id: The task run.
    """
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse

    body = {"names": names, "task_run_id": task_run_id}
    return Call("POST", "/concurrency_limits/increment", list[MinimalConcurrencyLimitResponse], body=body)


def decrement_v1_concurrency_slots(names: list[str], task_run_id: UUID) -> Call[list[MinimalConcurrencyLimitResponse]]:
    """Give back the slots of these tags that a task run has."""
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse

    body = {"names": names, "task_run_id": task_run_id}
    return Call("POST", "/concurrency_limits/decrement", list[MinimalConcurrencyLimitResponse], body=body)
