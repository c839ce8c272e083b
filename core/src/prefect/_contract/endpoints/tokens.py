"""API tokens and the audit trail: what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._contract.call import Call
from prefect._contract.endpoints.bodies import given
from prefect._contract.tokens import ApiToken, ApiTokenCreated, AuditEntry

if TYPE_CHECKING:
    from datetime import datetime

    from prefect._contract.tokens import ApiTokenCreate

__all__ = ["create_token", "delete_token", "read_audit_trail", "read_tokens"]


def create_token(token: ApiTokenCreate) -> Call[ApiTokenCreated]:
    """Make a token. Its secret is told this once."""
    return Call("POST", "/_core/tokens", ApiTokenCreated, body=token)


def read_tokens() -> Call[list[ApiToken]]:
    """List the tokens by name, without their secrets."""
    return Call("GET", "/_core/tokens", list[ApiToken])


def delete_token(name: str) -> Call[None]:
    """Revoke a token by name."""
    return Call("DELETE", "/_core/tokens/{name}", None, {"name": name})


def read_audit_trail(
    since: datetime | None = None,
    actor: str | None = None,
    resource: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[list[AuditEntry]]:
    """
    List changes, the latest first.

    Args:
        since: Those made from then on.
        actor: Those of somebody.
        resource: Those of what has this path, or one below it.
        limit: How many at most.
        offset: How many to skip.
    """
    body = given(since=since, actor=actor, resource=resource, limit=limit, offset=offset)
    return Call("POST", "/_core/audit/filter", list[AuditEntry], body=body)
