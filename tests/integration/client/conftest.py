"""Homes of their own, for processes and for clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect.client.orchestration import PrefectClient, SyncPrefectClient, get_client
from prefect.server.database.engine import close_databases
from prefect.settings import temporary_settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """What a process needs to know to use that home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, "PREFECT_HOME": str(home)}


@pytest.fixture
def settings(home: Path) -> Iterator[None]:
    with temporary_settings({"home": home}):
        yield
    close_databases()


@pytest.fixture
def client(settings: None) -> SyncPrefectClient:
    return get_client(sync_client=True)


@pytest.fixture
def async_client(settings: None) -> PrefectClient:
    return get_client()
