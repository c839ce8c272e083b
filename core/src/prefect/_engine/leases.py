"""
Leases: how others know that the process behind a flow run lives, and how that process hears of a cancellation.

One thread per process renews the leases of all flow runs that execute here. The same answer says which of them someone else
has cancelled, or taken over; their code is then interrupted.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.endpoints.liveness import renew_leases
from prefect._contract.liveness import LeaseRequest, ProcessIdentity
from prefect._contract.state import StateType
from prefect._engine.signals import end_process
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._engine.heartbeats import Heartbeat
    from prefect.client.base import Transport

TTL_SECONDS = 90

CANCELLATION_SECONDS = 8.0
"""How long the code of a cancelled flow run may take to end, before its process is ended."""

CLAIM = "PREFECT__FLOW_RUN_CLAIM"
"""The variable with the token by which somebody has taken the flow run that this process was started for."""

logger = logging.getLogger("prefect.leases")


@dataclass(slots=True)
class HeldLease:
    """The lease of a flow run that executes in this process."""

    flow_run_id: UUID
    token: UUID
    interrupt: Callable[[], None]
    give_up: Callable[[], None] | None = None
    heartbeat: Heartbeat | None = None
    misses: int = 0
    lost: bool = False
    cancelled: bool = False

    def request(self) -> LeaseRequest:
        """What goes with the proposals of the run."""
        return LeaseRequest(token=self.token, owner=identity(), ttl_seconds=TTL_SECONDS)


_identities: dict[int, ProcessIdentity] = {}


def identity() -> ProcessIdentity:
    """This process, as other processes can recognise it."""
    pid = os.getpid()
    if pid not in _identities:
        _identities[pid] = ProcessIdentity.current()
    return _identities[pid]


def _claimed(flow_run_id: UUID) -> UUID | None:
    """The token that the flow run was taken with which this process was started for. It is used once: for its first attempt."""
    if os.environ.get("PREFECT__FLOW_RUN_ID") != str(flow_run_id):
        return None
    token = os.environ.pop(CLAIM, None)
    return None if token is None else UUID(token)


class LeaseKeeper:
    """Renews the leases of this process."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._leases: dict[UUID, HeldLease] = {}
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    def hold(
        self,
        flow_run_id: UUID,
        interrupt: Callable[[], None],
        token: UUID | None = None,
        give_up: Callable[[], None] | None = None,
        heartbeat: Heartbeat | None = None,
    ) -> HeldLease:
        """
        Begin to hold the lease of a flow run.

        Args:
            flow_run_id: The flow run.
            interrupt: Ends its code, from any thread.
            token: Names the attempt. A run that is tried again in its process keeps its token: what its earlier tries have
                still to say of their task runs is said by who owns the run.
            give_up: Ends the run and this process, from any thread, if its code does not end when it is cancelled.
            heartbeat: Gives signs of its life.
        """
        lease = HeldLease(flow_run_id, token or _claimed(flow_run_id) or uuid7(), interrupt, give_up, heartbeat)
        with self._guard:
            self._leases[lease.token] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew, name="prefect-leases", daemon=True)
                self._thread.start()
        return lease

    def release(self, lease: HeldLease) -> None:
        """No longer renew a lease; the orchestrator drops it with the run's last transition."""
        with self._guard:
            self._leases.pop(lease.token, None)

    def cancel(self, flow_run_id: UUID) -> None:
        """Let the code of a flow run end that is cancelled; if it does not, end the process."""
        with self._guard:
            found = [lease for lease in self._leases.values() if lease.flow_run_id == flow_run_id]
        for lease in found:
            if lease.cancelled or lease.lost:
                continue
            lease.cancelled = True
            lease.interrupt()
            timer = threading.Timer(CANCELLATION_SECONDS, self._insist, [lease])
            timer.daemon = True
            timer.start()

    def _insist(self, lease: HeldLease) -> None:
        if lease.token not in self._leases:
            return
        if lease.give_up is None:
            lease.interrupt()
            return
        with self._guard:
            held = list(self._leases.values())
        for each in reversed(held):  # what it has started ends before it
            if each.give_up is not None:
                each.give_up()
        end_process()

    def _renew(self) -> None:
        while not self._stop.wait(self._transport.renewal_seconds):
            with self._guard:
                if not self._leases:
                    self._thread = None
                    return
                tokens = list(self._leases)
                held = list(self._leases.values())
            for lease in held:
                if lease.heartbeat is not None:
                    lease.heartbeat.beat()
            try:
                statuses = self._transport.send(renew_leases(tokens, TTL_SECONDS))
            except Exception as error:
                logger.warning("Leases of running flow runs could not be renewed: %s", error)
                continue
            self._compare(tokens, {status.token: status for status in statuses})

    def _compare(self, tokens: list[UUID], statuses: dict[UUID, Any]) -> None:
        for token in tokens:
            lease = self._leases.get(token)
            if lease is None or lease.lost or lease.cancelled:
                continue
            status = statuses.get(token)
            lease.misses = lease.misses + 1 if status is None or status.flow_run_id is None else 0
            if status is not None and status.state_type in (StateType.CANCELLING, StateType.CANCELLED):
                self.cancel(lease.flow_run_id)
            elif lease.misses >= 2:  # once may be our own last transition, under way
                lease.lost = True
                logger.error(
                    "Flow run %s no longer belongs to this process: it was ended or taken over elsewhere. Stopping it here.",
                    lease.flow_run_id,
                )
                lease.interrupt()


_keepers: dict[tuple[int, int], LeaseKeeper] = {}


def keeper_of(transport: Transport) -> LeaseKeeper:
    """The lease keeper of this process for a transport."""
    key = (os.getpid(), id(transport))
    keeper = _keepers.get(key)
    if keeper is None:
        keeper = _keepers[key] = LeaseKeeper(transport)
    return keeper


def cancel_here(flow_run_id: UUID) -> None:
    """Let the code of a flow run end that executes in this process, since the run is cancelled."""
    for (pid, _), keeper in list(_keepers.items()):
        if pid == os.getpid():
            keeper.cancel(flow_run_id)
