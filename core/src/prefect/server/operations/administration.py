"""The orchestrator itself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter
from pydantic_core import core_schema
from sqlalchemy import select

from prefect.server.database import tables
from prefect.server.database.queries import records
from prefect.server.operations.refusals import Refusal, not_found
from prefect.server.operations.templates import require_template
from prefect.server.operations.work import UnitOfWork, read_only
from prefect.settings import Settings, get_current_settings
from prefect.utilities.ids import uuid7

if TYPE_CHECKING:
    from prefect._contract.administration import (
        CsrfToken,
        ServerDefaultResultStorage,
        ServerDefaultResultStorageUpdate,
    )

__all__ = [
    "check_health",
    "check_readiness",
    "clear_server_default_result_storage",
    "hello",
    "read_admin_version",
    "read_collection_view",
    "read_csrf_token",
    "read_server_default_result_storage",
    "read_settings",
    "read_version",
    "update_server_default_result_storage",
    "validate_template",
]

API_VERSION = "0.8.4"
"""The version of the REST contract that is answered."""

SPOKEN_VERSION = "3.8.8"
"""The version of Prefect whose contract it is. Its clients go away from a server that says that it has another one."""

_MASK = "**********"
_LONGEST_CLIENT = 255

_STORAGE_KEY = "default_result_storage"
_STORAGE_FIELD = "default_result_storage_block_id"


@read_only
def check_health(work: UnitOfWork) -> bool:
    """Say whether the database answers."""
    return bool(work.connection.execute(select(1)).scalar_one() == 1)


@read_only
def check_readiness(work: UnitOfWork) -> dict[str, str]:
    """Say that the database answers."""
    check_health(work)
    return {"message": "OK"}


@read_only
def hello(work: UnitOfWork) -> str:
    """Say hello."""
    return "👋"


@read_only
def read_version(work: UnitOfWork) -> str:
    """Read the version of the REST contract."""
    return API_VERSION


@read_only
def read_admin_version(work: UnitOfWork) -> str:
    """Read the version of the product."""
    import prefect

    return prefect.__version__


class _LikeSettings:
    """Says that a mapping has the fields of the settings."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(TypeAdapter(Settings).core_schema)


SettingsDocument = Annotated[dict[str, Any], _LikeSettings()]
"""All settings, as JSON."""


@read_only
def read_settings(work: UnitOfWork) -> SettingsDocument:
    """Read the settings of the orchestrator; secrets are masked."""
    shown = get_current_settings().model_dump(mode="json")
    headers = shown["client"]["custom_headers"]
    shown["client"]["custom_headers"] = dict.fromkeys(headers, _MASK)  # one of them may prove who the client is
    return shown


def read_csrf_token(work: UnitOfWork, client: str) -> CsrfToken:
    """
    Give a client a token with which it proves that its requests are its own, in place of the one that it had.

    Args:
        work: The transaction.
        client: A name that the client chose for itself.

    Raises:
        Refusal: No such tokens are asked for.
    """
    from prefect._contract.administration import CsrfToken

    api = get_current_settings().server.api
    if not api.csrf_protection_enabled:
        raise Refusal(422, "CSRF protection is disabled.")
    if not 0 < len(client) <= _LONGEST_CLIENT:
        raise Refusal(
            422, f"Invalid client: its name has {len(client)} characters, and must have 1 to {_LONGEST_CLIENT}."
        )
    table = tables.csrf_token
    records.remove_where(work.connection, table, (table.c.client == client) | (table.c.expiration < work.now))
    row = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "token": secrets.token_hex(32),
        "client": client,
        "expiration": work.now + api.csrf_token_expiration,
    }
    records.create(work.connection, table, row)
    return CsrfToken.model_validate(row)


@read_only
def read_collection_view(work: UnitOfWork, view: str) -> dict[str, Any]:
    """Read what installed packages offer, by kind: `aggregate-worker-metadata`."""
    from prefect.server.operations.collection_views import VIEWS

    make = VIEWS.get(view)
    if make is None:
        raise Refusal(404, f"View {view} not found in registry. There are: {', '.join(VIEWS)}.")
    return make()


@read_only
def validate_template(work: UnitOfWork, body: str) -> None:
    """Refuse a text that is no template."""
    require_template(body)


@read_only
def read_server_default_result_storage(work: UnitOfWork) -> ServerDefaultResultStorage:
    """Read which storage block results are kept in by default."""
    from prefect._contract.administration import ServerDefaultResultStorage

    row = records.read(work.connection, tables.configuration, key=_STORAGE_KEY)
    return ServerDefaultResultStorage.model_validate({} if row is None else row["value"])


def update_server_default_result_storage(
    work: UnitOfWork, body: ServerDefaultResultStorageUpdate
) -> ServerDefaultResultStorage:
    """Set which storage block results are kept in by default."""
    block: UUID = body.default_result_storage_block_id
    if records.read(work.connection, tables.block_document, id=block) is None:
        raise not_found("block document", id=block)
    clear_server_default_result_storage(work)
    values = {
        "id": uuid7(),
        "created": work.now,
        "updated": work.now,
        "key": _STORAGE_KEY,
        "value": {_STORAGE_FIELD: str(block)},
    }
    records.create(work.connection, tables.configuration, values)
    return read_server_default_result_storage(work)


def clear_server_default_result_storage(work: UnitOfWork) -> None:
    """Keep results in no particular storage block by default."""
    records.remove(work.connection, tables.configuration, key=_STORAGE_KEY)
