"""API tokens, and the audit trail."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from prefect._contract.tokens import ApiToken, ApiTokenCreated, AuditEntry
from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import already_exists, not_found
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.tokens import ApiTokenCreate

__all__ = [
    "add_to_audit_trail",
    "create_token",
    "delete_token",
    "digest",
    "is_csrf_token",
    "read_audit_trail",
    "read_tokens",
]

ANONYMOUS = "anonymous"

_PREFIX = "pft_"
_SECRET_BYTES = 32


def digest(secret: str) -> str:
    """What is stored of a secret. It is random and long, so nobody can try all there are."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(work: UnitOfWork, body: ApiTokenCreate) -> ApiTokenCreated:
    """Make a token. Its secret is told this once."""
    if records.read(work.connection, tables.api_token, name=body.name) is not None:
        raise already_exists("token", name=body.name)
    pool = body.work_pool_name
    if pool is not None and records.read(work.connection, tables.work_pool, name=pool) is None:
        raise not_found("work pool", name=pool)
    secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "name": body.name,
        "digest": digest(secret),
        "scopes": [scope.value for scope in body.scopes],
        "work_pool_name": pool,
        "expires_at": body.expires_at,
        "last_used": None,
    }
    records.create(work.connection, tables.api_token, row)
    return ApiTokenCreated.model_validate({**row, "secret": secret})


@read_only
def read_tokens(work: UnitOfWork) -> list[ApiToken]:
    """List the tokens by name, without their secrets."""
    token = tables.api_token
    rows = records.read_all(work.connection, token, select(token).order_by(token.c.name))
    return [ApiToken.model_validate(row) for row in rows]


def delete_token(work: UnitOfWork, name: str) -> None:
    """Revoke a token by name."""
    if not records.remove(work.connection, tables.api_token, name=name):
        raise not_found("token", name=name)


def is_csrf_token(work: UnitOfWork, client: str, token: str) -> bool:
    """Whether a token against forgery is the one that a client was given, and still good."""
    row = records.read(work.connection, tables.csrf_token, client=client)
    return row is not None and row["expiration"] > work.now and secrets.compare_digest(row["token"], token)


def add_to_audit_trail(
    work: UnitOfWork, action: str, resource: str, address: str | None, details: Mapping[str, Any] | None
) -> None:
    """Note a change that is made in this transaction."""
    entry = {
        "id": uuid7(),
        "occurred": work.now,
        "actor": work.actor or ANONYMOUS,
        "action": action,
        "address": address,
        "resource": resource,
        "details": details,
    }
    records.create(work.connection, tables.audit_entry, entry)


@read_only
def read_audit_trail(
    work: UnitOfWork,
    since: datetime | None = None,
    actor: str | None = None,
    resource: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[AuditEntry]:
    """List changes, the latest first."""
    entry = tables.audit_entry
    statement = select(entry).order_by(entry.c.id.desc())
    if since is not None:
        statement = statement.where(entry.c.occurred >= since)
    if actor is not None:
        statement = statement.where(entry.c.actor == actor)
    if resource is not None:
        path = resource.rstrip("/")
        statement = statement.where(
            or_(entry.c.resource == path, entry.c.resource.startswith(f"{path}/", autoescape=True))
        )
    page = statement.limit(work.bounds.limit(limit)).offset(work.bounds.offset(offset))
    return [AuditEntry.model_validate(row) for row in records.read_all(work.connection, entry, page)]
