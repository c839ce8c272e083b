"""Servers that are killed, that share a database, and whose database is busy: what they were told is not lost."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import websockets
from tests.compat.products.running import Product, Server
from tests.faults.invariants import check_invariants
from tests.postgres import POSTGRES, PostgresServer

pytestmark = pytest.mark.faults


def moment() -> str:
    return datetime.now(timezone.utc).isoformat()


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("It did not happen in time.")


class Site:
    """A home, on which servers start and die."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.product = Product(sys.executable, home, environment=settings)
        self.url = settings.get("PREFECT_SERVER_DATABASE_CONNECTION_URL") or f"sqlite:///{home / 'prefect.db'}"
        self.servers: list[Server] = []

    def start(self, port: int | None = None) -> Server:
        self.servers.append(self.product.start_server(port))
        return self.servers[-1]

    def again(self) -> Server:
        """Kill the server, and start another one at the same place."""
        server = self.servers[-1]
        server.kill()
        return self.start(httpx.URL(server.api).port)

    def post(self, path: str, body: Any, server: Server | None = None) -> httpx.Response:
        api = (server or self.servers[-1]).api
        return httpx.post(api + path, json=body, timeout=60, trust_env=False)

    def flow(self) -> str:
        return str(self.post("/flows/", {"name": "f"}).json()["id"])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path / "home")
    yield made
    for server in made.servers:
        server.stop()
    check_invariants(made.url)


def delay(site: Site) -> str:
    details = {"deferred": True, "scheduled_time": moment()}
    state = {"type": "SCHEDULED", "state_details": details}
    return str(site.post("/task_runs/", {"task_key": "t", "dynamic_key": str(uuid4()), "state": state}).json()["id"])


async def work(server: Server, count: int) -> list[str]:
    """Take background task runs, and run them to their end."""
    address = server.api.replace("http", "ws", 1) + "/task_runs/subscriptions/scheduled"
    done: list[str] = []
    async with (
        websockets.connect(address, subprotocols=["prefect"], proxy=None) as socket,
        httpx.AsyncClient(base_url=server.api, trust_env=False, timeout=30) as client,
    ):
        await socket.send('{"type": "auth", "token": null}')
        await socket.recv()
        await socket.send(json.dumps({"type": "subscribe", "keys": ["t"], "client_id": "w"}))
        while len(done) < count:
            run = json.loads(await asyncio.wait_for(socket.recv(), 60))["id"]
            await socket.send('{"type": "ack"}')
            for kind in ("PENDING", "RUNNING", "COMPLETED"):
                await client.post(f"/task_runs/{run}/set_state", json={"state": {"type": kind}})
            done.append(run)
    return done


def test_background_task_runs_are_not_lost_with_the_server(site: Site, repetition: int) -> None:
    site.start()
    asked = [delay(site) for _ in range(5)]
    server = site.again()
    assert asyncio.run(asyncio.wait_for(work(server, 5), 60)) == asked


def test_what_was_acknowledged_survives_the_server(site: Site, repetition: int) -> None:
    site.start()
    flow = site.flow()
    made: list[str] = []

    def create() -> None:
        while True:
            try:
                answer = site.post("/flow_runs/", {"flow_id": flow, "state": {"type": "PENDING"}})
            except httpx.TransportError:
                return
            made.append(answer.json()["id"])

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(made) > 100)
    site.servers[-1].kill()
    for thread in threads:
        thread.join()
    server = site.start()
    for run in made:
        assert httpx.get(f"{server.api}/flow_runs/{run}", trust_env=False).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_finishes_what_it_was_asked(site: Site, number: int) -> None:
    server = site.start()
    flow = site.flow()
    database = sqlite3.connect(site.product.home / "prefect.db", isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    asking = http.client.HTTPConnection(httpx.URL(server.api).netloc.decode(), timeout=60)
    body = json.dumps({"flow_id": flow}).encode()
    asking.putrequest("POST", "/api/flow_runs/")
    about = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Expect": "100-continue"}
    for name, value in about.items():
        asking.putheader(name, value)
    asking.endheaders()
    assert asking.sock.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the server is at it, and wants to know what
    asking.send(body)
    os.kill(server.process.pid, number)
    time.sleep(0.5)
    database.execute("ROLLBACK")
    assert asking.getresponse().status == 201
    asking.close()
    database.close()
    assert server.process.wait(20) in {0, 130}


@pytest.mark.parametrize("kind", [POSTGRES])
def test_two_servers_on_one_database_do_everything_once(kind: str, tmp_path: Path) -> None:
    postgres = PostgresServer()
    try:
        url = postgres.url(postgres.new_database())
        site = Site(tmp_path / "home", PREFECT_SERVER_DATABASE_CONNECTION_URL=url)
        servers = [site.start(), site.start()]
        flow = site.flow()
        schedule = {"schedule": {"interval": 1800, "timezone": "UTC"}, "active": True}
        deployment = site.post("/deployments/", {"name": "d", "flow_id": flow, "schedules": [schedule]}).json()["id"]
        wanted = {"deployments": {"id": {"any_": [deployment]}}}
        until(lambda: len(site.post("/flow_runs/filter", wanted, servers[0]).json()) >= 3)
        time.sleep(6)  # the other one looks, too
        due = [run["expected_start_time"] for run in site.post("/flow_runs/filter", wanted, servers[1]).json()]
        assert len(due) == len(set(due)) >= 3

        heard: list[str] = []

        async def listen() -> None:
            address = servers[1].api.replace("http", "ws", 1) + "/events/out"
            async with websockets.connect(address, subprotocols=["prefect"], proxy=None) as out:
                await out.send('{"type": "auth", "token": null}')
                await out.recv()
                wanted = {"event": {"name": ["it.happened"]}}
                await out.send(json.dumps({"type": "filter", "filter": wanted}))
                for _ in range(30):  # nobody says from when on it listens
                    event = {"occurred": moment(), "event": "it.happened", "id": str(uuid4())}
                    body = [{**event, "resource": {"prefect.resource.id": "x"}}]
                    await asyncio.to_thread(site.post, "/events", body, servers[0])
                    with suppress(asyncio.TimeoutError):
                        heard.append(json.loads(await asyncio.wait_for(out.recv(), 2))["event"]["event"])
                        return

        asyncio.run(listen())
        assert heard == ["it.happened"]
        servers[0].kill()
        assert site.post("/flows/filter", {}, servers[1]).status_code == 200
        servers[1].stop()
        check_invariants(url)
    finally:
        for server in site.servers:
            server.stop()
        postgres.close()
