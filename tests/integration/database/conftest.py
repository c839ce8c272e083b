"""Databases in files of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect.server.database.engine import Database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "prefect.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()
