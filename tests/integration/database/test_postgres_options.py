"""Connections to Postgres are made as settings and plugins say."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.postgres import POSTGRES

from prefect.server.composition import open_database
from prefect.server.database.options import connection_options
from prefect.settings import get_current_settings, temporary_settings

pytestmark = pytest.mark.parametrize("kind", [POSTGRES])


@pytest.fixture
def url(kind: str, postgres_server: Any) -> str:
    return postgres_server.url(postgres_server.shared_database())


def test_settings_say_how_connections_are_made_and_kept(url: str) -> None:
    prefix = "PREFECT_SERVER_DATABASE"
    settings = {
        f"{prefix}_CONNECTION_URL": url,
        f"{prefix}_TIMEOUT": "7.5",
        f"{prefix}_SQLALCHEMY_POOL_SIZE": "2",
        f"{prefix}_SQLALCHEMY_MAX_OVERFLOW": "1",
        f"{prefix}_SQLALCHEMY_CONNECT_ARGS_APPLICATION_NAME": "mine",
        f"{prefix}_SQLALCHEMY_CONNECT_ARGS_STATEMENT_CACHE_SIZE": "0",
    }
    with temporary_settings(settings):
        database = open_database(get_current_settings())
        assert (database.dialect.idle, database.dialect.capacity) == (2, 3)
        query = "SELECT current_setting('statement_timeout') || current_setting('application_name')"
        look = lambda connection: connection.exec_driver_sql(query).scalar_one()
        assert database.transaction(look, write=False) == "7500msmine"
        kept = "SELECT count(*) FROM pg_prepared_statements"
        for _ in range(10):
            found = database.transaction(lambda c: c.exec_driver_sql(kept).scalar_one(), write=False)
        assert found == 0
        database.close()


def test_settings_are_read_as_they_are_named(kind: str) -> None:
    settings = {
        "server.database.connection_timeout": 3,
        "server.database.migration_timeout": 60,
        "server.database.sqlalchemy.pool_timeout": 4,
        "server.database.sqlalchemy.pool_recycle": -1,
        "server.database.sqlalchemy.connect_args.search_path": "mine",
        "server.database.sqlalchemy.connect_args.tls.enabled": True,
        "server.database.sqlalchemy.connect_args.tls.ca_file": "ca.pem",
    }
    with temporary_settings(settings):
        options = connection_options("postgresql://h/r", get_current_settings())
    assert (options.connection_timeout, options.migration_timeout, options.pool_timeout) == (3, 60, 4)
    assert (options.pool_recycle, options.search_path) == (-1, "mine")
    assert options.encryption is not None
    assert (options.encryption.ca_file, options.encryption.check_hostname) == ("ca.pem", True)


PLUGIN = """
from prefect.plugins import register_hook

calls = []

@register_hook
def set_database_connection_params(connection_url, settings):
    calls.append(connection_url)
    return {"application_name": lambda: f"plugin {len(calls)}"}
"""

SCRIPT = """
from prefect.server.composition import open_database
from prefect.settings import get_current_settings
database = open_database(get_current_settings())
look = lambda connection: connection.exec_driver_sql("SHOW application_name").scalar_one()
print(database.transaction(look, write=False))
database.close()
print(database.transaction(look, write=False))
database.close()
"""


@pytest.mark.parametrize(("enabled", "name"), [("true", "plugin 1"), ("false", "prefect")])
def test_plugins_add_parameters_if_they_may(url: str, tmp_path: Path, enabled: str, name: str) -> None:
    (tmp_path / "a_plugin.py").write_text(PLUGIN)
    metadata = tmp_path / "a_plugin-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plugin\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[prefect.plugins]\na = a_plugin\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(SCRIPT)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])),
            "PREFECT_HOME": str(tmp_path / "home"),
            "PREFECT_PLUGINS_ENABLED": enabled,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"{name}\n{name}\n", "")
