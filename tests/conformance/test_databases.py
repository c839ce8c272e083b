"""The databases that a server can be on: a file, and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.postgres import POSTGRES

from prefect.testing.conformance import ServerBackendContract


class TestSQLite(ServerBackendContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/prefect.db"


@pytest.mark.parametrize("kind", [POSTGRES])
class TestPostgres(ServerBackendContract):
    @pytest.fixture
    def url(self, kind: str, postgres_server: Any) -> str:
        return postgres_server.url(postgres_server.new_database())
