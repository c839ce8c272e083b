"""How tables are made and changed in a file."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from prefect.exceptions import ConfigurationError
from prefect.server.database import migrations, tables
from prefect.server.database.engine import Database
from prefect.server.database.errors import DatabaseUnreadableError, SchemaTooNewError, SchemaTooOldError
from prefect.server.database.migrations import migrate, schema_version
from prefect.server.database.sqlite import LATEST, SqliteDialect

SCRIPTS = [(1, "first_tables"), (2, "server"), (3, "catch_up"), (4, "automations")]


def run(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def versions(file: Path) -> list[tuple[int, str]]:
    connection = sqlite3.connect(file)
    try:
        return connection.execute("SELECT version, name FROM schema_version ORDER BY version").fetchall()
    finally:
        connection.close()


def words(sql: str) -> str:
    return " ".join(sql.split()).replace("( ", "(").replace(" )", ")")


def test_a_fresh_file_is_made_with_all_tables(database: Database, file: Path) -> None:
    names = database.transaction(lambda connection: inspect(connection).get_table_names(), write=False)
    assert set(names) == set(tables.metadata.tables)
    assert versions(file) == SCRIPTS


def test_scripts_make_what_the_tables_describe(database: Database, file: Path) -> None:
    database.transaction(lambda connection: None, write=False)
    connection = sqlite3.connect(file)
    made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    connection.close()
    dialect = sqlite_dialect()
    described = {}
    for table in tables.metadata.tables.values():
        described[table.name] = words(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            described[index.name] = words(str(CreateIndex(index).compile(dialect=dialect)))
    assert {name: words(sql) for name, sql in made.items()} == described


def test_the_latest_version_is_that_of_the_last_script() -> None:
    scripts = sorted((Path(migrations.__file__).parent / "sqlite").glob("*.sql"))
    assert [int(script.stem.partition("_")[0]) for script in scripts] == list(range(1, LATEST + 1))


def test_only_the_owner_may_read_file_and_directory(database: Database, file: Path) -> None:
    database.transaction(lambda connection: None, write=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    for companion in file.parent.glob("prefect.db-*"):
        assert stat.S_IMODE(companion.stat().st_mode) == 0o600


def test_a_newer_schema_is_refused(url: str, database: Database, file: Path) -> None:
    database.transaction(lambda connection: None, write=False)
    database.close()
    connection = sqlite3.connect(file)
    connection.execute("INSERT INTO schema_version VALUES (99, 'tomorrow', '2030')")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaTooNewError, match=rf"version 99, and this installation knows {LATEST}\. Upgrade"):
        Database(url).transaction(lambda connection: None, write=False)


def test_tables_are_left_alone_when_they_are_not_to_be_changed(url: str, database: Database, file: Path) -> None:
    careful = Database(url, migrates=False)
    with pytest.raises(SchemaTooOldError, match="PREFECT_SERVER_DATABASE_MIGRATE_ON_START is off"):
        careful.transaction(lambda connection: None, write=False)
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    database.transaction(lambda connection: None, write=False)
    careful.transaction(lambda connection: None, write=False)
    careful.close()


def test_eight_processes_that_start_at_once_make_one_database(url: str, file: Path) -> None:
    script = """
        import sys
        from prefect.server.database.engine import Database
        from prefect.server.database.migrations import schema_version
        database = Database(sys.argv[1])
        print(database.transaction(lambda connection: schema_version(connection, database.dialect), write=True))
        database.close()
    """
    processes = [run(script, url) for _ in range(8)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert outputs == [(f"{LATEST}\n", "")] * 8
    assert versions(file) == SCRIPTS


def test_a_process_that_is_killed_while_it_migrates_leaves_the_database_as_it_was(
    url: str, file: Path, tmp_path: Path
) -> None:
    Database(url).transaction(lambda connection: None, write=False)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / f"{LATEST + 1:04}_second.sql").write_text("CREATE TABLE second (id INTEGER);\n")
    (scripts / f"{LATEST + 2:04}_third.sql").write_text(
        "CREATE TABLE third (id INTEGER);\nSELECT stop();\nDROP TABLE flow;\n"
    )
    script = """
        import os, signal, sys
        from pathlib import Path
        from prefect.server.database.sqlite import SqliteDialect
        from prefect.server.database.migrations import migrate
        dialect = SqliteDialect(sys.argv[1])
        connection = dialect.make_engine().connect()
        connection.connection.driver_connection.create_function("stop", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
        migrate(connection, dialect, Path(sys.argv[2]), int(sys.argv[3]))
    """
    process = run(script, url, str(scripts), str(LATEST + 2))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert versions(file) == SCRIPTS

    (scripts / f"{LATEST + 2:04}_third.sql").write_text("CREATE TABLE third (id INTEGER);\n")
    dialect = SqliteDialect(url)
    engine = dialect.make_engine()
    with engine.connect() as connection:
        migrate(connection, dialect, scripts, LATEST + 2)
        assert schema_version(connection, dialect) == LATEST + 2
        assert {"second", "third", "flow"} <= set(inspect(connection).get_table_names())


@pytest.mark.parametrize(
    "content",
    [b"this is no database, but a text that somebody has put here" * 50, b"SQLite format 3\x00" + b"\xff" * 4000],
)
def test_a_file_that_is_no_database_is_named(url: str, file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(
        DatabaseUnreadableError, match=r"Cannot use the database file '.*prefect\.db'.*Move the file away"
    ):
        Database(url).transaction(lambda connection: None, write=False)
    assert file.read_bytes() == content


def test_a_directory_in_the_place_of_the_file_is_named(url: str, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(DatabaseUnreadableError, match="unable to open"):
        Database(url).transaction(lambda connection: None, write=False)


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseUnreadableError, match="File exists|Not a directory"):
        Database(f"sqlite:///{tmp_path}/file/prefect.db").transaction(lambda connection: None, write=False)


@pytest.mark.parametrize(
    ("address", "hint"),
    [("mysql://host/db", "of the kind 'mysql'"), ("prefect.db", "Use 'sqlite:///<path>'")],
)
def test_other_kinds_of_databases_are_refused(address: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        Database(address)


@pytest.mark.parametrize("address", ["postgresql+asyncpg://me@host/db", "postgres://me@host/db"])
def test_a_kind_whose_plugin_is_missing_is_told_what_to_install(address: str) -> None:
    script = """
        import sys
        from prefect.server.database.engine import Database
        Database(sys.argv[1])
    """
    process = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), address],
        env={**os.environ, "PREFECT_PLUGINS_DENY": "postgres"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 1
    assert "ConfigurationError" in process.stderr
    assert "needs the package 'prefect-postgres': pip install prefect-postgres" in process.stderr
    assert "psycopg" not in process.stderr


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"])
def test_urls_name_absolute_and_relative_files(scheme: str, tmp_path: Path) -> None:
    assert SqliteDialect(f"{scheme}:////tmp/a%20b/x.db").path == Path("/tmp/a b/x.db")
    assert SqliteDialect(f"{scheme}:///x.db?timeout=3").path == Path("x.db")
    assert SqliteDialect(f"{scheme}:///:memory:").path is None
    assert SqliteDialect(f"{scheme}:///file::memory:?cache=shared&uri=true").path is None
    assert os.fspath(SqliteDialect(f"{scheme}:///~/x.db").path or "") == os.path.expanduser("~/x.db")
