"""
Limits of task runs by tag: views on the limits whose names are `tag:` and the tag.

Slots are held by task runs. One that has a slot of a limit does not get a second one of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func

from prefect.server.database.queries import records, slots as queries
from prefect.server.database.queries.slots import Limit
from prefect.server.database.tables import concurrency_lease, concurrency_limit
from prefect.server.operations.global_concurrency_limits import new_limit
from prefect.server.operations.object_events import tell_of_record
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.actions.settings import ConcurrencyLimitCreate
    from prefect._contract.concurrency import ConcurrencyLimit
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
    "tag_of",
]

_PREFIX = "tag:"

_limit, _lease = concurrency_limit.c, concurrency_lease.c


def tag_of(limit: Limit) -> str:
    """The tag whose task runs a limit is for."""
    return limit.name.removeprefix(_PREFIX)


def names_of(tags: list[str]) -> list[str]:
    """The names that the limits of tags have."""
    return [f"{_PREFIX}{tag}" for tag in dict.fromkeys(tags)]


def create_concurrency_limit(work: UnitOfWork, body: ConcurrencyLimitCreate) -> ConcurrencyLimit:
    """Limit the task runs with a tag. The limit of the same tag is changed, if there is one."""
    if body.concurrency_limit < 0:
        raise Refusal(422, f"Invalid concurrency limit {body.concurrency_limit}: must not be negative.")
    (name,) = names_of([body.tag])
    limit = queries.read_limit(work.connection, work.now, name=name)
    if limit is None:
        limit = new_limit(work, name, body.concurrency_limit)
        work.created = True
    else:
        changes: dict[str, Any] = {"limit": body.concurrency_limit, "updated": work.now}
        records.revise(work.connection, concurrency_limit, limit.id, **changes)
        limit.row.update(changes)
        tell_of_record(work, "concurrency-limit", "updated", limit.row)
    return _view(work, limit)


def _view(work: UnitOfWork, limit: Limit) -> ConcurrencyLimit:
    from prefect._contract.concurrency import ConcurrencyLimit

    return ConcurrencyLimit(
        id=limit.id,
        created=limit.row["created"],
        updated=limit.row["updated"],
        tag=tag_of(limit),
        concurrency_limit=limit.size,
        active_slots=queries.holders(work.connection, limit.id, work.now),
    )


def _by_id(work: UnitOfWork, id: UUID) -> Limit:
    limit = queries.read_limit(work.connection, work.now, id=id)
    if limit is None or not limit.name.startswith(_PREFIX):
        raise not_found("concurrency limit of a tag", id=id)
    return limit


def _by_tag(work: UnitOfWork, tag: str) -> Limit:
    (name,) = names_of([tag])
    limit = queries.read_limit(work.connection, work.now, name=name)
    if limit is None:
        raise not_found("concurrency limit", tag=tag)
    return limit


@read_only
def read_concurrency_limit(work: UnitOfWork, id: UUID) -> ConcurrencyLimit:
    """Read the limit of a tag by its id."""
    return _view(work, _by_id(work, id))


@read_only
def read_concurrency_limit_by_tag(work: UnitOfWork, tag: str) -> ConcurrencyLimit:
    """Read the limit of a tag."""
    return _view(work, _by_tag(work, tag))


@read_only
def read_concurrency_limits(work: UnitOfWork, limit: int | None = None, offset: int = 0) -> list[ConcurrencyLimit]:
    """List the limits of tags, in the order of the tags."""
    of_tags = func.substr(_limit.name, 1, len(_PREFIX)) == _PREFIX
    bounds = {"limit": work.bounds.limit(limit), "offset": work.bounds.offset(offset)}
    return [_view(work, found) for found in queries.read_limits(work.connection, work.now, of_tags, **bounds)]


def reset_concurrency_limit_by_tag(work: UnitOfWork, tag: str, slot_override: list[UUID] | None = None) -> None:
    """Free the slots of a tag, and give them to the task runs with these ids, if there are any."""
    identifier = _by_tag(work, tag).id
    (limit,) = queries.hold(work.connection, work.now, _limit.id == identifier)
    queries.settle(work.connection, limit, 0)
    for task_run_id in dict.fromkeys(slot_override or ()):
        queries.take(work.connection, [limit], 1, lease_id=uuid7(), holder=("task_run", task_run_id))


def delete_concurrency_limit(work: UnitOfWork, id: UUID) -> None:
    """Delete the limit of a tag by its id."""
    _delete(work, _by_id(work, id))


def delete_concurrency_limit_by_tag(work: UnitOfWork, tag: str) -> None:
    """Delete the limit of a tag."""
    _delete(work, _by_tag(work, tag))


def _delete(work: UnitOfWork, limit: Limit) -> None:
    records.remove(work.connection, concurrency_limit, id=limit.id)
    tell_of_record(work, "concurrency-limit", "deleted", limit.row)


def increment_v1_concurrency_slots(
    work: UnitOfWork, names: list[str], task_run_id: UUID
) -> list[MinimalConcurrencyLimitResponse]:
    """Take a slot of each of these tags that has a limit for a task run, or none."""
    limits = queries.hold(work.connection, work.now, _limit.name.in_(names_of(names)))
    held = queries.limits_of_holder(work.connection, task_run_id, work.now)
    wanted = [limit for limit in limits if limit.active and limit.id not in held]
    for limit in wanted:
        _require_slot(limit)
    queries.take(work.connection, wanted, 1, lease_id=uuid7(), holder=("task_run", task_run_id))
    return _minimal(limits)


def _require_slot(limit: Limit) -> None:
    if limit.size == 0:
        reason = (
            f'The concurrency limit on tag "{tag_of(limit)}" is 0 and will deadlock if the task tries to run again.'
        )
        raise Refusal(423, reason)
    if limit.free == 0:
        from prefect.settings import get_current_settings

        seconds = get_current_settings().server.tasks.tag_concurrency_slot_wait_seconds
        reason = f"Concurrency limit for the {tag_of(limit)} tag has been reached"
        raise Refusal(423, reason, {"Retry-After": f"{seconds:g}"})


def _minimal(limits: list[Limit]) -> list[MinimalConcurrencyLimitResponse]:
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse

    return [MinimalConcurrencyLimitResponse(id=limit.id, name=tag_of(limit), limit=limit.size) for limit in limits]


def decrement_v1_concurrency_slots(
    work: UnitOfWork, names: list[str], task_run_id: UUID
) -> list[MinimalConcurrencyLimitResponse]:
    """Give back the slots of these tags that a task run has."""
    limits = queries.hold(work.connection, work.now, _limit.name.in_(names_of(names)))
    for limit in limits:
        theirs = (_lease.concurrency_limit_id == limit.id, _lease.holder_id == task_run_id)
        for row in queries.leases_of(work.connection, work.now, *theirs):
            occupancy = max(0.0, (work.now - row["created"]).total_seconds())
            queries.give_back(work.connection, limit, [row], row["slots"], occupancy)
    return _minimal(limits)
