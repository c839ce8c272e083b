"""How tables are made and changed in Postgres."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from tests.postgres import POSTGRES

from prefect.server.database import tables
from prefect.server.database.engine import Database
from prefect.server.database.errors import (
    DatabaseUnreadableError,
    ForeignSchemaError,
    SchemaTooNewError,
    SchemaTooOldError,
)
from prefect.server.database.migrations import migrate, schema_version

pytestmark = pytest.mark.parametrize("kind", [POSTGRES])

SCRIPTS = [(1, "tables"), (2, "catch_up"), (3, "automations"), (4, "tags")]
LATEST = len(SCRIPTS)


@pytest.fixture
def name(kind: str, postgres_server: Any) -> str:
    return postgres_server.new_database()


@pytest.fixture
def url(postgres_server: Any, name: str) -> str:
    return postgres_server.url(name)


def open_and_close(url: str, **options: Any) -> None:
    database = Database(url, **options)
    try:
        database.transaction(lambda connection: None, write=False)
    finally:
        database.close()


def versions(postgres_server: Any, name: str) -> list[Any]:
    return postgres_server.execute("SELECT version, name FROM schema_version ORDER BY version", name)


def table_names(postgres_server: Any, name: str) -> set[str]:
    return {
        each for (each,) in postgres_server.execute("SELECT tablename FROM pg_tables WHERE schemaname='public'", name)
    }


def run(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexdef NOT LIKE '%USING gin%' ORDER BY 1"
OF_TAGS = {"ix_flow_run__tags", "ix_task_run__tags"}
"""Indexes of a kind that only Postgres has."""

CONSTRAINTS = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
"""


def test_the_scripts_make_what_the_tables_describe(url: str, name: str, postgres_server: Any) -> None:
    from prefect_postgres.dialect import PostgresDialect
    from prefect_postgres.schema import statements

    assert [int(script.stem.partition("_")[0]) for script in sorted(PostgresDialect.scripts.glob("*.sql"))] == [
        number for number, _ in SCRIPTS
    ]
    open_and_close(url)
    described = postgres_server.new_database()
    for _, statement in statements(tables.metadata):
        postgres_server.execute(statement, described)
    for what in (COLUMNS, INDEXES, CONSTRAINTS):
        assert postgres_server.execute(what, name) == postgres_server.execute(what, described)


def test_an_empty_database_gets_all_tables_and_indexes(url: str, name: str, postgres_server: Any) -> None:
    database = Database(url)

    def look(connection: Any) -> tuple[set[str], set[str]]:
        inspector = inspect(connection)
        names = set(inspector.get_table_names())
        return names, {index["name"] for table in names for index in inspector.get_indexes(table)}

    names, indexes = database.transaction(look, write=False)
    database.close()
    assert names == set(tables.metadata.tables)
    assert indexes == {index.name for table in tables.metadata.tables.values() for index in table.indexes} | OF_TAGS
    assert versions(postgres_server, name) == SCRIPTS


def test_eight_processes_that_start_at_once_make_the_tables_once(url: str, name: str, postgres_server: Any) -> None:
    script = """
        import sys
        from prefect.server.database.engine import Database
        from prefect.server.database.migrations import schema_version
        database = Database(sys.argv[1])
        print(database.transaction(lambda connection: schema_version(connection, database.dialect), write=False))
        database.close()
    """
    processes = [run(script, url) for _ in range(8)]
    assert [process.communicate(timeout=60) for process in processes] == [(f"{LATEST}\n", "")] * 8
    assert versions(postgres_server, name) == SCRIPTS


def test_a_process_that_is_killed_while_it_migrates_leaves_the_database_as_it_was(
    url: str, name: str, postgres_server: Any, tmp_path: Path
) -> None:
    open_and_close(url)
    (tmp_path / f"{LATEST + 1:04}_second.sql").write_text("CREATE TABLE second (id INTEGER);\n")
    (tmp_path / f"{LATEST + 2:04}_third.sql").write_text(
        "CREATE TABLE third (id INTEGER);\nSELECT pg_sleep(60);\nDROP TABLE flow;\n"
    )
    script = """
        import sys
        from pathlib import Path
        from prefect.server.database.dialects import ConnectionOptions
        from prefect.server.database.engine import make_dialect
        from prefect.server.database.migrations import migrate
        dialect = make_dialect(sys.argv[1], ConnectionOptions())
        migrate(dialect.make_engine().connect(), dialect, Path(sys.argv[2]), int(sys.argv[3]))
    """
    process = run(script, url, str(tmp_path), str(LATEST + 2))
    sleeping = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + 30
    while not postgres_server.execute(sleeping):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    postgres_server.execute("SELECT pg_terminate_backend(pid) FROM (" + sleeping + ") AS gone")  # else it sleeps first
    assert versions(postgres_server, name) == SCRIPTS
    assert table_names(postgres_server, name) == set(tables.metadata.tables)

    (tmp_path / f"{LATEST + 2:04}_third.sql").write_text("CREATE TABLE third (id INTEGER);\n")
    database = Database(url)
    with database.dialect.make_engine().connect() as connection:
        migrate(connection, database.dialect, tmp_path, LATEST + 2)
        assert schema_version(connection, database.dialect) == LATEST + 2
        database.dialect.close(connection)
    assert {"second", "third", "flow"} <= table_names(postgres_server, name)


def test_a_newer_schema_is_refused(url: str, name: str, postgres_server: Any) -> None:
    open_and_close(url)
    postgres_server.execute("INSERT INTO schema_version VALUES (99, 'tomorrow', now())", name)
    with pytest.raises(
        SchemaTooNewError, match=rf"'{name}'.*version 99, and this installation knows {LATEST}\. Upgrade"
    ):
        open_and_close(url)


def test_a_database_of_prefect_3_is_refused_and_left_alone(url: str, name: str, postgres_server: Any) -> None:
    postgres_server.execute("CREATE TABLE alembic_version (version_num TEXT)", name)
    with pytest.raises(ForeignSchemaError, match=rf"'{name}'.*tables of Prefect 3.*to an empty database"):
        open_and_close(url)
    assert table_names(postgres_server, name) == {"alembic_version"}


def test_tables_are_left_alone_when_they_are_not_to_be_changed(url: str, name: str, postgres_server: Any) -> None:
    with pytest.raises(SchemaTooOldError, match="PREFECT_SERVER_DATABASE_MIGRATE_ON_START is off"):
        open_and_close(url, migrates=False)
    assert table_names(postgres_server, name) == set()
    open_and_close(url)
    open_and_close(url, migrates=False)


def test_a_user_who_may_not_make_tables_is_told(name: str, postgres_server: Any) -> None:
    postgres_server.execute(f"CREATE ROLE guest_{name} LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
    address = postgres_server.url(name).replace("prefect@", f"guest_{name}@")
    with pytest.raises(DatabaseUnreadableError, match="permission denied for schema public.*Give its user the right"):
        open_and_close(address)
    assert table_names(postgres_server, name) == set()


def test_tables_are_made_in_the_schema_that_the_url_names(url: str, name: str, postgres_server: Any) -> None:
    postgres_server.execute("CREATE SCHEMA mine; CREATE TABLE public.alembic_version (version_num TEXT)", name)
    open_and_close(f"{url}&options=-csearch_path%3Dmine")
    found = postgres_server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'mine'", name)
    assert found == [(len(tables.metadata.tables),)]
