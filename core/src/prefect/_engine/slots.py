"""
Task runs that share slots: those with a tag of which only so many may run at the same time.

Task runs are decided on in their process, except for these: whether a slot is free only the orchestrator knows. Which tags
have limits is asked once in a while, and only for task runs that have tags.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from prefect._engine.proposing import ask_for_task_state
from prefect.client.base import Send, current_transport
from prefect.client.questions import wait_for_slots
from prefect.exceptions import Abort, FailedRun
from prefect.states import failed_state
from prefect.utilities.dual import Sleep

if TYPE_CHECKING:
    from prefect._contract.state import State
    from prefect._engine.ledger import Ledger
    from prefect.client.base import Transport
    from prefect.utilities.dual import Steps

__all__ = ["enter_running"]

KNOWN_SECONDS = 10.0
"""For how long a process goes by what it knows. A limit that is set holds for the runs of all processes that much later."""


SHORTEST_PAUSE = 0.01
"""Seconds between two proposals of a run that is told to wait."""


class LimitedTags:
    """The tags that have limits in one orchestrator, as far as this process knows."""

    def __init__(self) -> None:
        self._tags: frozenset[str] = frozenset()
        self._asked: float | None = None
        self._guard = threading.Lock()

    def read(self, transport: Transport) -> Steps[frozenset[str]]:
        """The tags that have limits. While one asks anew, the others go by what is known."""
        if not self._is_to_ask():
            return self._tags
        from prefect._contract.endpoints.concurrency_limits import read_concurrency_limits

        found: set[str] = set()
        while True:
            page = yield Send(read_concurrency_limits(offset=len(found)), transport)
            if found.issuperset(tags := {limit.tag for limit in page}):
                break
            found |= tags
        self._tags = frozenset(found)
        with self._guard:
            self._asked = time.monotonic()
        return self._tags

    def _is_to_ask(self) -> bool:
        with self._guard:
            moment = time.monotonic()
            if self._asked is not None and moment < self._asked + KNOWN_SECONDS:
                return False
            if self._asked is not None:
                self._asked = moment
            return True


_known: weakref.WeakKeyDictionary[Any, tuple[int, LimitedTags]] = weakref.WeakKeyDictionary()


def limited_tags(transport: Transport) -> LimitedTags:
    """What this process knows of the limits of an orchestrator."""
    pid, tags = _known.get(transport, (0, None))
    if tags is None or pid != os.getpid():
        tags = LimitedTags()
        _known[transport] = (os.getpid(), tags)
    return tags


def enter_running(ledger: Ledger, state: State[Any]) -> Steps[State[Any]]:
    """
    Let a task run begin, or begin again, and return the state that it is in then.

    One with a tag that has a limit waits until it gets a slot. When the orchestrator says that it is not to run at all, it
    fails.
    """
    tags = ledger.task_run.tags
    if not tags:
        return ledger.propose(state)
    transport = current_transport()
    limited = yield from limited_tags(transport).read(transport)
    if limited.isdisjoint(tags):
        return ledger.propose(state)
    names = [f"tag:{tag}" for tag in sorted(limited.intersection(tags))]

    def pause(seconds: float) -> Steps[None]:
        yield Sleep(min(seconds, SHORTEST_PAUSE))  # it may be something else that is waited for
        yield from wait_for_slots(names, 1, seconds, transport)

    asking = ask_for_task_state(
        ledger.task_run.id,
        ledger.proposal(state),
        lease_token=ledger.lease_token,
        transport=transport,
        pause=pause,
    )
    try:
        entered = yield from asking
    except Abort as refusal:
        # An `Abort` would end the flow, which may well go on without this task.
        error = FailedRun(str(refusal))
        return ledger.propose(failed_state(error, message="Task run was not allowed to run:"), retriable=False)
    return ledger.adopt(entered)
