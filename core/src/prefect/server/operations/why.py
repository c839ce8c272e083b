"""Why a flow run does not run: every cause that keeps it from that, by what the orchestrator knows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from prefect._contract.base import evolve
from prefect._contract.state import TERMINAL_STATES, StateType
from prefect._contract.waiting import FlowRunExplanation, SlotHolder, WaitingCause
from prefect._contract.work_pools import WorkPoolStatus, WorkQueueStatus
from prefect.server.database import tables
from prefect.server.database.queries import leases, records, slots
from prefect.server.database.queries.runs import FLOW_RUNS, read_run
from prefect.server.operations.readiness import POLLED_SECONDS, pool_statuses, queue_status
from prefect.server.operations.refusals import not_found
from prefect.server.operations.work import UnitOfWork, read_only

__all__ = ["explain_flow_run"]

Row = dict[str, Any]
Causes = Iterator[WaitingCause]

_ENDED = frozenset(kind.value for kind in TERMINAL_STATES)
_UNDER_WAY = (StateType.PENDING.value, StateType.RUNNING.value)
_SOON = timedelta(seconds=1)
_TAKEN_WITHIN = timedelta(seconds=5)
"""So soon a run that is due is taken, if there is room for it: who takes runs asks every few seconds."""

_MOST_TASKS = 1000
"""Task runs that are looked at for what they wait for."""


@read_only
def explain_flow_run(work: UnitOfWork, id: UUID) -> FlowRunExplanation:
    """Say why a flow run does not run."""
    run = read_run(work.connection, FLOW_RUNS, id, work.now)
    if run is None:
        raise not_found("flow run", id=id)
    return FlowRunExplanation(
        flow_run_id=id,
        name=run["name"],
        state_type=run["state_type"],
        state_name=run["state_name"],
        causes=list(_causes(work, run)),
    )


def _causes(work: UnitOfWork, run: Row) -> Causes:
    kind = run["state_type"]
    if kind in _ENDED:
        yield _cause("ended", f"It has ended, as {run['state_name']}. Run it again: prefect flow-run retry {run['id']}")
    elif kind == StateType.RUNNING.value:
        yield from _running(work, run)
    elif kind == StateType.PAUSED.value:
        yield from _paused(run)
    elif kind == StateType.PENDING.value:
        yield from _pending(work, run)
    elif kind == StateType.CANCELLING.value:
        yield _cause("cancelling", "It is being cancelled, and ends when its process has stopped.", _since(run))
    else:
        causes = list(_scheduled(work, run))
        yield from causes
        if all(cause.code == "late" for cause in causes):
            yield from _busy(work, run)


def _cause(code: str, message: str, since: datetime | None = None, until: datetime | None = None) -> WaitingCause:
    return WaitingCause(code=code, message=message, since=since, until=until)


def _since(run: Row) -> datetime | None:
    since: datetime | None = run["state_timestamp"]
    return since


def _running(work: UnitOfWork, run: Row) -> Causes:
    holder = leases.read_lease(work.connection, run["id"])
    if holder is None:
        yield _cause("running", "It is running, and no process says that it works at it.", _since(run))
    else:
        owner = holder.lease.owner
        where = f"process {owner.pid} on host '{owner.host}'"
        if holder.is_gone(work.now):
            message = f"It was running in {where}, which is gone. It becomes Crashed soon."
            yield _cause("process-gone", message, _since(run))
        else:
            yield _cause("running", f"It is running, in {where}.", _since(run))
    yield from _subflows_that_wait(work, run)
    yield from _tasks_that_wait(work, run)


def _tasks_that_wait(work: UnitOfWork, run: Row) -> Causes:
    """Tags whose slots are all in use, and which task runs of the flow run wait for them."""
    task = tables.task_run.c
    waiting = select(task.name, task.tags).where(
        task.flow_run_id == run["id"],
        task.state_type.in_((StateType.PENDING.value, StateType.SCHEDULED.value)),
    )
    by_tag: dict[str, list[str]] = {}
    for name, tags in work.connection.execute(waiting.order_by(task.id).limit(_MOST_TASKS)):
        for tag in tags:
            by_tag.setdefault(tag, []).append(name)
    for tag, names in sorted(by_tag.items()):
        limit = slots.read_limit(work.connection, work.now, name=f"tag:{tag}")
        if limit is not None and limit.active and limit.free < 1:
            full = _full(f"tag '{tag}'", limit.in_use, limit.size, _holders(work, limit.id))
            shown = ", ".join(repr(name) for name in names[:10])
            yield evolve(full, message=f"{full.message} Task runs that wait for them: {shown}.")


def _subflows_that_wait(work: UnitOfWork, run: Row) -> Causes:
    task, child = tables.task_run.c, tables.flow_run.alias("child")
    started = select(child.c.name, child.c.id, child.c.state_name).join_from(
        tables.task_run, child, child.c.parent_task_run_id == task.id
    )
    goes_on = (*_ENDED, StateType.RUNNING.value)
    waiting = started.where(task.flow_run_id == run["id"], child.c.state_type.not_in(goes_on))
    for name, child_id, state in work.connection.execute(waiting):
        message = f"Its subflow run '{name}' is {state}. See: prefect flow-run why {child_id}"
        yield _cause("subflow-waits", message)


def _paused(run: Row) -> Causes:
    details = run["state"].state_details
    until = details.pause_timeout
    resume = f"Resume it: prefect flow-run resume {run['id']}"
    if details.run_input_keyset:
        yield _cause(
            "waits-for-input",
            f"It is paused until somebody gives it the input it asks for. {resume}",
            _since(run),
            until,
        )
    else:
        yield _cause("paused", f"It is {run['state_name']} until somebody resumes it. {resume}", _since(run), until)


def _pending(work: UnitOfWork, run: Row) -> Causes:
    holder = leases.read_lease(work.connection, run["id"])
    if holder is not None:
        owner = holder.lease.owner
        message = f"It was claimed by process {owner.pid} on host '{owner.host}', which has not begun it yet."
        yield _cause("claimed", message, _since(run))
        return
    if run["infrastructure_pid"]:
        message = f"It was claimed, and its infrastructure is {run['infrastructure_pid']}, which has not begun it yet."
        yield _cause("claimed", message, _since(run))
        return
    if run["state_name"] == "NotReady":
        yield _cause(
            "not-ready", f"What it needs is not there: {run['state'].message or 'nobody says what'}", _since(run)
        )
        return
    yield _cause(
        "claimed",
        "It was claimed, and nobody says yet that it is being begun. If that stays so it is offered to others again.",
        _since(run),
    )


# -- scheduled --------------------------------------------------------------------------------------------------------


def _due(run: Row) -> datetime | None:
    due: datetime | None = run["next_scheduled_start_time"] or run["expected_start_time"]
    return due


def _scheduled(work: UnitOfWork, run: Row) -> Causes:
    due = _due(run)
    name, is_later = run["state_name"], due is not None and due > work.now + _SOON
    if is_later and name == "AwaitingRetry":
        yield _cause("awaits-retry", f"It failed, and is tried again at {due:%Y-%m-%d %H:%M:%S} UTC.", _since(run), due)
    elif is_later and name != "AwaitingConcurrencySlot":
        yield _cause("scheduled-later", f"It is scheduled for {due:%Y-%m-%d %H:%M:%S} UTC.", _since(run), due)
    elif due is not None and not is_later and name != "AwaitingConcurrencySlot":
        late = (work.now - due).total_seconds()
        if name == "Late" or late > 15:
            yield _cause("late", f"It was to begin at {due:%Y-%m-%d %H:%M:%S} UTC, {late:.0f} seconds ago.", due)
    if run["parent_task_run_id"] is not None:
        yield from _of_parent(work, run)
    place = records.read(work.connection, tables.deployment, id=run["deployment_id"]) if run["deployment_id"] else None
    if place is not None:
        yield from _of_deployment(work, run, place)
    queue = records.read(work.connection, tables.work_queue, id=run["work_queue_id"]) if run["work_queue_id"] else None
    if queue is not None:
        yield from _of_queue(work, queue)
    elif place is not None:
        yield from _of_runner(work, place)
    elif run["parent_task_run_id"] is None:
        yield _cause("nobody-takes-it", "It belongs to no deployment, so only the process that made it can run it.")


def _of_parent(work: UnitOfWork, run: Row) -> Causes:
    task, parent = tables.task_run, tables.flow_run.alias("parent")
    found = select(parent.c.name, parent.c.id, parent.c.state_type, parent.c.state_name).join_from(
        task, parent, parent.c.id == task.c.flow_run_id
    )
    row = work.connection.execute(found.where(task.c.id == run["parent_task_run_id"])).first()
    if row is not None and row[2] != StateType.RUNNING.value:
        message = f"The flow run '{row[0]}' that started it is {row[3]}. See: prefect flow-run why {row[1]}"
        yield _cause("parent-waits", message)


def _of_deployment(work: UnitOfWork, run: Row, deployment: Row) -> Causes:
    name = deployment["name"]
    if deployment["paused"]:
        flow = records.read(work.connection, tables.flow, id=deployment["flow_id"])
        resume = f"prefect deployment resume '{'' if flow is None else flow['name']}/{name}'"
        yield _cause("deployment-paused", f"Deployment '{name}' is paused. Resume it: {resume}")
    if run["auto_scheduled"]:
        schedule = tables.deployment_schedule.c
        rows = select(schedule.active).where(schedule.deployment_id == deployment["id"])
        active = list(work.connection.execute(rows).scalars())
        if active and not any(active):
            yield _cause(
                "schedule-inactive", f"The schedules of deployment '{name}' are inactive: no further runs come."
            )
    if deployment["concurrency_limit_id"] is not None:
        limit = slots.read_limit(work.connection, work.now, id=deployment["concurrency_limit_id"])
        held = {} if limit is None else slots.limits_of_holder(work.connection, run["id"], work.now)
        if limit is not None and limit.active and limit.free < 1 and limit.id not in held:
            yield _full(f"deployment '{name}'", limit.in_use, limit.size, _holders(work, limit.id))


def _full(whose: str, used: int, size: int, holders: list[SlotHolder]) -> WaitingCause:
    return _held("no-slot", f"All slots of {whose} are in use, {used} of {size}", holders)


def _held(code: str, message: str, holders: list[SlotHolder]) -> WaitingCause:
    """A cause that is over when one of some holders ends. They are named at the end of the message."""
    named = ", ".join(_in_words(holder) for holder in holders[:10])
    by = f": {named}" if named else ""
    since = max((holder.since for holder in holders if holder.since is not None), default=None)
    return WaitingCause(code=code, message=f"{message}{by}.", since=since, holders=holders)


def _in_words(holder: SlotHolder) -> str:
    since = "" if holder.since is None else f" since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    return f"{holder.kind.replace('_', ' ')} '{holder.name or holder.id or 'unknown'}'{since}"


def _holders(work: UnitOfWork, limit_id: UUID) -> list[SlotHolder]:
    lease = tables.concurrency_lease.c
    rows = slots.leases_of(work.connection, work.now, lease.concurrency_limit_id == limit_id)
    return [
        SlotHolder(
            kind=row["holder_type"] or "unknown",
            id=row["holder_id"],
            name=_name_of(work, row["holder_type"], row["holder_id"]),
            slots=row["slots"],
            since=row["created"],
        )
        for row in rows
    ]


def _name_of(work: UnitOfWork, kind: str | None, identifier: UUID | None) -> str | None:
    table = {"flow_run": tables.flow_run, "task_run": tables.task_run, "deployment": tables.deployment}.get(kind or "")
    row = None if table is None else records.read(work.connection, table, id=identifier)
    return None if row is None else str(row["name"])


def _of_queue(work: UnitOfWork, queue: Row) -> Causes:
    pool = records.read(work.connection, tables.work_pool, id=queue["work_pool_id"])
    assert pool is not None
    name, queued = pool["name"], f"work queue '{queue['name']}' of work pool '{pool['name']}'"
    if pool["is_paused"]:
        yield _cause("pool-paused", f"Work pool '{name}' is paused. Resume it: prefect work-pool resume {name}")
    if queue["is_paused"]:
        resume = f"prefect work-queue resume {queue['name']} --pool {name}"
        yield _cause("queue-paused", f"The {queued} is paused. Resume it: {resume}")
    if pool_statuses(work, [pool])[pool["id"]] is WorkPoolStatus.NOT_READY:
        start = f"prefect worker start --pool {name}"
        yield _cause("no-worker", f"No worker polls work pool '{name}'. Start one: {start}", queue["last_polled"])
    elif queue_status(queue, work.now) is WorkQueueStatus.NOT_READY:
        start = f"prefect worker start --pool {name} --work-queue {queue['name']}"
        yield _cause("queue-not-polled", f"No worker polls the {queued}. Start one: {start}", queue["last_polled"])
    of_queue = tables.work_queue.c.id == queue["id"]
    yield from _of_limit(work, f"the {queued}", queue["concurrency_limit"], of_queue)
    of_pool = tables.work_queue.c.work_pool_id == pool["id"]
    yield from _of_limit(work, f"work pool '{name}'", pool["concurrency_limit"], of_pool)


def _of_limit(work: UnitOfWork, whose: str, size: int | None, queues: Any) -> Causes:
    """The limit of a queue or pool, whose slots are its runs under way."""
    if size is None:
        return
    holders = _under_way(work, tables.flow_run.c.work_queue_id.in_(select(tables.work_queue.c.id).where(queues)))
    if len(holders) >= size:
        yield _full(whose, len(holders), size, holders)


def _under_way(work: UnitOfWork, chosen: ColumnElement[bool]) -> list[SlotHolder]:
    """The flow runs that have been taken and have not ended, those first that began first."""
    run = tables.flow_run.c
    rows = select(run.id, run.name, run.state_timestamp).where(chosen, run.state_type.in_(_UNDER_WAY))
    found = work.connection.execute(rows.order_by(run.state_timestamp))
    return [SlotHolder(kind="flow_run", id=row[0], name=row[1], since=row[2]) for row in found]


def _busy(work: UnitOfWork, run: Row) -> Causes:
    """Who could take a run that is due, and has not: each may have a limit of its own, of which only itself knows."""
    due = _due(run)
    if due is None or work.now - due < _TAKEN_WITHIN:
        return
    other, queue = tables.flow_run.c, tables.work_queue.c
    if run["work_queue_id"] is None:
        theirs = other.deployment_id == run["deployment_id"]
    else:
        pool = select(queue.work_pool_id).where(queue.id == run["work_queue_id"]).scalar_subquery()
        theirs = other.work_queue_id.in_(select(queue.id).where(queue.work_pool_id == pool))
    holders = _under_way(work, theirs)
    if holders:
        who = "process that serves its deployment" if run["work_queue_id"] is None else "workers of its work pool"
        message = f"It is its turn, but the {who} may execute as many runs as allowed (`limit`), {len(holders)} now"
        yield _held("workers-busy", message, holders)


def _of_runner(work: UnitOfWork, deployment: Row) -> Causes:
    """A deployment without a work pool is served by a process, which asks for its runs."""
    polled = deployment["last_polled"]
    if polled is None or work.now - polled > timedelta(seconds=POLLED_SECONDS):
        message = f"No process serves deployment '{deployment['name']}'. Start the one that calls `serve`."
        yield _cause("nobody-serves", message, polled)
