"""A websocket on which both sides speak whenever they like."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from prefect.server.api.websockets.handshake import hear

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.websockets import WebSocket
    from typing_extensions import Self

__all__ = ["Conversation"]

_MOST_UNHEARD = 1000


class Conversation:
    """
    Listens while its owner does something else, and interrupts that when the other side is gone.

        async with Conversation(socket) as talk:
            message = await talk.hear(within=30)
    """

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self._heard: asyncio.Queue[Any] = asyncio.Queue(_MOST_UNHEARD)

    async def __aenter__(self) -> Self:
        self._ear = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ear.cancel()
        await asyncio.gather(self._ear, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            await self._heard.put(await hear(self.socket))

    async def say(self, text: str) -> None:
        """
        Send a text.

        Raises:
            EndedError: The other side is gone.
        """
        await self.unless_gone(self.socket.send_text(text), None)

    async def hear(self, within: float | None) -> Any:
        """
        The next message; None if there is none within so many seconds.

        Raises:
            EndedError: The other side is gone.
        """
        return await self.unless_gone(self._heard.get(), within)

    async def unless_gone(self, awaited: Awaitable[Any], within: float | None) -> Any:
        """
        What something answers; None if it does not within so many seconds.

        Raises:
            EndedError: The other side is gone.
        """
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait({waiting, self._ear}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            if self._ear.done():
                self._ear.result()
            return None
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
