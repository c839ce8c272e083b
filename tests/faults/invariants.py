"""What must be true of the records of an orchestrator however processes, servers and databases ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, func, or_, select

from prefect._contract.state import TERMINAL_STATES, StateType
from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.utilities.time import now

__all__ = ["Violation", "check_answers", "check_invariants"]

ENDED = frozenset(kind.value for kind in TERMINAL_STATES)
KINDS = (
    (tables.flow_run, tables.flow_run_state, "flow_run_id"),
    (tables.task_run, tables.task_run_state, "task_run_id"),
)


class Violation(AssertionError):
    """Something is recorded that cannot be."""


def check_invariants(
    url: str,
    *,
    all_ended: bool = False,
    ended_as: Mapping[UUID, str] | None = None,
    logged: Iterable[str] = (),
    started: Mapping[UUID, int] | None = None,
) -> None:
    """
    Look through a database.

    Args:
        url: Of the database, of either kind.
        all_ended: Whether no run may still be under way or waiting.
        ended_as: Acknowledged ends: the type of the last state by id of run.
        logged: Acknowledged messages of logs, each of which is there once.
        started: How often the body of a run was seen to start, by id of run.

    Raises:
        Violation: What is wrong, all of it.
    """
    wrong: list[str] = []
    with closing(Database(url)) as database:

        def look(connection: Connection) -> None:
            wrong.clear()
            for run, state, owner in KINDS:
                _check_histories(connection, run, state, owner, wrong.append)
            _check_leases(connection, wrong.append)
            _check_slots(connection, now(), wrong.append)
            _check_deliveries(connection, wrong.append)
            _check_schedules(connection, wrong.append)
            if all_ended:
                _check_ends(connection, wrong.append)
            _check_acknowledged(connection, ended_as or {}, logged, wrong.append)
            _check_starts(connection, started or {}, wrong.append)

        database.transaction(look, write=False)
    if wrong:
        raise Violation("\n".join(wrong))


Tell = Callable[[str], None]


def _check_histories(connection: Connection, run: Table, state: Table, owner: str, tell: Tell) -> None:
    """I3, I2: the current state is the last of the history, which goes on after an end only by an explicit retry."""
    histories: dict[UUID, list[Any]] = {}
    order = (state.c[owner], state.c.timestamp, state.c.id)
    for row in connection.execute(select(state.c[owner], state.c.id, state.c.type, state.c.timestamp).order_by(*order)):
        histories.setdefault(row[0], []).append(row)
    for row in connection.execute(select(run)).mappings():
        history = histories.pop(row["id"], [])
        what = f"{run.name} {row['id']}"
        if not history:
            if row["state_id"] is not None:
                tell(f"I3 {what}: its state {row['state_id']} is not in its history")
            continue
        last = [entry for entry in history if entry.timestamp == history[-1].timestamp]
        if row["state_id"] not in {entry.id for entry in last}:
            tell(f"I3 {what}: its state {row['state_id']} is not the last of its history")
        if row["state_type"] not in {entry.type for entry in last} or row["state_timestamp"] != history[-1].timestamp:
            tell(f"I3 {what}: {row['state_type']} at {row['state_timestamp']}, and its history ends otherwise")
        kinds = [entry.type for entry in history]
        for (before, after), (earlier, later) in zip(pairwise(kinds), pairwise(history), strict=True):
            if before in ENDED and after != "SCHEDULED" and earlier.timestamp != later.timestamp:
                tell(f"I3 {what}: {before} -> {after}")
        if (row["state_type"] in ENDED) != (row["end_time"] is not None):
            tell(f"I3 {what}: {row['state_type']} with the end {row['end_time']}")
        begun = kinds.count("RUNNING")
        if row["run_count"] > begun:
            tell(f"I2 {what}: {row['run_count']} attempts, and {begun} times RUNNING")
    for orphan in histories:
        tell(f"I3 {run.name} {orphan}: it has a history and is not there")


def _check_leases(connection: Connection, tell: Tell) -> None:
    """I2: who has ended has no live attempt, and nobody has two."""
    lease, run = tables.flow_run_lease, tables.flow_run
    held = select(run.c.id, run.c.state_type).join_from(lease, run, run.c.id == lease.c.flow_run_id)
    for identifier, kind in connection.execute(held):
        if kind in ENDED:
            tell(f"I2 flow_run {identifier}: it is {kind}, and a process holds its lease")


def _check_slots(connection: Connection, moment: datetime, tell: Tell) -> None:
    """I4: slots in use are those of live leases, at most as many as there are, and of nobody who has ended."""
    limit, lease, run = tables.concurrency_limit, tables.concurrency_lease, tables.task_run
    is_live = or_(lease.c.expires_at.is_(None), lease.c.expires_at > moment)
    in_use = (
        select(limit.c.name, limit.c.limit, func.sum(lease.c.slots))
        .join_from(limit, lease, lease.c.concurrency_limit_id == limit.c.id)
        .where(is_live, limit.c.active, lease.c.mode == "concurrency")
        .group_by(limit.c.id, limit.c.name, limit.c.limit)
    )
    for name, size, slots in connection.execute(in_use):
        if slots > size:
            tell(f"I4 limit {name!r}: {slots} of {size} slots are in use")
    holding = select(run.c.id, run.c.state_type).join_from(lease, run, run.c.id == lease.c.holder_id).where(is_live)
    for identifier, kind in connection.execute(holding):
        if kind in ENDED:
            tell(f"I4 task_run {identifier}: it is {kind}, and holds slots")


def _check_deliveries(connection: Connection, tell: Tell) -> None:
    """I1: a background task run waits for a worker exactly as long as it is scheduled, or is claimed until it has ended."""
    delivery, run = tables.task_run_delivery, tables.task_run
    joined = select(run.c.id, run.c.state_type, delivery.c.client_id)
    for identifier, kind, client in connection.execute(joined.join_from(delivery, run)):
        is_claimed = client is not None and client.startswith("claim:") and kind not in ENDED
        if kind != StateType.SCHEDULED.value and not is_claimed:
            tell(f"I1 task_run {identifier}: it is {kind}, and waits for a task worker")


def _check_schedules(connection: Connection, tell: Tell) -> None:
    """I9: each time of a schedule gives one run."""
    run = tables.flow_run.c
    scheduled = select(run.deployment_id, run.idempotency_key).where(run.auto_scheduled)
    for (deployment, key), times in Counter(tuple(row) for row in connection.execute(scheduled)).items():
        if times > 1:
            tell(f"I9 deployment {deployment}: {times} runs for {key}")


def _check_ends(connection: Connection, tell: Tell) -> None:
    """I1: every run has ended."""
    for run, _, _ in KINDS:
        going = select(run.c.id, run.c.state_type).where(
            or_(run.c.state_type.is_(None), run.c.state_type.not_in(sorted(ENDED)))
        )
        for identifier, kind in connection.execute(going):
            tell(f"I1 {run.name} {identifier}: it is {kind}")


def _check_acknowledged(
    connection: Connection, ended_as: Mapping[UUID, str], logged: Iterable[str], tell: Tell
) -> None:
    """I5: what was acknowledged is there, once."""
    found: dict[UUID, str] = {}
    for run, _, _ in KINDS:
        found |= {row[0]: row[1] for row in connection.execute(select(run.c.id, run.c.state_type))}
    for identifier, kind in ended_as.items():
        if found.get(identifier) != kind:
            tell(f"I5 run {identifier}: acknowledged as {kind}, and it is {found.get(identifier)}")
    messages = Counter(message for (message,) in connection.execute(select(tables.log.c.message)))
    for message in logged:
        if messages[message] != 1:
            tell(f"I5 log {message!r}: acknowledged once, and there {messages[message]} times")


def _check_starts(connection: Connection, started: Mapping[UUID, int], tell: Tell) -> None:
    """I2, I6: a body starts as often as an attempt is recorded."""
    for run, _, _ in KINDS:
        for identifier, attempts in connection.execute(select(run.c.id, run.c.run_count)):
            if identifier in started and started[identifier] != attempts:
                tell(
                    f"I2 {run.name} {identifier}: {attempts} attempts, and its body started {started[identifier]} times"
                )


def check_answers(answers: Iterable[Any]) -> None:
    """
    I10: a server says nothing worse than that it cannot just now, and when to ask again.

    Raises:
        Violation: It did.
    """
    wrong = [
        f"I10 {answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:200]}"
        for answer in answers
        if answer.status_code >= 500 and (answer.status_code != 503 or "retry-after" not in answer.headers)
    ]
    if wrong:
        raise Violation("\n".join(wrong))
