"""A call as what goes over the wire: path, query and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from pydantic_core import to_json

from prefect.exceptions import ObjectNotFound
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.call import Call

__all__ = ["HttpRequest", "encode_body", "to_request"]

_NAMED = re.compile(r"{(\w+)}")
_READS = re.compile(
    r"/(filter|count|paginate|history|lateness|next-runs|count-[\w-]+|count-by/\{\w+\}|get_runs|get_scheduled_flow_runs"
    r"|concurrency_status|validate|counts|heartbeat|renew|decrement-with-lease)$"
)
"""POSTs that make nothing: they ask, say that somebody is there, or take away what is gone after that."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    One request, without the address of the server.

    Args:
        method: The verb.
        path: Path and query, quoted.
        content: The body.
        headers: What is said apart from what all requests say.
    """

    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def to_request(call: Call[Any]) -> HttpRequest:
    """
    What a call is over HTTP.

    A call that makes something gets a key by which the server knows it again, should the answer be lost on the way.

    Raises:
        prefect.exceptions.ObjectNotFound: A name in the path is one that nothing can have there.
    """
    path = _NAMED.sub(lambda match: _quoted(call.path_params[match[1]]), call.path) if call.path_params else call.path
    if call.query:
        path = f"{path}?{urlencode(_pairs(call.query))}"
    headers: dict[str, str] = {}
    content = None
    body = _with_its_own_key(call) if call.method == "POST" else call.body
    if body is not None:
        content = encode_body(body)
        headers["Content-Type"] = "application/json"
    if call.key is not None or (call.method == "POST" and _makes_something(call.path)):
        headers["Idempotency-Key"] = str(call.key or uuid7())
    return HttpRequest(call.method, path, content, headers)


def _makes_something(path: str) -> bool:
    return not path.startswith("/_core/") and not path.endswith("/set_state") and _READS.search(path) is None


def _with_its_own_key(call: Call[Any]) -> Any:
    """The body of a call, with the key or id by which the contract lets some of what is asked for be known again."""
    body = call.body
    if call.path.endswith("/set_state"):
        state = body["state"]
        if state.state_details.transition_id is not None:
            return body
        details = state.state_details.model_copy(update={"transition_id": uuid7()})
        return {**body, "state": state.model_copy(update={"state_details": details})}
    if call.path == "/flow_runs/" and body.idempotency_key is None:
        return body.model_copy(update={"idempotency_key": str(call.key or uuid7())})
    if call.path == "/task_runs/" and body.id is None:
        return body.model_copy(update={"id": call.key or uuid7()})
    return body


def _quoted(value: Any) -> str:
    text = _text(value)
    if text in {"", ".", ".."}:
        raise ObjectNotFound(None, f"Nothing can be named {text!r}: it cannot be part of a path.")
    return quote(text, safe="")


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            pairs += [(name, _text(item)) for item in value]
        elif value is not None:
            pairs.append((name, _text(value)))
    return pairs


def encode_body(body: Any) -> bytes:
    """The JSON of a body: of models what was set, so that what is left out keeps the server's default or its value."""
    if isinstance(body, BaseModel):
        return body.model_dump_json(exclude_unset=True).encode()
    if isinstance(body, Mapping):
        parts = [to_json(str(name)) + b":" + encode_body(value) for name, value in body.items()]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(body, (list, tuple)) and body and isinstance(body[0], BaseModel):
        return b"[" + b",".join([encode_body(item) for item in body]) + b"]"
    return to_json(body, timedelta_mode="float")
