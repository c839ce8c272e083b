"""A home, a database and a storage of their own for each test."""

from collections.abc import Iterator

import pytest
from tests.integration.server.conftest import Server

from prefect.client.orchestration import get_client
from prefect.settings import temporary_settings
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def home():
    with prefect_test_harness():
        yield


@pytest.fixture(params=["embedded", "served"])
def orchestrator(request, home) -> Iterator[str]:
    """What is asked: this process itself, or a server on the same database."""
    if request.param == "embedded":
        yield request.param
        return
    server = Server(ephemeral=True).start()
    with temporary_settings({"PREFECT_API_URL": f"{server.url}/api"}):
        yield request.param
    server.stop()


@pytest.fixture
def client(home):
    return get_client(sync_client=True)
