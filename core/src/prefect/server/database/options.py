"""How connections are made and kept, as settings and plugins say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prefect.server.database.dialects import ConnectionOptions, Encryption

if TYPE_CHECKING:
    from prefect.settings import Settings
    from prefect.settings.models.server.sqlalchemy import SQLAlchemyTLSSettings

__all__ = ["connection_options"]


def connection_options(url: str, settings: Settings) -> ConnectionOptions:
    """The options for the database of a URL. For a file only few of the settings matter, and the others are not read."""
    configured = settings.server.database
    if url.startswith("sqlite"):
        return ConnectionOptions(echo=configured.echo)
    pool = configured.sqlalchemy
    arguments = pool.connect_args
    return ConnectionOptions(
        echo=configured.echo,
        timeout=configured.timeout,
        connection_timeout=configured.connection_timeout,
        migration_timeout=configured.migration_timeout,
        pool_size=pool.pool_size,
        max_overflow=pool.max_overflow,
        pool_timeout=pool.pool_timeout,
        pool_recycle=pool.pool_recycle,
        application_name=arguments.application_name,
        search_path=arguments.search_path,
        prepares_statements=0 not in {arguments.statement_cache_size, arguments.prepared_statement_cache_size},
        encryption=_encryption(arguments.tls),
        extra=lambda: _of_plugins(url, settings),
    )


def _encryption(tls: SQLAlchemyTLSSettings) -> Encryption | None:
    if not tls.enabled:
        return None
    return Encryption(tls.ca_file, tls.cert_file, tls.key_file, tls.check_hostname)


def _of_plugins(url: str, settings: Settings) -> Mapping[str, Any]:
    """What plugins add to the driver's parameters, if PREFECT_PLUGINS_ENABLED is true; later answers win."""
    from prefect.plugins.loading import call_with, current_host

    host = current_host()
    if not host.config.enabled:
        return {}
    parameters: dict[str, Any] = {}
    for entry, function in host.implementations("set_database_connection_params"):
        try:
            parameters.update(call_with(function, {"connection_url": url, "settings": settings}) or {})
        except (Exception, SystemExit) as error:
            host.fail(entry, "call", error)
    return parameters
