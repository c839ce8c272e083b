"""Connection URLs, in all the forms in use."""

from __future__ import annotations

from typing import Any

import pytest

from prefect.exceptions import ConfigurationError
from prefect.server.database.dialects import ConnectionOptions, Encryption
from prefect_postgres.dialect import PostgresDialect
from prefect_postgres.parameters import parameters_of
from prefect_postgres.urls import read_url


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_the_driver_of_a_url_does_not_matter(scheme: str) -> None:
    assert read_url(f"{scheme}://me:secret@db.example.com:5433/runs").parameters == {
        "user": "me",
        "password": "secret",
        "host": "db.example.com",
        "port": "5433",
        "dbname": "runs",
    }


@pytest.mark.parametrize(
    ("rest", "parameters"),
    [
        ("", {}),
        ("localhost", {"host": "localhost"}),
        ("localhost/", {"host": "localhost"}),
        ("me@/runs?host=/var/run/postgresql", {"user": "me", "dbname": "runs", "host": "/var/run/postgresql"}),
        ("/runs?host=/tmp&port=5433", {"dbname": "runs", "host": "/tmp", "port": "5433"}),
        ("%2Ftmp%2Fpg/runs", {"host": "/tmp/pg", "dbname": "runs"}),
        ("me:p%40ss%2Fw%3Ard%25@h/r%20s", {"user": "me", "password": "p@ss/w:rd%", "host": "h", "dbname": "r s"}),
        ("me:p@ss@h/r", {"user": "me", "password": "p@ss", "host": "h", "dbname": "r"}),
        ("me:a:b@h/r", {"user": "me", "password": "a:b", "host": "h", "dbname": "r"}),
        ("[::1]:5433/r", {"host": "::1", "port": "5433", "dbname": "r"}),
        ("one:5432,two:5433/r", {"host": "one,two", "port": "5432,5433", "dbname": "r"}),
        ("/r?host=one:5432&host=two:5433", {"host": "one,two", "port": "5432,5433", "dbname": "r"}),
        ("h/r?sslmode=require", {"host": "h", "dbname": "r", "sslmode": "require"}),
        ("h/r?ssl=require", {"host": "h", "dbname": "r", "sslmode": "require"}),
        ("h/r?ssl=true", {"host": "h", "dbname": "r", "sslmode": "require"}),
        ("h/r?ssl=verify-full", {"host": "h", "dbname": "r", "sslmode": "verify-full"}),
        ("h/r?timeout=2.5", {"host": "h", "dbname": "r", "connect_timeout": "2"}),
        ("h/?user=u&database=d&password=p", {"host": "h", "user": "u", "dbname": "d", "password": "p"}),
        ("h/r?async_fallback=true", {"host": "h", "dbname": "r"}),
    ],
)
def test_urls_are_read(rest: str, parameters: dict[str, str]) -> None:
    assert read_url(f"postgresql+asyncpg://{rest}").parameters == parameters


def test_limits_and_caches_of_urls_are_kept() -> None:
    target = read_url("postgresql+asyncpg://h/r?command_timeout=20&prepared_statement_cache_size=0")
    assert (target.timeout, target.prepares, target.parameters) == (20.0, False, {"host": "h", "dbname": "r"})
    assert read_url("postgresql://h/r?statement_cache_size=100").prepares


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("me:secret@h/r?nonsense=1", 'invalid connection option "nonsense"'),
        ("me:secret@h:port/r", "a port is not a number"),
        ("me:secret@h/r?command_timeout=secret", "could not convert string to float"),
        ("me:secret@h/r?command_timeout", "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_url_is_told_without_its_secrets(rest: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as wrong:
        read_url(f"postgresql://{rest}")
    assert "secret" not in str(wrong.value)
    assert "PREFECT_SERVER_DATABASE_CONNECTION_URL" in str(wrong.value)


def test_places_and_representations_have_no_password() -> None:
    url = "postgresql://me:secret@db.example.com:5433/runs"
    assert PostgresDialect(url).place == "the Postgres database 'runs' at db.example.com:5433"
    assert PostgresDialect("postgresql:///runs?host=/tmp&port=1").place == "the Postgres database 'runs' at /tmp"
    assert "secret" not in repr(read_url(url))


def parameters(url: str, **options: Any) -> dict[str, Any]:
    return parameters_of(read_url(url), ConnectionOptions(**options))


def test_sessions_are_limited_and_in_utc() -> None:
    given = parameters("postgresql://h/r")
    assert given["application_name"] == "prefect"
    assert given["connect_timeout"] == 5
    for part in ("-c TimeZone=UTC", "-c statement_timeout=10000", "-c lock_timeout=5000"):
        assert part in given["options"]
    unlimited = parameters("postgresql://h/r", timeout=None, connection_timeout=None)
    assert "statement_timeout" not in unlimited["options"]
    assert "connect_timeout" not in unlimited


def test_what_a_url_says_comes_before_options_and_plugins_come_last() -> None:
    url = "postgresql://me:old@h/r?application_name=mine&command_timeout=3&options=-cwork_mem%3D8MB"
    given = parameters(url, application_name="theirs", extra=lambda: {"password": "new"})
    assert (given["application_name"], given["password"]) == ("mine", "new")
    assert "-c statement_timeout=3000" in given["options"]
    assert given["options"].endswith("-cwork_mem=8MB")


def test_schemas_may_have_odd_names() -> None:
    assert r"-c search_path=a\ b,c" in parameters("postgresql://h/r", search_path="a b,c")["options"]


@pytest.mark.parametrize(
    ("encryption", "wanted"),
    [
        (Encryption(), {"sslmode": "verify-full", "sslrootcert": "system"}),
        (Encryption(check_hostname=False), {"sslmode": "require"}),
        (Encryption("ca.pem"), {"sslmode": "verify-full", "sslrootcert": "ca.pem"}),
        (
            Encryption("ca.pem", "me.pem", "me.key", check_hostname=False),
            {"sslmode": "verify-ca", "sslrootcert": "ca.pem", "sslcert": "me.pem", "sslkey": "me.key"},
        ),
    ],
)
def test_encryption_is_asked_for(encryption: Encryption, wanted: dict[str, str]) -> None:
    given = parameters("postgresql://h/r", encryption=encryption)
    assert {name: value for name, value in given.items() if name.startswith("ssl")} == wanted
