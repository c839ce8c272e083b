"""What an orchestrator is put together from, as settings describe it: embedded or as a server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.server.database.engine import Database
    from prefect.server.operations.vault import Vault
    from prefect.server.operations.work import Bounds
    from prefect.settings import Settings

__all__ = ["bounds_of", "is_guarded", "open_database", "open_vault", "verify"]

_LOOKED_AT = 200
"""How many blocks are looked at for one that is encrypted."""


def open_database(settings: Settings) -> Database:
    """The database that settings name."""
    from prefect.server.database.engine import get_database
    from prefect.server.database.foreign import own_url
    from prefect.server.database.options import connection_options

    configured = settings.server.database
    url = own_url(configured.connection_url.get_secret_value(), settings.home)  # type: ignore[union-attr]
    return get_database(url, migrates=configured.migrate_on_start, options=connection_options(url, settings))


def open_vault(settings: Settings) -> Vault:
    """What encrypts secrets, with the key that settings name."""
    from prefect.server.operations.vault import Vault

    return Vault(settings.home / "encryption.key", os.environ.get("PREFECT_API_ENCRYPTION_KEY"))


def bounds_of(settings: Settings) -> Bounds:
    """How much may be asked of a server at once."""
    from prefect.server.operations.work import Bounds

    server = settings.server
    return Bounds(
        page=server.api.default_limit,
        graph_nodes=server.flow_run_graph.max_nodes,
        graph_artifacts=server.flow_run_graph.max_artifacts,
        scheduled_runs=server.deployment_schedule_max_scheduled_runs,
        parameters=server.api.max_parameter_size,
    )


def verify(settings: Settings) -> None:
    """
    Make sure that the database can be used and that its secrets can be read, before anybody asks for them.

    Raises:
        prefect.server.database.errors.DatabaseError: It cannot be opened, or is too new, or is locked for too long.
        prefect.exceptions.ConfigurationError: The encryption key is missing, or is not the one that was used.
    """
    from sqlalchemy import select

    from prefect.server.database.tables import block_document

    vault = open_vault(settings)
    latest = select(block_document.c.data).order_by(block_document.c.id.desc()).limit(_LOOKED_AT)
    rows = open_database(settings).transaction(
        lambda connection: connection.execute(latest).scalars().all(), write=False
    )
    sealed = next((data for data in rows if vault.is_sealed(data)), None)
    if sealed is not None:
        vault.open(sealed)
    elif vault.key is not None:
        vault.check()


def is_guarded(settings: Settings) -> bool:
    """Whether a server asks who wants to use it."""
    from sqlalchemy import select

    from prefect.server.database.tables import api_token

    if settings.server.api.auth_string is not None:
        return True
    token = select(api_token.c.id).limit(1)
    return (
        open_database(settings).transaction(lambda connection: connection.execute(token).first(), write=False)
        is not None
    )
