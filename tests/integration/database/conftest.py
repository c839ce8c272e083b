"""Databases of each kind, all empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect.server.database.engine import Database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "prefect.db"


@pytest.fixture
def url(kind_of_database: str, request: pytest.FixtureRequest) -> str:
    if kind_of_database == "sqlite":
        return f"sqlite:///{request.getfixturevalue('file')}"
    server = request.getfixturevalue("postgres_server")
    return server.url(server.shared_database())


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()
