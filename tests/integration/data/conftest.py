"""A home, a database and a storage of their own for each test."""

import pytest

from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def home():
    with prefect_test_harness():
        yield


@pytest.fixture
def client(home):
    return get_client(sync_client=True)
