"""The orchestrator's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Optional
from urllib.parse import quote

from pydantic import AliasChoices, Field, SecretStr

from prefect.exceptions import ConfigurationError
from prefect.settings.base import PrefectBaseSettings, build_settings_config, later, later_field
from prefect.settings.models._home import in_home

if TYPE_CHECKING:
    from prefect.settings.models.server.sqlalchemy import SQLAlchemySettings
else:
    SQLAlchemySettings = later(
        "prefect.settings.models.server.sqlalchemy:SQLAlchemySettings",
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_",
        "PREFECT_SQLALCHEMY_",
    )

__all__ = ["ServerDatabaseSettings", "default_connection_url"]


def _aliases(name: str) -> AliasChoices:
    return AliasChoices(name, f"prefect_server_database_{name}", f"prefect_api_database_{name}")


class ServerDatabaseSettings(PrefectBaseSettings):
    """The orchestrator's database."""

    model_config = build_settings_config(("server", "database"))

    connection_url: Optional[SecretStr] = Field(
        default=None,
        description="The URL of the database in SQLAlchemy's form. Unset: made of the other settings, else a SQLite "
        "file in PREFECT_HOME.",
        validation_alias=_aliases("connection_url"),
    )
    driver: Optional[Literal["postgresql+asyncpg", "sqlite+aiosqlite"]] = Field(
        default=None,
        description="The kind of database, if there is no connection URL.",
        validation_alias=_aliases("driver"),
    )
    host: Optional[str] = Field(
        default=None,
        description="The database's host, if there is no connection URL.",
        validation_alias=_aliases("host"),
    )
    port: Optional[int] = Field(
        default=None,
        description="The database's port, if there is no connection URL.",
        validation_alias=_aliases("port"),
    )
    user: Optional[str] = Field(
        default=None,
        description="The database's user, if there is no connection URL.",
        validation_alias=_aliases("user"),
    )
    name: Optional[str] = Field(
        default=None,
        description="The database's name, or the path of its file, if there is no connection URL.",
        validation_alias=_aliases("name"),
    )
    password: Optional[SecretStr] = Field(
        default=None,
        description="The database's password; takes the place of ${PREFECT_SERVER_DATABASE_PASSWORD} in a connection "
        "URL.",
        validation_alias=_aliases("password"),
    )
    echo: bool = Field(
        default=False, description="Whether SQL statements are logged.", validation_alias=_aliases("echo")
    )
    migrate_on_start: bool = Field(
        default=True,
        description="Whether the database is brought to the newest version when it is opened.",
        validation_alias=_aliases("migrate_on_start"),
    )
    timeout: Optional[float] = Field(
        default=10.0,
        description="Seconds that a statement may take, or wait for others.",
        validation_alias=_aliases("timeout"),
    )
    connection_timeout: Optional[float] = Field(
        default=5.0,
        description="Seconds that connecting to a Postgres database may take.",
        validation_alias=_aliases("connection_timeout"),
    )
    migration_timeout: Optional[float] = Field(
        default=None, description="Seconds that bringing the database to the newest version may take; unset: any time."
    )
    sqlalchemy: SQLAlchemySettings = later_field("The connections to the database.")


def default_connection_url(settings: ServerDatabaseSettings, home_file: str | None = None) -> SecretStr:
    """
    The URL that other settings than the URL itself describe.

    Args:
        settings: The settings.
        home_file: The SQLite file that is used when they describe nothing; `prefect.db` in the home directory if None.

    Raises:
        ConfigurationError: They describe half of a Postgres database.
    """
    if settings.driver == "postgresql+asyncpg":
        missing = [name for name in ("host", "user", "name", "password") if not getattr(settings, name)]
        if missing or settings.password is None:
            variables = ", ".join(f"PREFECT_SERVER_DATABASE_{name.upper()}" for name in missing)
            message = f"PREFECT_SERVER_DATABASE_DRIVER is {settings.driver!r}, which needs {variables} too."
            raise ConfigurationError(message)
        user, password = quote(str(settings.user), safe=""), quote(settings.password.get_secret_value(), safe="")
        return SecretStr(
            f"postgresql+asyncpg://{user}:{password}@{settings.host}:{settings.port or 5432}/{settings.name}"
        )
    file = settings.name if settings.driver else None
    return SecretStr(f"sqlite+aiosqlite:///{file or home_file or in_home('prefect.db')}")
