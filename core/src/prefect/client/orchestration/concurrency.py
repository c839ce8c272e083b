"""The clients' methods for concurrency limits and their slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from uuid import UUID

from prefect._contract.endpoints import concurrency_limits, global_concurrency_limits
from prefect.client.base import Transport, ask
from prefect.client.orchestration.colours import awaitable, awaitable_steps, blocking, blocking_steps
from prefect.exceptions import ObjectNotFound
from prefect.utilities.dual import Steps

if TYPE_CHECKING:
    from prefect._contract.actions.settings import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
    from prefect._contract.concurrency import ConcurrencyLimit
    from prefect._contract.responses.concurrency import (
        GlobalConcurrencyLimitResponse,
        MinimalConcurrencyLimitResponse,
    )

__all__ = ["ConcurrencyLimitAsyncClient", "ConcurrencyLimitClient"]


# -- limits of task runs by tag


def create_concurrency_limit(tag: str, concurrency_limit: int) -> Steps[UUID]:
    """
    Limit the task runs with a tag; the limit of the same tag is changed, if there is one.

    Args:
        tag: The tag.
        concurrency_limit: How many of its task runs may be running at the same time.

    Returns:
        The id of the limit.
    """
    from prefect._contract.actions.settings import ConcurrencyLimitCreate

    request = ConcurrencyLimitCreate(tag=tag, concurrency_limit=concurrency_limit)
    limit = yield from ask(concurrency_limits.create_concurrency_limit(request))
    return limit.id


def read_concurrency_limits(limit: int, offset: int) -> Steps[list[ConcurrencyLimit]]:
    """
    List the limits of tags.

    Args:
        limit: How many at most.
        offset: How many to skip.
    """
    return (yield from ask(concurrency_limits.read_concurrency_limits(limit, offset)))


def reset_concurrency_limit_by_tag(tag: str, slot_override: list[UUID | str] | None = None) -> Steps[None]:
    """
    Free the slots of a tag.

    Args:
        tag: The tag.
        slot_override: The ids of task runs that get slots instead.

    Raises:
        prefect.exceptions.ObjectNotFound: The tag has no limit.
    """
    ids = None if slot_override is None else [UUID(str(identifier)) for identifier in slot_override]
    yield from ask(concurrency_limits.reset_concurrency_limit_by_tag(tag, ids))


def decrement_v1_concurrency_slots(
    names: list[str], task_run_id: UUID, occupancy_seconds: float
) -> Steps[list[MinimalConcurrencyLimitResponse]]:
    """
    Give back the slots of tags that a task run has.

    Args:
        names: The tags.
        task_run_id: The task run.
        occupancy_seconds: How long it had them. The orchestrator knows when they were taken, and goes by that.
    """
    return (yield from ask(concurrency_limits.decrement_v1_concurrency_slots(names, task_run_id)))


# -- limits of slots by name


def increment_concurrency_slots(
    names: list[str], slots: int, mode: Literal["concurrency", "rate_limit"]
) -> Steps[list[MinimalConcurrencyLimitResponse]]:
    """
    Take slots of each of these limits, or none.

    Args:
        names: The limits. Those that do not exist are passed over.
        slots: How many slots of each.
        mode: Whether the slots are given back, or come back by themselves as time passes.

    Raises:
        prefect.exceptions.PrefectHTTPStatusError: With status 423 and a header `Retry-After`: not so many are free.
    """
    return (yield from ask(global_concurrency_limits.increment_concurrency_slots(names, slots, mode)))


def release_concurrency_slots(
    names: list[str], slots: int, occupancy_seconds: float
) -> Steps[list[MinimalConcurrencyLimitResponse]]:
    """
    Give slots back that were taken without a lease.

    Args:
        names: The limits.
        slots: How many slots of each.
        occupancy_seconds: How long they were taken. Others are told when to ask again from the average of that.
    """
    return (yield from ask(global_concurrency_limits.release_concurrency_slots(names, slots, occupancy_seconds)))


def create_global_concurrency_limit(concurrency_limit: GlobalConcurrencyLimitCreate) -> Steps[UUID]:
    """
    Create a limit of slots.

    Args:
        concurrency_limit: The limit.

    Returns:
        Its id.

    Raises:
        prefect.exceptions.ObjectAlreadyExists: There is a limit of that name.
    """
    from prefect._contract.actions.settings import ConcurrencyLimitV2Create

    request = ConcurrencyLimitV2Create.model_validate(concurrency_limit.model_dump(exclude_none=True))
    limit = yield from ask(global_concurrency_limits.create_global_concurrency_limit(request))
    return limit.id


def update_global_concurrency_limit(name: str, concurrency_limit: GlobalConcurrencyLimitUpdate) -> Steps[None]:
    """
    Change a limit of slots.

    Args:
        name: Its name.
        concurrency_limit: The fields that change.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such limit.
    """
    from prefect._contract.actions.settings import ConcurrencyLimitV2Update

    changes = ConcurrencyLimitV2Update.model_validate(concurrency_limit.model_dump(exclude_unset=True))
    yield from ask(global_concurrency_limits.update_global_concurrency_limit(name, changes))


def delete_global_concurrency_limit_by_name(name: str) -> Steps[None]:
    """
    Delete a limit of slots.

    Args:
        name: Its name.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such limit.
    """
    yield from ask(global_concurrency_limits.delete_global_concurrency_limit(name))


def read_global_concurrency_limit_by_name(name: str) -> Steps[GlobalConcurrencyLimitResponse]:
    """
    Read a limit of slots.

    Args:
        name: Its name.

    Raises:
        prefect.exceptions.ObjectNotFound: There is no such limit.
    """
    return (yield from ask(global_concurrency_limits.read_global_concurrency_limit(name)))


def upsert_global_concurrency_limit_by_name(
    name: str, limit: int, slot_decay_per_second: float | None = None
) -> Steps[None]:
    """
    Create a limit of slots, or change the one of that name.

    Args:
        name: Its name.
        limit: How many slots it has.
        slot_decay_per_second: How many slots come back by themselves, each second; None leaves it as it is.
    """
    from prefect._contract.actions.settings import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate

    decay = {} if slot_decay_per_second is None else {"slot_decay_per_second": slot_decay_per_second}
    try:
        yield from read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        yield from create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit, **decay))
    else:
        yield from update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(limit=limit, **decay))


def read_global_concurrency_limits(limit: int = 10, offset: int = 0) -> Steps[list[GlobalConcurrencyLimitResponse]]:
    """
    List the limits of slots.

    Args:
        limit: How many at most.
        offset: How many to skip.
    """
    return (yield from ask(global_concurrency_limits.read_global_concurrency_limits(limit, offset)))


class ConcurrencyLimitClient:
    """Concurrency limits."""

    transport: Transport
    create_concurrency_limit = blocking_steps(create_concurrency_limit)
    read_concurrency_limit_by_tag = blocking(concurrency_limits.read_concurrency_limit_by_tag)
    read_concurrency_limits = blocking_steps(read_concurrency_limits)
    reset_concurrency_limit_by_tag = blocking_steps(reset_concurrency_limit_by_tag)
    delete_concurrency_limit_by_tag = blocking(concurrency_limits.delete_concurrency_limit_by_tag)
    increment_v1_concurrency_slots = blocking(concurrency_limits.increment_v1_concurrency_slots)
    decrement_v1_concurrency_slots = blocking_steps(decrement_v1_concurrency_slots)
    increment_concurrency_slots = blocking_steps(increment_concurrency_slots)
    increment_concurrency_slots_with_lease = blocking(global_concurrency_limits.increment_concurrency_slots_with_lease)
    renew_concurrency_lease = blocking(global_concurrency_limits.renew_concurrency_lease)
    release_concurrency_slots = blocking_steps(release_concurrency_slots)
    release_concurrency_slots_with_lease = blocking(global_concurrency_limits.release_concurrency_slots_with_lease)
    create_global_concurrency_limit = blocking_steps(create_global_concurrency_limit)
    update_global_concurrency_limit = blocking_steps(update_global_concurrency_limit)
    delete_global_concurrency_limit_by_name = blocking_steps(delete_global_concurrency_limit_by_name)
    read_global_concurrency_limit_by_name = blocking_steps(read_global_concurrency_limit_by_name)
    upsert_global_concurrency_limit_by_name = blocking_steps(upsert_global_concurrency_limit_by_name)
    read_global_concurrency_limits = blocking_steps(read_global_concurrency_limits)


class ConcurrencyLimitAsyncClient:
    """Concurrency limits."""

    transport: Transport
    create_concurrency_limit = awaitable_steps(create_concurrency_limit)
    read_concurrency_limit_by_tag = awaitable(concurrency_limits.read_concurrency_limit_by_tag)
    read_concurrency_limits = awaitable_steps(read_concurrency_limits)
    reset_concurrency_limit_by_tag = awaitable_steps(reset_concurrency_limit_by_tag)
    delete_concurrency_limit_by_tag = awaitable(concurrency_limits.delete_concurrency_limit_by_tag)
    increment_v1_concurrency_slots = awaitable(concurrency_limits.increment_v1_concurrency_slots)
    decrement_v1_concurrency_slots = awaitable_steps(decrement_v1_concurrency_slots)
    increment_concurrency_slots = awaitable_steps(increment_concurrency_slots)
    increment_concurrency_slots_with_lease = awaitable(global_concurrency_limits.increment_concurrency_slots_with_lease)
    renew_concurrency_lease = awaitable(global_concurrency_limits.renew_concurrency_lease)
    release_concurrency_slots = awaitable_steps(release_concurrency_slots)
    release_concurrency_slots_with_lease = awaitable(global_concurrency_limits.release_concurrency_slots_with_lease)
    create_global_concurrency_limit = awaitable_steps(create_global_concurrency_limit)
    update_global_concurrency_limit = awaitable_steps(update_global_concurrency_limit)
    delete_global_concurrency_limit_by_name = awaitable_steps(delete_global_concurrency_limit_by_name)
    read_global_concurrency_limit_by_name = awaitable_steps(read_global_concurrency_limit_by_name)
    upsert_global_concurrency_limit_by_name = awaitable_steps(upsert_global_concurrency_limit_by_name)
    read_global_concurrency_limits = awaitable_steps(read_global_concurrency_limits)
