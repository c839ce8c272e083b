"""Limits of slots by name: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.responses.concurrency import (
    ConcurrencyLimitV2,
    ConcurrencyLimitWithLeaseResponse,
    GlobalConcurrencyLimitResponse,
    MinimalConcurrencyLimitResponse,
)

if TYPE_CHECKING:
    from prefect._contract.actions.settings import ConcurrencyLimitV2Create, ConcurrencyLimitV2Update
    from prefect._contract.concurrency import ConcurrencyLeaseHolder

__all__ = [
    "create_global_concurrency_limit",
    "delete_global_concurrency_limit",
    "increment_concurrency_slots",
    "increment_concurrency_slots_with_lease",
    "read_global_concurrency_limit",
    "read_global_concurrency_limits",
    "release_concurrency_slots",
    "release_concurrency_slots_with_lease",
    "renew_concurrency_lease",
    "update_global_concurrency_limit",
]


def create_global_concurrency_limit(concurrency_limit: ConcurrencyLimitV2Create) -> Call[ConcurrencyLimitV2]:
    """Create a limit of slots."""
    return Call("POST", "/v2/concurrency_limits/", ConcurrencyLimitV2, body=concurrency_limit)


def read_global_concurrency_limit(id_or_name: UUID | str) -> Call[GlobalConcurrencyLimitResponse]:
    """Read a limit of slots by id or name."""
    path = {"id_or_name": id_or_name}
    return Call("GET", "/v2/concurrency_limits/{id_or_name}", GlobalConcurrencyLimitResponse, path)


def read_global_concurrency_limits(
    limit: int | None = None, offset: int = 0
) -> Call[list[GlobalConcurrencyLimitResponse]]:
    """List the limits of slots."""
    body = given(limit=limit, offset=offset)
    return Call("POST", "/v2/concurrency_limits/filter", list[GlobalConcurrencyLimitResponse], body=body)


def update_global_concurrency_limit(id_or_name: UUID | str, concurrency_limit: ConcurrencyLimitV2Update) -> Call[None]:
    """Change a limit of slots, found by id or name."""
    path = {"id_or_name": id_or_name}
    return Call("PATCH", "/v2/concurrency_limits/{id_or_name}", None, path, body=concurrency_limit)


def delete_global_concurrency_limit(id_or_name: UUID | str) -> Call[None]:
    """Delete a limit of slots by id or name."""
    return Call("DELETE", "/v2/concurrency_limits/{id_or_name}", None, {"id_or_name": id_or_name})


def increment_concurrency_slots(
    names: list[str],
    slots: int,
    mode: Literal["concurrency", "rate_limit"] = "concurrency",
    create_if_missing: bool | None = None,
) -> Call[list[MinimalConcurrencyLimitResponse]]:
    """
    Take slots of each of these limits, or none.

    Args:
        names: The limits.
        slots: How many slots of each.
        mode: Whether the slots are given back, or come back by themselves as time passes.
        create_if_missing: Said by old clients, and passed over: limits are made by those who set them.
    """
    body = given(names=names, slots=slots, mode=mode, create_if_missing=create_if_missing)
    return Call("POST", "/v2/concurrency_limits/increment", list[MinimalConcurrencyLimitResponse], body=body)


def increment_concurrency_slots_with_lease(
    names: list[str],
    slots: int,
    mode: Literal["concurrency", "rate_limit"],
    lease_duration: float,
    holder: ConcurrencyLeaseHolder | None = None,
) -> Call[ConcurrencyLimitWithLeaseResponse]:
    """
    Take slots of each of these limits, or none, for as long as a lease is renewed.

    Args:
        names: The limits.
        slots: How many slots of each.
        mode: Whether the slots are given back, or come back by themselves as time passes.
        lease_duration: Seconds after which the slots are given back unless the lease is renewed.
        holder: The run that takes them.
    """
    body = given(names=names, slots=slots, mode=mode, lease_duration=lease_duration, holder=holder)
    path = "/v2/concurrency_limits/increment-with-lease"
    return Call("POST", path, ConcurrencyLimitWithLeaseResponse, body=body)


def renew_concurrency_lease(lease_id: UUID, lease_duration: float) -> Call[None]:
    """Keep the slots of a lease for that many seconds from now."""
    body = {"lease_duration": lease_duration}
    return Call("POST", "/v2/concurrency_limits/leases/{lease_id}/renew", None, {"lease_id": lease_id}, body=body)


def release_concurrency_slots(
    names: list[str], slots: int, occupancy_seconds: float | None = None
) -> Call[list[MinimalConcurrencyLimitResponse]]:
    """
    Give slots back.

    Args:
        names: The limits.
        slots: How many slots of each.
        occupancy_seconds: How long they were taken. Others are told when to ask again from the average of that.
    """
    body = given(names=names, slots=slots, occupancy_seconds=occupancy_seconds)
    return Call("POST", "/v2/concurrency_limits/decrement", list[MinimalConcurrencyLimitResponse], body=body)


def release_concurrency_slots_with_lease(lease_id: UUID) -> Call[None]:
    """Give back the slots of a lease."""
    return Call("POST", "/v2/concurrency_limits/decrement-with-lease", None, body={"lease_id": lease_id})
