"""
Brings the tables of a database up to date.

A migration is a numbered script of plain SQL, `<kind of database>/<number>_<name>.sql`, whose statements end in a
semicolon at the end of a line. All that are missing run in one transaction which also notes them in `schema_version`:
a process that dies on the way leaves the database as it was, and of several that start at once one does the work.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import Connection

from prefect.server.database.dialects import SqliteDialect
from prefect.server.database.errors import ForeignSchemaError, SchemaTooNewError, SchemaTooOldError
from prefect.server.database.types import moment_text
from prefect.utilities.time import now

__all__ = ["LATEST", "migrate", "require_latest", "schema_version"]

LATEST = 2
"""The number of the last script."""

_SCRIPTS = Path(__file__).parent


def schema_version(connection: Connection) -> int:
    """The number of the last migration that a database has been through; 0 for an empty one."""
    exists = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'")
    if exists.first() is None:
        return 0
    return int(connection.exec_driver_sql("SELECT max(version) FROM schema_version").scalar() or 0)


def migrate(
    connection: Connection, dialect: SqliteDialect, scripts: Path = _SCRIPTS / "sqlite", latest: int = LATEST
) -> None:
    """
    Run what is missing.

    Args:
        connection: A connection without a transaction.
        dialect: Its dialect.
        scripts: The directory of the scripts.
        latest: The version to reach.

    Raises:
        prefect.server.database.errors.SchemaTooNewError: The database is newer than this version of the product.
    """
    if _is_current(connection, dialect, latest):
        return
    dialect.begin(connection, write=True)
    try:
        version = schema_version(connection)  # again, now that nobody else can change it
        if version == 0:
            _refuse_foreign(connection, dialect)
        for path in sorted(scripts.glob("*.sql")):
            number, _, name = path.stem.partition("_")
            if version < int(number) <= latest:
                _run(connection, path.read_text(encoding="utf-8"))
                note = "INSERT INTO schema_version (version, name, applied) VALUES (?, ?, ?)"
                connection.exec_driver_sql(note, (int(number), name, moment_text(now())))
        dialect.commit(connection)
    except BaseException:
        dialect.rollback(connection)
        raise


def _refuse_foreign(connection: Connection, dialect: SqliteDialect) -> None:
    other = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    if connection.exec_driver_sql(other).first() is not None:
        raise ForeignSchemaError(
            f"{dialect.place} holds the tables of Prefect 3, which are left as they are. Set "
            "PREFECT_SERVER_DATABASE_CONNECTION_URL to another file, or unset it to have one in PREFECT_HOME."
        )


def require_latest(connection: Connection, dialect: SqliteDialect) -> None:
    """
    Make sure that nothing is missing, without changing anything.

    Raises:
        prefect.server.database.errors.SchemaTooOldError: A migration is missing.
        prefect.server.database.errors.SchemaTooNewError: The database is newer than this version of the product.
    """
    if not _is_current(connection, dialect, LATEST):
        message = (
            f"The tables of {dialect.place} are not up to date, and PREFECT_SERVER_DATABASE_MIGRATE_ON_START is off. "
            "Turn it on once to have them changed."
        )
        raise SchemaTooOldError(message)


def _is_current(connection: Connection, dialect: SqliteDialect, latest: int) -> bool:
    version = schema_version(connection)
    if version > latest:
        raise SchemaTooNewError(
            f"A newer version of Prefect has changed {dialect.place}: its schema has version {version}, and this "
            f"installation knows {latest}. Upgrade this installation, or use another database."
        )
    return version == latest


def _run(connection: Connection, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            connection.exec_driver_sql(statement)
