"""The orchestrator itself: whether it is there, and what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._contract.call import Call

if TYPE_CHECKING:
    from prefect._contract.administration import CsrfToken, ServerDefaultResultStorage

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


def check_health() -> Call[bool]:
    """Ask whether the orchestrator does its work."""
    return Call("GET", "/health", bool)


def check_readiness() -> Call[Any]:
    """Ask whether the orchestrator can take requests: its database answers."""
    return Call("GET", "/ready", Any)


def hello() -> Call[str]:
    """Say hello."""
    return Call("GET", "/hello", str)


def read_version() -> Call[str]:
    """Read the version of the orchestrator."""
    return Call("GET", "/version", str)


def read_admin_version() -> Call[str]:
    """Read the version of the orchestrator's package."""
    return Call("GET", "/admin/version", str)


def read_settings() -> Call[dict[str, Any]]:
    """Read the settings of the orchestrator; secrets are masked."""
    return Call("GET", "/admin/settings", dict[str, Any])


def read_server_default_result_storage() -> Call[ServerDefaultResultStorage]:
    """Read which storage block results are kept in by default."""
    from prefect._contract.administration import ServerDefaultResultStorage

    return Call("GET", "/admin/storage", ServerDefaultResultStorage)


def update_server_default_result_storage(default_result_storage_block_id: UUID) -> Call[ServerDefaultResultStorage]:
    """Set which storage block results are kept in by default."""
    from prefect._contract.administration import ServerDefaultResultStorage, ServerDefaultResultStorageUpdate

    body = ServerDefaultResultStorageUpdate(default_result_storage_block_id=default_result_storage_block_id)
    return Call("PUT", "/admin/storage", ServerDefaultResultStorage, body=body)


def clear_server_default_result_storage() -> Call[None]:
    """Keep results in no particular storage block by default."""
    return Call("DELETE", "/admin/storage")


def read_csrf_token(client: str) -> Call[CsrfToken]:
    """Read the token with which a client, known by any name that it chose, proves that its requests are its own."""
    from prefect._contract.administration import CsrfToken

    return Call("GET", "/csrf-token", CsrfToken, query={"client": client})


def read_collection_view(view: str) -> Call[dict[str, Any]]:
    """Read what packages offer, by kind: `aggregate-worker-metadata`."""
    return Call("GET", "/collections/views/{view}", dict[str, Any], {"view": view})


def validate_template(template: str) -> Call[None]:
    """Ask whether a template is valid."""
    return Call("POST", "/templates/validate", None, body=template)
