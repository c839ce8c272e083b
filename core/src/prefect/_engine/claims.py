"""Claims of background task runs: a thread renews them while a worker executes the runs, however busy the worker is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from prefect._contract.endpoints.deliveries import renew_task_run_claims

if TYPE_CHECKING:
    from prefect.client.base import Transport

__all__ = ["ClaimKeeper", "lease_seconds"]

logger = logging.getLogger("prefect.task_worker")

_LEASE_SECONDS = 30.0
_SHORTEST_LEASE_SECONDS = 1.0
_RENEWALS = 3.0
"""How often a claim is renewed before it would expire."""

_LONGEST_PAUSE_SECONDS = 10.0
"""After which a claim is renewed at the latest: a server whose clock was put gives workers a quarter of a minute to do so."""


def lease_seconds() -> float:
    """For how long a claim is good: PREFECT_SERVER_TASKS_SCHEDULING_PENDING_TASK_TIMEOUT, or half a minute."""
    from prefect.settings import get_current_settings

    seconds = get_current_settings().server.tasks.scheduling.pending_task_timeout.total_seconds()
    return max(seconds, _SHORTEST_LEASE_SECONDS) if seconds > 0 else _LEASE_SECONDS


class ClaimKeeper:
    """
    Renews the claims of a worker, and says that the worker is there.

    Args:
        transport: The orchestrator.
        client_id: The worker.
        task_keys: The tasks that it serves.
        seconds: For how long claims are good.
    """

    def __init__(self, transport: Transport, client_id: str, task_keys: Sequence[str], seconds: float) -> None:
        self.transport = transport
        self.seconds = seconds
        self._client_id = client_id
        self._keys = list(task_keys)
        self._held: dict[UUID, UUID] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prefect-claims", daemon=True)

    def start(self) -> None:
        """Begin. The worker is known to the orchestrator when this returns."""
        self._renew()
        self._thread.start()

    def stop(self) -> None:
        """Renew nothing any longer."""
        self._stop.set()

    def hold(self, token: UUID, task_run_id: UUID) -> None:
        """Renew a claim from now on."""
        with self._guard:
            self._held[token] = task_run_id

    def holds(self, token: UUID) -> bool:
        """Whether a claim is renewed: nobody else was given its run, as far as is known here."""
        with self._guard:
            return token in self._held

    def drop(self, token: UUID) -> None:
        """Renew a claim no longer."""
        with self._guard:
            self._held.pop(token, None)

    @property
    def tokens(self) -> list[UUID]:
        """The claims that are renewed."""
        with self._guard:
            return list(self._held)

    def _work(self) -> None:
        while not self._stop.wait(min(self.seconds / _RENEWALS, _LONGEST_PAUSE_SECONDS)):
            try:
                self._renew()
            except Exception as error:
                logger.warning("Claims of background task runs could not be renewed: %s", error)

    def _renew(self) -> None:
        tokens = self.tokens
        call = renew_task_run_claims(self._client_id, self._keys, tokens, self.seconds)
        good: set[UUID] = {*self.transport.send(call)}
        for token in tokens:
            with self._guard:
                lost = self._held.pop(token, None) if token not in good else None
            if lost is not None:
                logger.warning(
                    "Task run %s no longer belongs to this worker: it has ended, or was given to another one because this "
                    "one was not heard of. What it still does here is not recorded.",
                    lost,
                )
