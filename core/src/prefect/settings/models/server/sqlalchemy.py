"""The connections to the database."""

from __future__ import annotations

from typing import Optional

from pydantic import AliasChoices, Field

from prefect.settings.base import PrefectBaseSettings, build_settings_config

__all__ = ["SQLAlchemyConnectArgsSettings", "SQLAlchemySettings", "SQLAlchemyTLSSettings"]


class SQLAlchemyTLSSettings(PrefectBaseSettings):
    """How connections to Postgres are encrypted."""

    model_config = build_settings_config(
        (
            "server",
            "database",
            "sqlalchemy",
            "connect_args",
            "tls",
        )
    )

    ca_file: Optional[str] = Field(
        default=None, description="A file with the certificate of the authority that signed the database's."
    )
    cert_file: Optional[str] = Field(default=None, description="A file with the certificate that this client shows.")
    check_hostname: bool = Field(default=True, description="Whether the database's certificate must be for its host.")
    enabled: bool = Field(default=False, description="Whether connections to Postgres are encrypted.")
    key_file: Optional[str] = Field(default=None, description="A file with the key of that certificate.")


class SQLAlchemyConnectArgsSettings(PrefectBaseSettings):
    """How connections to Postgres are made."""

    model_config = build_settings_config(
        (
            "server",
            "database",
            "sqlalchemy",
            "connect_args",
        )
    )

    application_name: Optional[str] = Field(
        default=None, description="The name under which a Postgres server lists the connections."
    )
    prepared_statement_cache_size: Optional[int] = Field(
        default=None, description="The same, under the name that it has in connection URLs."
    )
    search_path: Optional[str] = Field(
        default=None, description="The schemas of a Postgres database to look for tables in."
    )
    statement_cache_size: Optional[int] = Field(
        default=None, description="How many statements a connection to Postgres keeps prepared."
    )
    tls: SQLAlchemyTLSSettings = Field(
        default_factory=SQLAlchemyTLSSettings, description="How connections to Postgres are encrypted."
    )


class SQLAlchemySettings(PrefectBaseSettings):
    """The connections to the database."""

    model_config = build_settings_config(
        (
            "server",
            "database",
            "sqlalchemy",
        )
    )

    max_overflow: int = Field(
        default=10,
        ge=0,
        description="How many more are opened when all of them are in use.",
        validation_alias=AliasChoices(
            "max_overflow", "prefect_server_database_sqlalchemy_max_overflow", "prefect_sqlalchemy_max_overflow"
        ),
    )
    pool_recycle: int = Field(default=3600, description="Seconds after which a connection is replaced.")
    pool_size: int = Field(
        default=5,
        gt=0,
        description="How many connections to the database are kept open.",
        validation_alias=AliasChoices(
            "pool_size", "prefect_server_database_sqlalchemy_pool_size", "prefect_sqlalchemy_pool_size"
        ),
    )
    pool_timeout: Optional[float] = Field(default=30.0, description="Seconds to wait for a connection.")
    connect_args: SQLAlchemyConnectArgsSettings = Field(
        default_factory=SQLAlchemyConnectArgsSettings, description="How connections to Postgres are made."
    )
