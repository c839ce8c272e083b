"""Renews the leases of slots that are in use in this process, and notices when one is lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from prefect._contract.endpoints.global_concurrency_limits import renew_concurrency_lease
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

if TYPE_CHECKING:
    from prefect.concurrency.slots import HeldSlots

__all__ = ["Renewals"]

logger = logging.getLogger("prefect.concurrency")

_RENEWALS = 3.0
"""How often a lease is renewed before it would expire."""

_RETRY_SECONDS = 1.0
_GONE = frozenset({404, 410})


class Renewals:
    """The leases that are renewed in this process, on one thread."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._held: dict[int, tuple[HeldSlots, Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None

    @classmethod
    @cache
    def of_process(cls, pid: int) -> Renewals:
        """Those of a process: a fork begins anew."""
        return cls()

    @contextmanager
    def renewing(self, held: HeldSlots, lost: Callable[[], None]) -> Iterator[None]:
        """
        Renew a lease for as long as the block lasts.

        Args:
            held: The slots.
            lost: Called on another thread, once, if others may have them.
        """
        with self._guard:
            self._held[id(held)] = (held, lost)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="prefect-slots", daemon=True)
                self._thread.start()
            self._guard.notify()
        try:
            yield
        finally:
            with self._guard:
                self._held.pop(id(held), None)

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._held:
                    self._guard.wait(timeout=5)
                if not self._held:
                    self._thread = None
                    return
                due = list(self._held.values())
            for held, lost in due:
                if time.monotonic() >= held.renewed + held.seconds / _RENEWALS:
                    self._renew(held, lost)
            time.sleep(_RETRY_SECONDS)

    def _renew(self, held: HeldSlots, lost: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            held.transport.send(renew_concurrency_lease(held.lease_id, held.seconds))
        except Exception as error:
            is_gone = isinstance(error, ObjectNotFound) or (
                isinstance(error, PrefectHTTPStatusError) and error.response.status_code in _GONE
            )
            if not is_gone and time.monotonic() < held.renewed + held.seconds:
                logger.debug("The slots of %r could not be renewed, which is tried again: %s", held.names, error)
                return
            with self._guard:
                is_used = self._held.pop(id(held), None) is not None
            held.lost = is_used
            if is_used:
                logger.warning("The slots of %r are lost, others may have them now: %s", held.names, error)
                lost()
        else:
            held.renewed = began
