"""
Requests that are sent again because their answer was lost.

A client names a request that makes something with a key of its own. What was answered is kept with the effect, in the same
transaction; who asks again under the key is answered the same, and nothing is done. Lines of logs need no such record: their
ids follow from the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import Refusal

if TYPE_CHECKING:
    from prefect._contract.call import Call
    from prefect.server.operations.work import UnitOfWork

__all__ = ["KEPT_FOR", "Remembered", "is_remembered", "recall", "remember"]

KEPT_FOR = timedelta(days=1)
"""How long an answer is kept: far longer than any client goes on asking."""

_LONGEST_ANSWER = 64 * 1024
"""Characters. A longer one is not kept: nothing that is made by one request has so much to say."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """
    What a request was answered with.

    Args:
        status: The HTTP status.
        content: The body.
    """

    status: int
    content: bytes


def is_remembered(call: Call[Any]) -> bool:
    """Whether the answer to a call is to be kept, and looked for beforehand."""
    return call.key is not None and call.method == "POST" and call.path != "/logs/" and call.path[:7] != "/_core/"


def recall(work: UnitOfWork, call: Call[Any]) -> Remembered | None:
    """
    The answer that a call with this key was given before; None if there was none.

    Raises:
        Refusal: The key was another request's.
    """
    row = records.read(work.connection, tables.answered_request, key=call.key)
    if row is None:
        return None
    if row["fingerprint"] != _fingerprint(work, call):
        raise Refusal(422, f"The idempotency key {call.key} was used for another request. Make a new one for each.")
    return Remembered(row["status"], row["answer"].encode())


def remember(work: UnitOfWork, call: Call[Any], status: int, content: bytes) -> None:
    """Keep the answer to a call, with its effect or not at all."""
    if len(content) > _LONGEST_ANSWER:
        return
    row = {
        "key": call.key,
        "created": work.now,
        "fingerprint": _fingerprint(work, call),
        "status": status,
        "answer": content.decode(),
    }
    records.create(work.connection, tables.answered_request, row)


def _fingerprint(work: UnitOfWork, call: Call[Any]) -> str:
    said = (work.actor, call.method, call.path, *(f"{name}={value}" for name, value in call.path_params.items()))
    return sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()
