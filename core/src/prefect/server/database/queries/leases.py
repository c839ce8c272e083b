"""Leases of flow runs: which process works at them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import Connection

from prefect._contract.liveness import Lease, ProcessIdentity
from prefect.server.database.queries.records import inserting, keys_of, read, read_all, remove
from prefect.server.database.tables import flow_run, flow_run_lease

__all__ = ["Holder", "grant", "hold_all", "read_lease", "read_leases", "release", "renew", "shorten", "suspend"]


@dataclass(frozen=True, slots=True)
class Holder:
    """
    A lease, and what is stored with it.

    Args:
        lease: The lease.
        suspended: Whether the run waits in its process, paused or for a retry. Then nobody works at it, and the lease
            excludes nobody; it is only kept to notice that the process is gone.
    """

    lease: Lease
    suspended: bool

    @property
    def token(self) -> UUID:
        """Names the attempt."""
        return self.lease.token

    def is_live(self, now: datetime) -> bool:
        """Whether the attempt still owns the run."""
        return not self.suspended and not self.is_gone(now)

    def is_gone(self, now: datetime) -> bool:
        """Whether the process is provably dead, or has not renewed its lease in time and is not provably alive."""
        alive = self.lease.owner.is_alive()
        if alive is None:
            return not self.suspended and self.lease.expires_at < now
        return not alive


def _holder(row: dict[str, Any]) -> Holder:
    owner = ProcessIdentity(row["host"], row["pid"], row["process_started"], row["boot_id"], row["pid_namespace"])
    return Holder(Lease(row["flow_run_id"], row["token"], owner, row["expires_at"]), row["suspended"])


def read_lease(connection: Connection, run_id: UUID) -> Holder | None:
    """The lease of a flow run."""
    row = read(connection, flow_run_lease, flow_run_id=run_id)
    return None if row is None else _holder(row)


def read_leases(connection: Connection, *where: ColumnElement[bool]) -> list[Holder]:
    """The leases that meet some conditions; all, if there is none."""
    return [_holder(row) for row in read_all(connection, flow_run_lease, select(flow_run_lease).where(*where))]


@cache
def _granting(kind: str) -> Any:
    insert = inserting(kind, flow_run_lease)
    values = {name: insert.excluded[name] for name in keys_of(flow_run_lease) if name != "flow_run_id"}
    return insert.on_conflict_do_update(index_elements=["flow_run_id"], set_=values)


def grant(connection: Connection, lease: Lease, now: datetime) -> None:
    """Let an attempt own a flow run, instead of whoever did before."""
    row = {
        "flow_run_id": lease.flow_run_id,
        "token": lease.token,
        "host": lease.owner.host,
        "pid": lease.owner.pid,
        "process_started": lease.owner.started,
        "boot_id": lease.owner.boot_id,
        "pid_namespace": lease.owner.pid_namespace,
        "acquired": now,
        "expires_at": lease.expires_at,
        "suspended": False,
    }
    connection.execute(_granting(connection.dialect.name), row)


def suspend(connection: Connection, run_id: UUID) -> None:
    """Let the lease of a flow run exclude nobody, while the run waits in its process."""
    lease = flow_run_lease
    connection.execute(update(lease).where(lease.c.flow_run_id == run_id).values(suspended=True))


def started_by_others(connection: Connection, run_ids: Iterable[UUID]) -> set[UUID]:
    """Those of some flow runs that are of deployments: who has started their processes hears of their ends."""
    run = flow_run.c
    wanted = select(run.id).where(run.id.in_(list(run_ids)), run.deployment_id.is_not(None))
    return set(connection.execute(wanted).scalars())


def release(connection: Connection, run_id: UUID) -> None:
    """Take the lease of a flow run away."""
    remove(connection, flow_run_lease, flow_run_id=run_id)


def shorten(connection: Connection, most: datetime) -> None:
    """Let no lease last for longer than until some time, unless it is renewed."""
    lease = flow_run_lease
    connection.execute(update(lease).where(lease.c.expires_at > most).values(expires_at=most))


def hold_all(connection: Connection, until: datetime) -> None:
    """Let each lease last until some time, also those that are over."""
    connection.execute(update(flow_run_lease).values(expires_at=until))


def renew(connection: Connection, tokens: Iterable[UUID], expires_at: datetime) -> dict[UUID, tuple[UUID, str]]:
    """
    Let leases expire later.

    Returns:
        For each token that has a lease the flow run, and the type of its state.
    """
    lease, wanted = flow_run_lease, list(tokens)
    connection.execute(update(lease).where(lease.c.token.in_(wanted)).values(expires_at=expires_at))
    held = select(lease.c.token, flow_run.c.id, flow_run.c.state_type).join(flow_run).where(lease.c.token.in_(wanted))
    return {token: (run_id, state_type) for token, run_id, state_type in connection.execute(held)}
