"""Taking slots, waiting for them, and giving them back: steps for both colours."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

from prefect._contract.concurrency import ConcurrencyLeaseHolder
from prefect._contract.endpoints import concurrency_limits, global_concurrency_limits
from prefect.client.base import Send, ask, current_transport
from prefect.client.questions import wait_for_slots
from prefect.concurrency.errors import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import PrefectHTTPStatusError
from prefect.utilities.dual import Sleep, Steps
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect._contract.events import Event
    from prefect._contract.responses.concurrency import MinimalConcurrencyLimitResponse
    from prefect.client.base import Transport

__all__ = [
    "HeldSlots",
    "acquire",
    "acquire_for_task_run",
    "ask_until_free",
    "check_missing",
    "current_holder",
    "give_back",
    "give_back_for_task_run",
    "spend",
]

logger = logging.getLogger("prefect.concurrency")

LONGEST_LEASE_SECONDS = 60.0
"""A lease is renewed while it is needed. So a longer one would only keep slots for longer that nobody uses any more."""

_LOCKED = 423
_ASK_AGAIN_SECONDS = 20.0
_NOTHING_HELD = UUID(int=0)


class Told(NamedTuple):
    """
    That slots were taken, as it was told.

    Args:
        resource: The limit, and how many slots of it.
        event: The event.
    """

    resource: dict[str, str]
    event: Event | None


def _tell_acquired(limit: MinimalConcurrencyLimitResponse, slots: int) -> Told:
    from prefect.events.utilities import emit_event

    resource = {
        "prefect.resource.id": f"prefect.concurrency-limit.{limit.id}",
        "prefect.resource.name": limit.name,
        "slots-acquired": str(slots),
        "limit": str(limit.limit),
    }
    return Told(resource, emit_event("prefect.concurrency-limit.acquired", resource=resource))


@dataclass(slots=True)
class HeldSlots:
    """
    Slots that code of this process has.

    Args:
        names: The limits.
        lease_id: The lease.
        seconds: For how long it is good.
        transport: Where it was taken.
        renewed: When it was last made to last, by the monotonic clock.
        lost: Whether others may have the slots by now.
        acquired: What was told of it.
    """

    names: list[str]
    lease_id: UUID
    seconds: float
    transport: Transport
    renewed: float = field(default_factory=time.monotonic)
    lost: bool = False
    acquired: list[Told] = field(default_factory=list)


def current_holder() -> ConcurrencyLeaseHolder | None:
    """The run that asks, by which others see who has slots."""
    task, flow = TaskRunContext.get(), FlowRunContext.get()
    if task is not None:
        return ConcurrencyLeaseHolder(type="task_run", id=task.task_run.id)
    if flow is not None and flow.flow_run is not None:
        return ConcurrencyLeaseHolder(type="flow_run", id=flow.flow_run.id)
    return None


def names_in(names: str | list[str]) -> list[str]:
    """Names of limits, each once."""
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))


def acquire(
    names: list[str],
    slots: int,
    *,
    timeout_seconds: float | None = None,
    max_retries: int | None = None,
    lease_duration: float = 300,
    strict: bool = False,
    holder: ConcurrencyLeaseHolder | None = None,
) -> Steps[HeldSlots | None]:
    """
    Take slots, waiting until they are free. None if there is nothing to hold: no such limit exists, or it is inactive.

    Args:
        names: The limits.
        slots: How many slots of each.
        timeout_seconds: How long to wait at most.
        max_retries: How often to ask again at most.
        lease_duration: Seconds after which the slots are free at the latest if this process is gone.
        strict: Whether limits that do not exist are an error.
        holder: Who has the slots; the current run without.

    Raises:
        ConcurrencySlotAcquisitionError: It is refused.
        AcquireConcurrencySlotTimeoutError: The time is over.
    """
    transport = current_transport()
    seconds = min(lease_duration, LONGEST_LEASE_SECONDS)
    call = global_concurrency_limits.increment_concurrency_slots_with_lease(
        names, slots, "concurrency", seconds, holder or current_holder()
    )
    asking = ask_until_free(call, names, slots, "concurrency", timeout_seconds, max_retries, transport)
    answer = yield from asking
    held = HeldSlots(names, answer.lease_id, seconds, transport)
    missing = sorted(set(names) - {limit.name for limit in answer.limits})
    if missing and strict and answer.lease_id != _NOTHING_HELD:
        yield from give_back(held)
    check_missing(missing, strict)
    if answer.lease_id == _NOTHING_HELD or not answer.limits:
        return None
    held.acquired = [_tell_acquired(limit, slots) for limit in answer.limits]
    return held


def spend(names: list[str], slots: int, timeout_seconds: float | None, strict: bool) -> Steps[None]:
    """Take slots that come back by themselves, waiting until they are there."""
    transport = current_transport()
    call = global_concurrency_limits.increment_concurrency_slots(names, slots, "rate_limit")
    limits = yield from ask_until_free(call, names, slots, "rate_limit", timeout_seconds, None, transport)
    check_missing(sorted(set(names) - {limit.name for limit in limits}), strict)
    for limit in limits:
        _tell_acquired(limit, slots)


def check_missing(missing: list[str], strict: bool) -> None:
    """Warn of limits that do not exist, or raise if that is not tolerated."""
    if missing and strict:
        raise ConcurrencySlotAcquisitionError(f"Concurrency limits {missing!r} must be created before acquiring slots")
    if missing:
        logger.warning("Concurrency limits %r do not exist - skipping acquisition.", missing)


def acquire_for_task_run(names: list[str], task_run_id: UUID, timeout_seconds: float | None) -> Steps[list[Told]]:
    """Take a slot of each of some tags for a task run, of those that have limits. What was told of it."""
    from prefect.events.utilities import emit_event

    transport = current_transport()
    call = concurrency_limits.increment_v1_concurrency_slots(names, task_run_id)
    tags = [f"tag:{name}" for name in names]
    limits = yield from ask_until_free(call, tags, 1, "concurrency", timeout_seconds, None, transport)
    told = []
    for limit in limits:
        resource = {
            "prefect.resource.id": f"prefect.concurrency-limit.v1.{limit.id}",
            "prefect.resource.name": limit.name.removeprefix("tag:"),
            "limit": str(limit.limit),
            "task_run_id": str(task_run_id),
        }
        told.append(Told(resource, emit_event("prefect.concurrency-limit.v1.acquired", resource=resource)))
    return told


def give_back_for_task_run(acquired: list[Told], task_run_id: UUID) -> Steps[None]:
    """Give back the slots of tags that a task run has."""
    from prefect.events.utilities import emit_event

    if not acquired:
        return
    names = [told.resource["prefect.resource.name"] for told in acquired]
    yield from ask(concurrency_limits.decrement_v1_concurrency_slots(names, task_run_id))
    for told in acquired:
        emit_event("prefect.concurrency-limit.v1.released", resource=told.resource, follows=told.event)


def ask_until_free(
    call: Call[Any],
    names: list[str],
    slots: int,
    mode: Literal["concurrency", "rate_limit"],
    timeout_seconds: float | None,
    max_retries: int | None,
    transport: Transport,
) -> Steps[Any]:
    """Send a call that takes slots of limits until they are there; each time it is told when to ask again, or by a release."""
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    retries = 0
    while True:
        try:
            # Under a key, so that an answer that was lost is had again, and no slot is taken twice.
            return (yield Send(replace(call, key=uuid7()), transport))
        except PrefectHTTPStatusError as error:
            again = _seconds_until_again(error)
            if again is None or (max_retries is not None and retries >= max_retries):
                raise ConcurrencySlotAcquisitionError(
                    f"Unable to acquire concurrency slots on {names!r}: {error}"
                ) from error
        retries += 1
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise AcquireConcurrencySlotTimeoutError(
                f"Attempt to acquire concurrency slots timed out after {timeout_seconds:g} second(s)"
            )
        pause = again if mode == "rate_limit" else _ASK_AGAIN_SECONDS
        pause = pause if left is None else min(pause, left)
        if mode == "rate_limit":
            yield Sleep(pause)
        else:
            yield from wait_for_slots(names, slots, pause, transport)


def _seconds_until_again(error: PrefectHTTPStatusError) -> float | None:
    """After how long it is worth asking again; None if it is not."""
    if error.response.status_code != _LOCKED or "Retry-After" not in error.response.headers:
        return None
    return float(error.response.headers["Retry-After"])


def give_back(held: HeldSlots) -> Steps[None]:
    """Give slots back. That this fails is logged: they are free when their lease expires, soon."""
    from prefect.events.utilities import emit_event

    try:
        yield Send(global_concurrency_limits.release_concurrency_slots_with_lease(held.lease_id), held.transport)
    except Exception as error:
        logger.warning("Slots of %r could not be given back, and are free in a minute: %s", held.names, error)
        return
    for told in held.acquired:
        emit_event("prefect.concurrency-limit.released", resource=told.resource, follows=told.event)
