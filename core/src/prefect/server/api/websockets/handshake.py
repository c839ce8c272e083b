"""How a websocket begins: who is there, and how it ends when something else is said than what was agreed on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from prefect.server.api.actors import Actor
    from prefect.server.api.gate import Policy

__all__ = ["SUBPROTOCOL", "EndedError", "end", "greet", "hear"]

SUBPROTOCOL = "prefect"

_PATIENCE_SECONDS = 30.0
POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002


class EndedError(Exception):
    """The websocket was closed, by either side."""


async def end(socket: WebSocket, code: int, reason: str) -> EndedError:
    """Close a websocket, and say why. The exception is to be raised."""
    with suppress(RuntimeError):  # the other side was faster
        await socket.close(code, reason)
    return EndedError(reason)


async def hear(socket: WebSocket, *, within: float | None = None) -> Any:
    """
    The next message: a JSON value.

    Raises:
        EndedError: There is none, or not in time, or it is not JSON.
    """
    try:
        text = await asyncio.wait_for(socket.receive_text(), within)
    except WebSocketDisconnect:
        raise EndedError("The other side is gone.") from None
    except (TimeoutError, asyncio.TimeoutError):
        raise await end(socket, POLICY_VIOLATION, "Nothing was said for too long.") from None
    except KeyError:
        raise await end(socket, PROTOCOL_ERROR, "Messages must be text.") from None
    try:
        return from_json(text)
    except ValueError:
        raise await end(socket, PROTOCOL_ERROR, "Messages must be JSON.") from None


def _kind(message: Any) -> Any:
    return message.get("type") if isinstance(message, dict) else None


async def greet(socket: WebSocket, policy: Policy) -> Actor | None:
    """
    Accept a websocket from somebody who may ask.

    Those who speak the subprotocol say who they are in the first message: `{"type": "auth", "token": ...}`. Others must
    have sent a header, where credentials are needed at all.

    Returns:
        Who it is; None where nobody needs to say so.

    Raises:
        EndedError: They may not.
    """
    known = policy.identify(socket.headers.get("authorization"))
    if SUBPROTOCOL not in socket.scope.get("subprotocols", ()):
        if policy.is_guarded and known is None:
            await socket.close(POLICY_VIOLATION, "Unauthorized")
            raise EndedError("Unauthorized")
        await socket.accept()
        return known
    await socket.accept(SUBPROTOCOL)
    message = await hear(socket, within=_PATIENCE_SECONDS)
    if _kind(message) != "auth":
        raise await end(socket, POLICY_VIOLATION, "Expected 'auth' message")
    token = message.get("token")
    if known is None and isinstance(token, str):
        known = policy.identify_secret(token)
    if policy.is_guarded and known is None:
        raise await end(socket, POLICY_VIOLATION, "Auth required" if token is None else "Invalid token")
    await socket.send_text('{"type":"auth_success"}')
    return known
