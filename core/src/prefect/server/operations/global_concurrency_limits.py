"""Limits of slots by name. Those of task runs by tag are among them, with names that begin with `tag:`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import uniform
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy import select

from prefect.server.database.queries import records, slots as queries
from prefect.server.database.queries.slots import Limit
from prefect.server.database.tables import concurrency_lease, concurrency_limit
from prefect.server.operations.object_events import tell_of_record
from prefect.server.operations.refusals import Refusal, already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.settings import ConcurrencyLimitV2Create, ConcurrencyLimitV2Update
    from prefect._contract.concurrency import ConcurrencyLeaseHolder
    from prefect._contract.responses.concurrency import (
        ConcurrencyLimitV2,
        ConcurrencyLimitWithLeaseResponse,
        GlobalConcurrencyLimitResponse,
        MinimalConcurrencyLimitResponse,
    )

__all__ = [
    "NOTHING_HELD",
    "create_global_concurrency_limit",
    "delete_global_concurrency_limit",
    "increment_concurrency_slots",
    "increment_concurrency_slots_with_lease",
    "new_limit",
    "read_global_concurrency_limit",
    "read_global_concurrency_limits",
    "release_concurrency_slots",
    "release_concurrency_slots_with_lease",
    "release_expired_leases",
    "renew_all_leases",
    "renew_concurrency_lease",
    "update_global_concurrency_limit",
]

NOTHING_HELD = UUID(int=0)
"""The lease of those who asked for slots of limits that do not exist, or do not limit: there is nothing to lose."""

_FIRST_OCCUPANCY_SECONDS = 2.0
"""How long slots are assumed to be kept before any was given back."""

_SHORTEST_LEASE, _LONGEST_LEASE = 60.0, 86_400.0
_SHORTEST_WAIT = 0.05
_NEARLY_OVER = timedelta(seconds=10)

_limit, _lease = concurrency_limit.c, concurrency_lease.c


# -- the limits


def new_limit(work: UnitOfWork, name: str, size: int, *, active: bool = True, decay: float = 0.0) -> Limit:
    """Store a new limit, of which no slot is in use."""
    row = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": name,
        "active": active,
        "limit": size,
        "slot_decay_per_second": decay,
        "denied_slots": 0,
        "avg_slot_occupancy_seconds": _FIRST_OCCUPANCY_SECONDS,
        "decaying_slots": 0.0,
        "decaying_since": work.now,
    }
    records.create(work.connection, concurrency_limit, row)
    tell_of_record(work, "concurrency-limit", "created", row)
    return Limit(row, 0, work.now)


def create_global_concurrency_limit(work: UnitOfWork, body: ConcurrencyLimitV2Create) -> ConcurrencyLimitV2:
    """Create a limit of slots."""
    from prefect._contract.responses.concurrency import ConcurrencyLimitV2

    if queries.read_limit(work.connection, work.now, name=body.name) is not None:
        raise already_exists("concurrency limit", name=body.name)
    active = body.active is not False
    decay = body.slot_decay_per_second or 0.0
    limit = new_limit(work, body.name, body.limit, active=active, decay=decay)
    denied = getattr(body, "denied_slots", 0)
    if denied:
        records.revise(work.connection, concurrency_limit, limit.id, denied_slots=denied)
        limit.row["denied_slots"] = denied
    if body.active_slots:
        queries.settle(work.connection, limit, body.active_slots)
    return ConcurrencyLimitV2.model_validate({**limit.row, "active_slots": body.active_slots or 0})


def _find(work: UnitOfWork, id_or_name: UUID | str) -> Limit:
    identifier = _as_id(id_or_name)
    found = None
    if identifier is not None:
        found = queries.read_limit(work.connection, work.now, id=identifier)
    if found is None:
        found = queries.read_limit(work.connection, work.now, name=str(id_or_name))
    if found is None:
        raise not_found("concurrency limit", id_or_name=id_or_name)
    return found


def _as_id(id_or_name: UUID | str) -> UUID | None:
    if isinstance(id_or_name, UUID):
        return id_or_name
    try:
        return UUID(id_or_name)
    except ValueError:
        return None


def _response(limit: Limit) -> GlobalConcurrencyLimitResponse:
    from prefect._contract.responses.concurrency import GlobalConcurrencyLimitResponse

    return GlobalConcurrencyLimitResponse.model_validate({**limit.row, "active_slots": limit.in_use})


@read_only
def read_global_concurrency_limit(work: UnitOfWork, id_or_name: UUID | str) -> GlobalConcurrencyLimitResponse:
    """Read a limit of slots by id or name."""
    return _response(_find(work, id_or_name))


@read_only
def read_global_concurrency_limits(
    work: UnitOfWork, limit: int | None = None, offset: int = 0
) -> list[GlobalConcurrencyLimitResponse]:
    """List the limits of slots, in the order of their names."""
    bounds = {"limit": work.bounds.limit(limit), "offset": work.bounds.offset(offset)}
    return [_response(found) for found in queries.read_limits(work.connection, work.now, **bounds)]


def update_global_concurrency_limit(work: UnitOfWork, id_or_name: UUID | str, body: ConcurrencyLimitV2Update) -> None:
    """Change the fields of a limit that were given."""
    (limit,) = queries.hold(work.connection, work.now, _limit.id == _find(work, id_or_name).id)
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    empty = sorted(name for name, value in changes.items() if value is None)
    if empty:
        raise Refusal(422, f"A concurrency limit cannot be without {', '.join(repr(name) for name in empty)}.")
    slots = changes.pop("active_slots", None)
    if "slot_decay_per_second" in changes:
        # What was taken before comes back as was said then; without a decay nobody would give it back.
        left = limit.decaying if changes["slot_decay_per_second"] > 0 else 0.0
        changes |= {"decaying_slots": left, "decaying_since": work.now}
    _require_free_name(work, limit, changes.get("name"))
    records.revise(work.connection, concurrency_limit, limit.id, **changes, updated=work.now)
    tell_of_record(work, "concurrency-limit", "updated", {**limit.row, **changes})
    if slots is not None:
        queries.settle(work.connection, _find(work, limit.id), slots)


def _require_free_name(work: UnitOfWork, limit: Limit, name: str | None) -> None:
    if name is None or name == limit.name:
        return
    if queries.read_limit(work.connection, work.now, name=name) is not None:
        raise already_exists("concurrency limit", name=name)


def delete_global_concurrency_limit(work: UnitOfWork, id_or_name: UUID | str) -> None:
    """Delete a limit of slots by id or name. Who has slots of it keeps nothing."""
    limit = _find(work, id_or_name)
    records.remove(work.connection, concurrency_limit, id=limit.id)
    tell_of_record(work, "concurrency-limit", "deleted", limit.row)


# -- slots


def increment_concurrency_slots(
    work: UnitOfWork,
    names: list[str],
    slots: int,
    mode: Literal["concurrency", "rate_limit"] = "concurrency",
    create_if_missing: bool | None = None,
) -> list[MinimalConcurrencyLimitResponse]:
    """
    Take slots of each of these limits that exists, or none: then it is said by `Retry-After` when to ask again.

    Limits are made by those who set them, and never by asking for their slots: `create_if_missing` is what old clients send.
    """
    limits = _require_room(work, names, slots, mode)
    taken = [limit for limit in limits if limit.active]
    queries.take(work.connection, taken, slots, lease_id=uuid7(), remembered=False)
    return _minimal(limits)


def increment_concurrency_slots_with_lease(
    work: UnitOfWork,
    names: list[str],
    slots: int,
    mode: Literal["concurrency", "rate_limit"] = "concurrency",
    lease_duration: float = 300,
    holder: ConcurrencyLeaseHolder | None = None,
) -> ConcurrencyLimitWithLeaseResponse:
    """Take slots of each of these limits that exists, or none, for as long as a lease is renewed."""
    from prefect._contract.responses.concurrency import ConcurrencyLimitWithLeaseResponse

    _require_duration(lease_duration)
    limits = _require_room(work, names, slots, mode)
    taken = [limit for limit in limits if limit.active]
    lease_id = uuid7() if taken else NOTHING_HELD
    owner = None if holder is None else (holder.type, holder.id)
    until = work.now + timedelta(seconds=lease_duration)
    queries.take(work.connection, taken, slots, lease_id=lease_id, holder=owner, expires_at=until)
    return ConcurrencyLimitWithLeaseResponse(lease_id=lease_id, limits=_minimal(limits))


def _require_slots(slots: int) -> None:
    if slots <= 0:
        raise Refusal(422, f"Invalid number of slots {slots}: must be greater than 0.")


def _require_duration(seconds: float) -> None:
    if not _SHORTEST_LEASE <= seconds <= _LONGEST_LEASE:
        between = f"{_SHORTEST_LEASE:g} and {_LONGEST_LEASE:g}"
        raise Refusal(422, f"Invalid lease duration {seconds:g}: must be between {between} seconds.")


def _require_room(work: UnitOfWork, names: Sequence[str], slots: int, mode: str) -> list[Limit]:
    """The limits of these names, all of which have so many slots free, and keep them so until the transaction ends."""
    _require_slots(slots)
    limits = queries.hold_these(work.connection, work.now, "name", names)
    active = [limit for limit in limits if limit.active]
    small = [f"'{limit.name}' ({limit.size})" for limit in active if slots > limit.size]
    if small:
        raise Refusal(422, f"{slots} slots are more than these concurrency limits have: {', '.join(small)}.")
    if mode == "rate_limit" and (steady := [repr(limit.name) for limit in active if limit.decay <= 0]):
        raise Refusal(
            422,
            "Only concurrency limits with slot decay can be used for rate limiting. The following limits do not have a "
            f"decay configured: {', '.join(steady)}. Set their `slot_decay_per_second`.",
        )
    full = [limit for limit in active if slots > limit.free]
    if full:
        raise _locked(full, slots)
    return limits


def _locked(full: Sequence[Limit], slots: int) -> Refusal:
    from prefect.settings import get_current_settings

    shown = ", ".join(f"'{limit.name}' ({limit.in_use} of {limit.size} in use)" for limit in full)
    expected = max(limit.seconds_until(slots) for limit in full)
    longest = get_current_settings().server.concurrency.maximum_concurrency_slot_wait_seconds
    spread = expected * uniform(0.75, 1.25)  # noqa: S311 - so that those who wait do not come together
    seconds = min(max(spread, _SHORTEST_WAIT), longest)
    return Refusal(423, f"Locked: {slots} slots are not free of {shown}.", {"Retry-After": f"{seconds:.3f}"})


def _minimal(limits: Sequence[Limit]) -> list[MinimalConcurrencyLimitResponse]:
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse

    return [MinimalConcurrencyLimitResponse(id=limit.id, name=limit.name, limit=limit.size) for limit in limits]


def renew_concurrency_lease(work: UnitOfWork, lease_id: UUID, lease_duration: float = 300) -> None:
    """Keep the slots of a lease for that many seconds from now. One that has expired is not revived."""
    _require_duration(lease_duration)
    if lease_id == NOTHING_HELD:
        return
    rows = queries.read_lease(work.connection, work.now, lease_id)
    if not rows:
        raise Refusal(410, f"There is no lease {lease_id}: it has expired, or its slots were given back.")
    expiring = [row for row in rows if row["expires_at"] is not None]
    if any(row["expires_at"] <= work.now + _NEARLY_OVER for row in expiring):
        # Somebody may be counting these slots as free just now.
        queries.hold_these(work.connection, work.now, "id", [row["concurrency_limit_id"] for row in expiring])
    until = work.now + timedelta(seconds=lease_duration)
    for row in expiring:
        records.revise(work.connection, concurrency_lease, row["id"], expires_at=until, updated=work.now)


def renew_all_leases(work: UnitOfWork) -> None:
    """
    Let all leases last as if they had just been renewed: the clock was put, or nobody was there to renew them.

    Those stay over that were over before: when the last lease was taken or renewed, that is.
    """
    row = concurrency_lease.c
    held = work.connection.execute(select(row.id, row.updated, row.expires_at)).all()
    last = max((updated for _, updated, _ in held), default=work.now)
    changes = [
        (identifier, {"expires_at": work.now + (until - updated), "updated": work.now})
        for identifier, updated, until in held
        if until is not None and until > last
    ]
    records.revise_all(work.connection, concurrency_lease, changes)


def release_concurrency_slots(
    work: UnitOfWork,
    names: list[str],
    slots: int,
    occupancy_seconds: float | None = None,
    create_if_missing: bool = True,
) -> list[MinimalConcurrencyLimitResponse]:
    """Give back slots that were taken without a lease. More than are in use is as many as are."""
    _require_slots(slots)
    limits = queries.hold_these(work.connection, work.now, "name", names)
    for limit in limits:
        theirs = (_lease.concurrency_limit_id == limit.id, _lease.holder_id.is_(None), _lease.expires_at.is_(None))
        leases = queries.leases_of(work.connection, work.now, *theirs)
        queries.give_back(work.connection, limit, leases, slots, occupancy_seconds)
    return _minimal(limits)


def release_concurrency_slots_with_lease(work: UnitOfWork, lease_id: UUID) -> None:
    """Give back the slots of a lease; those of one that is over have been given back."""
    rows = queries.read_lease(work.connection, work.now, lease_id)
    by_limit = {row["concurrency_limit_id"]: row for row in rows}
    for limit in queries.hold_these(work.connection, work.now, "id", by_limit):
        row = by_limit[limit.id]
        occupancy = max(0.0, (work.now - row["created"]).total_seconds())
        queries.give_back(work.connection, limit, [row], row["slots"], occupancy)


def release_expired_leases(work: UnitOfWork) -> int:
    """Remove the leases that have expired, and answer how many there were. Their slots have been free since then."""
    return queries.free_expired(work.connection, work.now)
