"""
Waits for the answer to questions that are asked to: whether slots are free, whether task runs are due, whether they have ended.

Who waits is told when something was stored that may change the answer, and looks then; and now and then regardless, because
time passes and other servers store things too.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from prefect.server.api.signals import Signal

if TYPE_CHECKING:
    from prefect.server.api.answers import Answer

__all__ = ["Patience"]

_LONGEST_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 1.0
_LOOK_EVERY_SECONDS_BESIDE_OTHERS = 0.2
"""Where other servers may write, too."""

_NOT_YET = frozenset({b"false", b"[]"})


class Patience:
    """
    Answers questions once there is something to answer.

    Args:
        beside_others: Whether other servers write to the same database.
    """

    def __init__(self, *, beside_others: bool) -> None:
        self._every = _LOOK_EVERY_SECONDS_BESIDE_OTHERS if beside_others else _LOOK_EVERY_SECONDS
        self._ended = False
        self._waiting = Signal()

    def end(self) -> None:
        """Let nobody wait any longer, because the server ends."""
        self._ended = True
        self._waiting.send()

    async def answer(self, ask: Callable[[], Awaitable[Answer]], changed: Signal, seconds: float) -> Answer:
        """
        The answer to a question: the first that says something, or the one at the end.

        Args:
            ask: Answers it as things stand.
            changed: Tells that the answer may be another one now.
            seconds: How long to wait.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + min(max(seconds, 0.0), _LONGEST_SECONDS)
        with changed.heard() as news, self._waiting.heard() as over:
            while True:
                news.clear()
                answer = await ask()
                left = deadline - loop.time()
                if answer.content not in _NOT_YET or left <= 0 or self._ended:
                    return answer
                spread = random.uniform(0.8, 1.2)  # noqa: S311 - so that those who wait do not look together
                await _first_of(news, over, min(left, self._every * spread))


async def _first_of(news: asyncio.Event, over: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in (news, over)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
