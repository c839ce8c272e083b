"""A home that Prefect 3 has used: its database stays as it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from prefect._contract.actions import FlowCreate
from prefect._contract.endpoints.flows import create_flow
from prefect.client.base import current_transport
from prefect.server.database.errors import ForeignSchemaError
from prefect.server.database.foreign import own_url
from prefect.settings import temporary_settings


@pytest.fixture
def other(tmp_path: Path) -> Path:
    path = tmp_path / "prefect.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
    connection.execute("CREATE TABLE flow (id TEXT PRIMARY KEY, odd TEXT)")
    connection.commit()
    connection.close()
    return path


def test_another_file_is_used_beside_it(other: Path) -> None:
    before = other.read_bytes()
    with temporary_settings({"PREFECT_HOME": str(other.parent)}):
        transport = current_transport()
        assert transport.send(create_flow(FlowCreate(name="f"))).name == "f"
        transport.close()
    assert other.read_bytes() == before
    assert (other.parent / "prefect-4.db").exists()


def test_a_file_that_was_chosen_is_refused_with_a_remedy(other: Path, tmp_path: Path) -> None:
    chosen = other.rename(tmp_path / "chosen.db")
    settings = {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite:///{chosen}",
    }
    with temporary_settings(settings), pytest.raises(ForeignSchemaError, match=r"chosen\.db.* tables of Prefect 3"):
        current_transport().send(create_flow(FlowCreate(name="f")))


def test_other_files_are_left_to_themselves(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'prefect.db'}"
    assert own_url(url, tmp_path) == url
    (tmp_path / "prefect.db").write_text("no database at all")
    assert own_url(url, tmp_path) == url
    assert own_url("postgresql://u:p@h/prefect.db", tmp_path) == "postgresql://u:p@h/prefect.db"
