"""Leases of flow runs: an addition to the public REST contract. They are taken by `flow_runs.set_flow_run_state`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from prefect._contract.call import Call
from prefect._contract.liveness import Lease, LeaseStatus

__all__ = ["read_leases", "reap_leases", "renew_leases"]


def renew_leases(tokens: Iterable[UUID], ttl_seconds: float) -> Call[list[LeaseStatus]]:
    """Renew leases, and learn of each what has become of its flow run."""
    body = {"tokens": list(tokens), "ttl_seconds": ttl_seconds}
    return Call("POST", "/_core/leases/renew", list[LeaseStatus], body=body)


def read_leases() -> Call[list[Lease]]:
    """List the leases of all flow runs."""
    return Call("GET", "/_core/leases", list[Lease])


def reap_leases(now: datetime) -> Call[list[UUID]]:
    """
    Mark as Crashed the flow runs whose process is gone, with their task runs, and answer with their ids.

    A process is gone when it is provably dead on this host, or when its lease has expired and it is not provably alive.
    """
    return Call("POST", "/_core/leases/reap", list[UUID], body={"now": now})
