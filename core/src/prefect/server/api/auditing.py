"""Keeps what a change has changed: read before and after, with the operation that reads the same path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._contract.call import Call
from prefect.exceptions import ObjectNotFound
from prefect.server.api.actors import RUNNING
from prefect.server.operations.tokens import add_to_audit_trail

if TYPE_CHECKING:
    from prefect.server.api.wire import Wire
    from prefect.server.operations.work import UnitOfWork

__all__ = ["is_audited", "perform_audited"]

_NOT_KEPT = frozenset({"secret", "data", "created", "updated"})
"""Fields whose content is not repeated in the audit trail: what is secret, and what says nothing."""

_TICKS = frozenset({"reap_leases", "install_system_block_types"})
"""What is done again and again, and that nobody has to answer for."""

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def is_audited(wire: Wire) -> bool:
    """Whether a call changes what people have set up. What runs do by themselves is kept as their history."""
    name = wire.endpoint.name
    changes = wire.endpoint.method in _CHANGING and not wire.operation.read_only
    return changes and name not in RUNNING and name not in _TICKS


def perform_audited(work: UnitOfWork, wire: Wire, call: Call[Any], reader: Wire | None, address: str | None) -> Any:
    """
    Perform a call, and note in the same transaction what it has changed.

    Args:
        work: The transaction.
        wire: The endpoint.
        call: The call.
        reader: What reads the record at the same path, if anything does.
        address: From where it was asked for.
    """
    before = _read(work, reader, call)
    value = wire.operation.perform(work, call)
    after = _plain(value) if reader is None else _read(work, reader, call)
    path = call.path.format_map({name: str(text) for name, text in call.path_params.items()}).rstrip("/")
    identifier = after.get("id") if reader is None and isinstance(after, dict) else None
    resource = path if identifier is None else f"{path}/{identifier}"
    add_to_audit_trail(work, wire.endpoint.name, resource, address, _difference(before, after))
    return value


def _read(work: UnitOfWork, reader: Wire | None, call: Call[Any]) -> Any:
    if reader is None:
        return None
    try:
        return _plain(reader.operation.perform(work, Call("GET", reader.endpoint.path, None, call.path_params)))
    except ObjectNotFound:
        return None


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else None


def _difference(before: Any, after: Any) -> dict[str, Any]:
    """What of two states of a record differs."""
    old, new = before or {}, after or {}
    names = [name for name in {**old, **new} if name not in _NOT_KEPT and old.get(name) != new.get(name)]
    return {
        "before": {name: old[name] for name in names if name in old},
        "after": {name: new[name] for name in names if name in new},
    }
