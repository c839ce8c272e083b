"""When a request is sent again, and after how long. Nothing here waits, sends or looks at a clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from prefect.utilities.time import as_utc

__all__ = ["AWAY", "Trials", "read_retry_after"]

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
LONGEST_PAUSE_WHILE_AWAY = 5.0
"""So that a server that is back is noticed soon."""

LONGEST_RETRY_AFTER = 60.0
"""What a server asks for is believed up to this many seconds."""

BUSY = frozenset({429})
AWAY = frozenset({502, 503})
"""Statuses with which a server, or what stands before it, says that it is not there for the moment."""


@dataclass(slots=True)
class Trials:
    """
    The tries of one request.

    Args:
        max_retries: How often it is sent again at most, while the server answers or was never there.
        jitter: How much pauses vary, as a part of them. 1: anything up to twice as long.
        extra_codes: Further statuses that are worth another try.
        random: A number from 0 to 1.
    """

    max_retries: int
    jitter: float
    extra_codes: frozenset[int] = frozenset()
    random: Callable[[], float] = random.random
    made: int = field(default=0, init=False)
    was_cut: bool = field(default=False, init=False)
    """Whether the answer to an earlier try was lost, so that it may have had its effect."""

    def is_worth_another(self, status: int) -> bool:
        """Whether an answer with this status is one that may be another one later."""
        return status in BUSY or status in AWAY or status in self.extra_codes

    def pause(self, *, patient: bool, asked: float | None = None, at_once: bool = False) -> float | None:
        """
        Count a try that came to nothing.

        Args:
            patient: Whether to go on for as long as the server is away, however many tries that takes.
            asked: Seconds that the server asked to be left alone for.
            at_once: Whether the first of these tries failed because an idle connection had been closed.

        Returns:
            Seconds until the next one; None when it was the last.
        """
        self.made += 1
        if not patient and self.made > self.max_retries:
            return None
        if asked is not None:
            return min(asked, LONGEST_RETRY_AFTER)
        if at_once and self.made == 1:
            return 0.0
        longest = LONGEST_PAUSE_WHILE_AWAY if patient else LONGEST_PAUSE
        pause = min(FIRST_PAUSE * 2.0 ** min(self.made - 1, 20), longest)
        spread = min(self.jitter, 1.0)
        return pause * (1 + spread * (2 * self.random() - 1))


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """
    How long a server asks to be left alone for.

    Args:
        header: What it said: a number of seconds, or a moment as HTTP writes it.
        now: The current moment.

    Returns:
        Seconds; None if it said nothing that can be understood.
    """
    if header is None:
        return None
    text = header.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (as_utc(parsedate_to_datetime(text)) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None  # noqa: PLR0124
