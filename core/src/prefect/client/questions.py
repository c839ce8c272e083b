"""
Asking the orchestrator until it says yes.

A server waits with its answer until there is something to say. One in this process answers at once, and is asked again soon:
at first after milliseconds, later less often.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from prefect._contract.endpoints.waiting import are_slots_free
from prefect.client.base import Send
from prefect.exceptions import ObjectUnsupported
from prefect.utilities.dual import Sleep, Steps

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect.client.base import Transport

__all__ = ["ask_until", "wait_for_slots"]

R = TypeVar("R")

_LONGEST_SECONDS = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.05


def ask_until(
    question: Callable[[float], Call[R]],
    seconds: float | None = None,
    *,
    pause: float = _LONGEST_PAUSE,
    transport: Transport | None = None,
) -> Steps[R]:
    """
    Ask a question until the answer says something.

    Args:
        question: Makes the call, given how many seconds a server may wait with its answer.
        seconds: For how long; None without end.
        pause: Seconds between two questions at most, where nobody waits with the answer.
        transport: Where to ask; the current orchestrator without.

    Returns:
        The first answer that is true, or the last one.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    wait, patience = _FIRST_PAUSE, _patience()
    while True:
        began = time.monotonic()
        left = patience if deadline is None else max(0.0, min(patience, deadline - began))
        answer: R = yield Send(question(left), transport)
        now = time.monotonic()
        if answer or (deadline is not None and now >= deadline):
            return answer
        rest = wait - (now - began)
        if rest > 0:
            yield Sleep(rest if deadline is None else min(rest, deadline - now))
        wait = min(wait * 1.5, pause)


def wait_for_slots(names: Iterable[str], slots: int, seconds: float, transport: Transport | None = None) -> Steps[None]:
    """
    Wait until so many slots of each of these limits are free, or for so many seconds. Somebody else may be faster then.

    A server of Prefect 3 cannot be asked. There it is the time that is waited for.
    """
    try:
        yield from ask_until(partial(are_slots_free, list(names), slots), seconds, transport=transport)
    except ObjectUnsupported:
        yield Sleep(seconds)


def _patience() -> float:
    """Seconds for which an answer may be waited for without the request counting as lost."""
    from prefect.settings import get_current_settings

    return min(_LONGEST_SECONDS, get_current_settings().api.request_timeout / 2)
