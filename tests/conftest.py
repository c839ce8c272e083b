"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import groupby

import pytest
from tests.postgres import PostgresServer, kinds_of_database

collect_ignore = [] if find_spec("prefect_email") else ["thirdparty"]  # `nox -s thirdparty` installs what those need

signal.signal(signal.SIGINT, signal.default_int_handler)  # those who start in the background pass on that it is ignored

# Nothing that a developer has configured may change what tests see.
for name in [name for name in os.environ if name.startswith("PREFECT_")]:
    del os.environ[name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-repetitions", type=int, default=2, help="how often each fault is repeated")
    parser.addoption(
        "--keep-events", metavar="FILE", help="where to copy the database that holds an event of each name"
    )
    parser.addoption("--outage-seconds", type=float, default=4.0, help="for how long servers are away from many runs")
    parser.addoption("--healthy-runs", type=int, default=12, help="how many runs are executed of which none may crash")
    parser.addoption("--outage-runs", type=int, default=4, help="how many runs are under way meanwhile")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "repetition" in metafunc.fixturenames:
        metafunc.parametrize("repetition", range(metafunc.config.getoption("--fault-repetitions")))
    kinds_of_database(metafunc)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put faults between the modules of other tests: they mostly wait, and would do that alone if they were the last."""
    faults = [item for item in items if item.get_closest_marker("faults")]
    others = [item for item in items if not item.get_closest_marker("faults")]
    mixed: list[pytest.Item] = []
    modules = [list(module) for _, module in groupby(others, _module)]
    for number, module in enumerate(modules):
        mixed += module
        mixed += faults[len(faults) * number // len(modules) : len(faults) * (number + 1) // len(modules)]
    items[:] = mixed if others else faults


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.fixture(autouse=True, scope="session")
def isolated_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests that forget to make a home of their own do not touch the developer's."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The Postgres server of this test process."""
    server = PostgresServer()
    yield server
    server.close()
