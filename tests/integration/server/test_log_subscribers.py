"""Being told of lines of logs, by a server and by an embedded orchestrator."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from tests.ports import free_port

from prefect import flow, get_run_logger
from prefect._contract.endpoints.logs import create_logs
from prefect.client.base import current_transport
from prefect.client.http.subscription import SubscriptionRefusedError
from prefect.client.schemas.actions import LogCreate
from prefect.client.schemas.filters import LogFilter
from prefect.exceptions import ServerUnreachableError
from prefect.logging.clients import PrefectLogsSubscriber, get_logs_subscriber
from prefect.settings import temporary_settings
from prefect.utilities.time import now

PATIENCE_SECONDS = 60


@pytest.fixture(params=["embedded", "server"])
def orchestrator(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[None]:
    """An orchestrator in this process, or one behind a server."""
    url = f"{request.getfixturevalue('server').url}/api" if request.param == "server" else None
    settings = {"PREFECT_HOME": str(tmp_path / "mine"), **({"PREFECT_API_URL": url} if url else {})}
    with temporary_settings(settings):
        yield


async def store(*messages: str, level: int = logging.INFO, run_id: Any = None) -> None:
    lines = [LogCreate(name="n", level=level, message=each, timestamp=now(), flow_run_id=run_id) for each in messages]
    await current_transport().asend(create_logs(lines))


async def hear(lines: PrefectLogsSubscriber, count: int) -> list[str]:
    return [(await asyncio.wait_for(anext(lines), PATIENCE_SECONDS)).message for _ in range(count)]


@pytest.mark.usefixtures("orchestrator")
def test_lines_are_told_that_are_stored_from_now_on() -> None:
    async def act() -> None:
        async with get_logs_subscriber() as lines:
            await store("one", "two")
            assert await hear(lines, 2) == ["one", "two"]
            await store("three")
            assert await hear(lines, 1) == ["three"]

    asyncio.run(act())


@pytest.mark.usefixtures("orchestrator")
def test_lines_are_told_that_the_filter_selects() -> None:
    async def act() -> None:
        mine = uuid4()
        wanted = LogFilter(level={"ge_": logging.WARNING}, flow_run_id={"any_": [mine]})
        async with PrefectLogsSubscriber(filter=wanted) as lines:
            assert lines.client_name == "PrefectLogsSubscriber"
            await store("quiet", run_id=mine)
            await store("of another", level=logging.ERROR, run_id=uuid4())
            await store("loud", level=logging.ERROR, run_id=mine)
            assert await hear(lines, 1) == ["loud"]

    asyncio.run(act())


@pytest.mark.usefixtures("orchestrator")
def test_more_lines_than_a_page_are_told_once_each() -> None:
    async def act() -> None:
        async with get_logs_subscriber() as lines:
            expected = [f"line {number}" for number in range(450)]
            await store(*expected)
            await store("last")
            assert sorted(await hear(lines, 451)) == sorted([*expected, "last"])

    asyncio.run(act())


@pytest.mark.usefixtures("orchestrator")
def test_what_a_run_logs_is_told() -> None:
    @flow
    async def main() -> None:
        get_run_logger().info("from the flow")

    async def act() -> None:
        async with get_logs_subscriber() as lines:
            await main()
            while (await hear(lines, 1)) != ["from the flow"]:
                pass

    asyncio.run(act())


def test_what_is_stored_while_there_is_no_server_to_tell_is_told_later(
    start: Callable[..., Any], tmp_path: Any
) -> None:
    async def act() -> None:
        first = start(port=free_port())  # so that nobody takes it while the server is away
        with temporary_settings({"PREFECT_HOME": str(tmp_path / "mine"), "PREFECT_API_URL": f"{first.url}/api"}):
            async with get_logs_subscriber() as lines:
                await store("before")
                assert await hear(lines, 1) == ["before"]
                waiting = asyncio.create_task(hear(lines, 2))
                await asyncio.to_thread(first.stop)
                first.stop = lambda: None
                with temporary_settings({"PREFECT_HOME": str(tmp_path / "home")}, restore_defaults={"PREFECT_API_URL"}):
                    await store("meanwhile")
                await asyncio.sleep(0.5)  # a server looks back by itself, but not so far
                await asyncio.to_thread(start, port=first.port)
                await store("after")
                assert sorted(await waiting) == ["after", "meanwhile"]

    asyncio.run(act())


def test_a_server_that_is_not_there_is_named(tmp_path: Any) -> None:
    async def act() -> None:
        async with PrefectLogsSubscriber("http://127.0.0.1:9/api"):
            pytest.fail("it has connected")

    with pytest.raises(ServerUnreachableError, match=r"The server at http://127.0.0.1:9/api does not tell of logs"):
        asyncio.run(act())


def test_a_server_that_wants_a_password_refuses(start: Callable[..., Any]) -> None:
    async def act(url: str) -> None:
        async with PrefectLogsSubscriber(f"{url}/api"):
            pytest.fail("it has connected")

    server = start({"PREFECT_SERVER_API_AUTH_STRING": "user:word"})
    with pytest.raises(SubscriptionRefusedError, match="PREFECT_API_AUTH_STRING"):
        asyncio.run(act(server.url))


def test_lines_are_told_inside_of_the_statement_alone() -> None:
    with pytest.raises(TypeError, match=r"async with PrefectLogsSubscriber\(\) as lines"):
        asyncio.run(hear(PrefectLogsSubscriber(), 1))
