"""
Background task runs that a worker has claimed and not begun: where runs are short, asking for each few would take as long.

A worker has so many that they begin within a moment. What does not, because longer runs came in between, is given back for
others to execute, and does not count as a delivery.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._contract.background import TaskRunClaim

__all__ = ["Stock"]

_AHEAD_SECONDS = 0.15
"""For so long a stock lasts, at the rate at which runs end."""

_MOST = 50
_SHORTEST_SPAN_SECONDS = 0.05
KEPT_SECONDS = 1.0
"""What has not begun after so long is given back."""


class Stock:
    """
    Claims whose runs begin as soon as others have ended, those first that were claimed first. Threads may share one.

    Args:
        limit: How many runs the worker executes at the same time; None for any number: then it never has a stock.
        clock: Seconds that pass.
    """

    def __init__(self, limit: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._guard = threading.Lock()
        self._claims: deque[tuple[float, TaskRunClaim]] = deque()
        self._ended = 0
        self._since = clock()
        self._wanted = 0

    def __len__(self) -> int:
        return len(self._claims)

    def note_end(self) -> None:
        """A run has ended."""
        with self._guard:
            self._ended += 1

    def wanted(self) -> int:
        """How many claims there should be: some if runs are so short that more of them end in a moment than there is room for."""
        with self._guard:
            elapsed = self._clock() - self._since
            if self._limit is not None and elapsed >= _SHORTEST_SPAN_SECONDS:
                soon = int(self._ended / elapsed * _AHEAD_SECONDS)
                self._wanted = min(soon, _MOST) if soon > self._limit else 0
                self._ended, self._since = 0, self._clock()
            return self._wanted

    @property
    def is_low(self) -> bool:
        """Whether it is time to claim further runs."""
        return len(self._claims) <= self._wanted // 2

    def put(self, claim: TaskRunClaim) -> None:
        """Keep a claim for later."""
        self._claims.append((self._clock(), claim))

    def take(self) -> TaskRunClaim | None:
        """The claim whose run is to begin now; None if there is none that is young enough."""
        with self._guard:
            return None if not self._claims or self._is_old() else self._claims.popleft()[1]

    def _is_old(self) -> bool:
        return self._clock() - self._claims[0][0] > KEPT_SECONDS

    def give_up(self, *, everything: bool = False) -> list[TaskRunClaim]:
        """The claims that are to be given back: those that are too old, or all. They are no longer here."""
        given_up = []
        with self._guard:
            while self._claims and (everything or self._is_old()):
                given_up.append(self._claims.popleft()[1])
        return given_up
