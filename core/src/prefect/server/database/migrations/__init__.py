"""
Brings the tables of a database up to date.

A migration is a numbered script of plain SQL, `<number>_<name>.sql`, whose statements end in a semicolon at the end of
a line; each kind of database has its own, numbered on its own. All that are missing run in one transaction which also
notes them in `schema_version`: a process that dies on the way leaves the database as it was, and of several that start
at once one does the work.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.engine import Connection
from sqlalchemy.schema import DropTable

from prefect.server.database.dialects import Dialect
from prefect.server.database.errors import ForeignSchemaError, SchemaTooNewError, SchemaTooOldError
from prefect.server.database.tables import metadata
from prefect.server.database.tables.server import schema_version as versions
from prefect.utilities.time import now

__all__ = ["migrate", "missing_scripts", "rebuild", "require_latest", "schema_version"]


def schema_version(connection: Connection, dialect: Dialect) -> int:
    """The number of the last migration that a database has been through; 0 for an empty one."""
    if not dialect.has_table(connection, versions.name):
        return 0
    return int(connection.exec_driver_sql("SELECT max(version) FROM schema_version").scalar() or 0)


def migrate(connection: Connection, dialect: Dialect, scripts: Path | None = None, latest: int | None = None) -> None:
    """
    Run what is missing.

    Args:
        connection: A connection without a transaction.
        dialect: Its dialect.
        scripts: The directory of the scripts; the dialect's by default.
        latest: The version to reach; the dialect's by default.

    Raises:
        prefect.server.database.errors.SchemaTooNewError: The database is newer than this version of the product.
    """
    scripts, latest = scripts or dialect.scripts, latest or dialect.latest
    if _is_current(connection, dialect, latest):
        return
    dialect.begin_alone(connection)
    try:
        version = schema_version(connection, dialect)  # again, now that nobody else can change it
        if version == 0:
            _refuse_foreign(connection, dialect)
        _run_scripts(connection, _scripts_between(scripts, version, latest))
        dialect.commit(connection)
    except BaseException:
        dialect.rollback(connection)
        raise


def missing_scripts(connection: Connection, dialect: Dialect, latest: int) -> list[Path]:
    """What `migrate` would run."""
    return _scripts_between(dialect.scripts, schema_version(connection, dialect), latest)


def rebuild(connection: Connection, dialect: Dialect) -> None:
    """
    Drop all tables, and make them again, empty.

    Raises:
        prefect.server.database.errors.SchemaTooNewError: Newer tables may be there, which are not known here.
        prefect.server.database.errors.ForeignSchemaError: They are those of another product.
    """
    _is_current(connection, dialect, dialect.latest)
    dialect.begin_alone(connection)
    try:
        if schema_version(connection, dialect) == 0:
            _refuse_foreign(connection, dialect)
        for table in reversed(metadata.sorted_tables):
            if dialect.has_table(connection, table.name):
                connection.execute(DropTable(table))
        _run_scripts(connection, _scripts_between(dialect.scripts, 0, dialect.latest))
        dialect.commit(connection)
    except BaseException:
        dialect.rollback(connection)
        raise


def _scripts_between(scripts: Path, version: int, latest: int) -> list[Path]:
    """The scripts that lead from one version to another."""
    return [path for path in sorted(scripts.glob("*.sql")) if version < int(path.stem.partition("_")[0]) <= latest]


def _run_scripts(connection: Connection, scripts: list[Path]) -> None:
    for path in scripts:
        number, _, name = path.stem.partition("_")
        _run(connection, path.read_text(encoding="utf-8"))
        connection.execute(insert(versions), {"version": int(number), "name": name, "applied": now()})


def _refuse_foreign(connection: Connection, dialect: Dialect) -> None:
    if dialect.has_table(connection, "alembic_version"):
        raise ForeignSchemaError(
            f"{dialect.place} holds the tables of Prefect 3, which are left as they are. Set "
            "PREFECT_SERVER_DATABASE_CONNECTION_URL to an empty database, or unset it to have a file in PREFECT_HOME."
        )


def require_latest(connection: Connection, dialect: Dialect) -> None:
    """
    Make sure that nothing is missing, without changing anything.

    Raises:
        prefect.server.database.errors.SchemaTooOldError: A migration is missing.
        prefect.server.database.errors.SchemaTooNewError: The database is newer than this version of the product.
    """
    if not _is_current(connection, dialect, dialect.latest):
        message = (
            f"The tables of {dialect.place} are not up to date, and PREFECT_SERVER_DATABASE_MIGRATE_ON_START is off. "
            "Turn it on once to have them changed."
        )
        raise SchemaTooOldError(message)


def _is_current(connection: Connection, dialect: Dialect, latest: int) -> bool:
    version = schema_version(connection, dialect)
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
