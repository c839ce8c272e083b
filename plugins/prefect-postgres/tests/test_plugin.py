"""The database is found by its URL, and costs nothing before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from prefect.plugins.registries import server_backends
from prefect.server.database.dialects import ConnectionOptions
from prefect.server.database.engine import make_dialect


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_the_database_is_found_by_its_scheme(scheme: str) -> None:
    dialect = make_dialect(f"{scheme}://me@host/runs", ConnectionOptions(pool_size=2, max_overflow=1))
    assert dialect.place == "the Postgres database 'runs' at host"
    assert (dialect.idle, dialect.capacity, dialect.is_remote) == (2, 3, True)


def test_the_plugin_is_listed_with_what_it_provides() -> None:
    assert {"database/postgresql", "database/postgres"} <= set(server_backends.names())


def test_nothing_of_it_is_imported_for_a_file() -> None:
    script = """
import sys
from prefect.server.database.engine import Database
database = Database("sqlite:///:memory:")
database.transaction(lambda connection: None, write=True)
database.close()
loaded = {name.partition(".")[0] for name in sys.modules} | set(sys.modules)
assert not loaded & {"psycopg", "prefect_postgres", "sqlalchemy.dialects.postgresql"}, loaded
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
